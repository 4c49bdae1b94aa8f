"""A check on a real Ray of this machine: the board is that of one process, whoever is killed meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from evalgate.cluster import Fleet
from evalgate.collect import Stop
from evalgate.errors import InputError, Interrupted
from tests.cluster.conftest import KEY, Cluster, Watching, processes
from tests.e2e.test_money import timeless
from tests.store.conftest import PASSWORD


def test_a_cluster_concludes_what_one_process_does(cluster: Cluster) -> None:
    cluster.house.suite("equal")
    board = cluster.check("equal", watching := Watching())
    counts = cluster.house.counts("equal")
    alone, asked = cluster.alone("equal")
    assert timeless(board.to_json()) == timeless(alone.to_json())
    assert counts == asked
    assert board.requests == alone.requests == counts.total() == watching.answers
    outcomes = {verdict.variant.id: verdict.outcome for verdict in board.operations[0].verdicts}
    assert outcomes == {"same": "green", "worse": "red"}
    assert cluster.check("equal").requests == 0  # all of it is known now


@pytest.mark.parametrize("who", ["Asker", "Decider"])
def test_whoever_is_killed_the_verdict_is_the_same_and_few_are_asked_again(cluster: Cluster, who: str) -> None:
    operation = f"killed_{who.lower()}"
    cluster.house.suite(operation)
    cluster.house.slow = 0.02

    def kill() -> None:
        os.kill(processes(f"ray::{who}")[0], signal.SIGKILL)

    try:
        board = cluster.check(operation, watching := Watching(at={60: kill}))
    finally:
        cluster.house.slow = 0.0
    assert not watching.at, "nobody was killed"
    counts = cluster.house.counts(operation)
    alone, asked = cluster.alone(operation)
    assert timeless(board.to_json()) == timeless(alone.to_json())
    assert not asked - counts
    assert (counts - asked).total() <= 64
    assert watching.answers == asked.total()  # what a new decider repeats is told once


def test_who_stops_it_loses_nothing_and_the_next_one_goes_on(cluster: Cluster) -> None:
    cluster.house.suite("stopped")
    cluster.house.slow = 0.02
    stop = Stop()
    try:
        with pytest.raises(Interrupted):
            cluster.check("stopped", Watching(at={30: stop.request}), stop)
        before = cluster.house.counts("stopped")
    finally:
        cluster.house.slow = 0.0
    board = cluster.check("stopped")
    counts = cluster.house.counts("stopped")
    alone, asked = cluster.alone("stopped")
    assert 30 <= before.total() < counts.total()
    assert counts == asked
    assert timeless(board.to_json()) == timeless(alone.to_json())


def test_a_grader_that_needs_a_core_scores_on_the_cluster_what_it_scores_here(cluster: Cluster) -> None:
    pytest.importorskip("math_verify")
    cluster.house.suite("maths", targets=[str(number) for number in range(6)], **{"assert": [{"type": "maths"}]})
    assert cluster.house.contest("maths").grading.cpus == 1.0
    board = cluster.check("maths")
    assert timeless(board.to_json()) == timeless(cluster.alone("maths")[0].to_json())


def test_a_budget_is_spent_by_all_together(cluster: Cluster) -> None:
    cluster.house.suite("poor", budget={"calls": 45})
    board = cluster.check("poor")
    assert sum(cluster.house.counts("poor").values()) == board.requests == 45
    assert "budget" in board.operations[0].verdicts[0].reason


def test_another_file_than_here_is_refused(cluster: Cluster) -> None:
    cluster.house.suite("moved", 20)
    contest = cluster.house.contest("moved")
    cluster.house.suite("moved", 21)
    before = len(cluster.house.asked)
    with pytest.raises(InputError, match=r"another file on a node of the cluster than here"):
        cluster.check("moved", contest=contest)
    assert len(cluster.house.asked) == before


def test_a_key_that_the_cluster_does_not_have_is_named_before_anything_is_asked(cluster: Cluster) -> None:
    cluster.house.suite("keyless", 20)
    catalog = cluster.house.catalog
    written = catalog.read_text()
    catalog.write_text(written.replace("CLUSTER_KEY", "NOBODY_HAS_THIS"))
    try:
        with pytest.raises(InputError, match=r"on a node of the cluster: .* NOBODY_HAS_THIS, which is not set"):
            cluster.check("keyless")
    finally:
        catalog.write_text(written)
    assert not cluster.house.counts("keyless")


def test_neither_keys_nor_passwords_are_in_rays_logs_or_in_the_list_of_processes(cluster: Cluster) -> None:
    import ray

    session = Path(ray._private.worker._global_node.get_session_dir_path())
    files = [path for path in session.rglob("*") if path.is_file()]
    assert files
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    for content in [*(path.read_bytes() for path in files), *lines]:
        assert KEY.encode() not in content
        assert PASSWORD.encode() not in content


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("e.db", "a file is of one machine"),
        ("postgresql://u:hidden@db/e", "its password would be handed to the cluster"),
    ],
)
def test_a_store_that_a_cluster_cannot_share_is_refused(store: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told) as refused:
        Fleet("head:6379", store=store, catalog=tmp_path)
    assert "hidden" not in str(refused.value)
