"""Pairing by id, and what keeps two runs from being compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.scores import ScoreTable, pair


def run(scores: dict[str, float], name: str = "run.jsonl", metric: str = "score", **fields: object) -> ScoreTable:
    repeats = dict.fromkeys(scores, 1)
    return ScoreTable(path=Path(name), tool="jsonl", metrics={metric: scores}, repeats=repeats, **fields)  # type: ignore[arg-type]


def test_ids_are_sorted_and_scores_follow_them():
    paired = pair(run({"b": 1.0, "a": 0.0, "c": 0.5}), run({"c": 1.0, "a": 1.0, "b": 0.0}))
    assert paired.ids == ("a", "b", "c")
    assert paired.baseline == (0.0, 1.0, 0.5)
    assert paired.variant == (1.0, 0.0, 1.0)
    assert paired.differences == (1.0, -1.0, 0.5)
    assert paired.clusters is None


def test_ids_that_do_not_match_are_listed_ten_of_each_side_with_the_counts():
    shared = {f"s{index}": 1.0 for index in range(5)}
    only_baseline = {f"b{index:02d}": 1.0 for index in range(12)}
    with pytest.raises(InputError) as raised:
        pair(run(shared | only_baseline, "base.csv"), run(shared | {"v1": 1.0, "v2": 1.0}, "var.csv"))
    told = str(raised.value)
    assert "12 of 17 ids only in base.csv: 'b00', 'b01'" in told
    assert "'b09', …" in told
    assert "b10" not in told
    assert "2 of 7 ids only in var.csv: 'v1', 'v2'" in told


def test_a_variant_that_lacks_cases_does_not_pair():
    with pytest.raises(InputError, match=r"1 of 2 ids only in run.jsonl: 'b'; 0 of 1 ids only in run.jsonl"):
        pair(run({"a": 1.0, "b": 1.0}), run({"a": 1.0}))


def test_the_only_metric_is_taken_and_must_be_the_same():
    assert pair(run({"a": 1.0}, metric="f1"), run({"a": 1.0}, metric="f1")).metric == "f1"
    with pytest.raises(InputError, match=r"x.csv has 'f1', y.csv has 'em'; compare one metric: name it with --metric"):
        pair(run({"a": 1.0}, "x.csv", "f1"), run({"a": 1.0}, "y.csv", "em"))


def test_a_metric_that_only_one_side_has_is_an_error():
    with pytest.raises(InputError, match=r"y.csv: metric: received 'f1'; expected one of em"):
        pair(run({"a": 1.0}, "x.csv", "f1"), run({"a": 1.0}, "y.csv", "em"), "f1")


def test_clusters_of_either_side_serve_for_both():
    clusters = {"a": "s1", "b": "s1"}
    scores = {"a": 1.0, "b": 0.0}
    for one, other in ((run(scores, cluster=clusters), run(scores)), (run(scores), run(scores, cluster=clusters))):
        assert pair(one, other).clusters == ("s1", "s1")


def test_clusters_that_contradict_each_other_are_an_error():
    with pytest.raises(InputError, match=r"cluster: case 'a' is in 's1' in x.csv but in 's2' in y.csv"):
        pair(run({"a": 1.0}, "x.csv", cluster={"a": "s1"}), run({"a": 1.0}, "y.csv", cluster={"a": "s2"}))


def test_errors_are_marked_on_their_side():
    paired = pair(run({"a": 1.0, "b": 0.0}, errors={"b": "timeout"}), run({"a": 0.0, "b": 1.0}, errors={"a": "500"}))
    assert paired.baseline_errored == (False, True)
    assert paired.variant_errored == (True, False)


SCORES = st.dictionaries(st.text(min_size=1), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_in_which_cases_stand_does_not_matter(scored, rnd):
    cases = list(scored)
    before = {case: scored[case][0] for case in cases}
    rnd.shuffle(cases)
    after = {case: scored[case][1] for case in cases}
    paired = pair(run(before), run(after))
    assert list(paired.ids) == sorted(scored)
    assert [scored[case] for case in paired.ids] == list(zip(paired.baseline, paired.variant, strict=True))


@given(SCORES)
def test_swapping_the_sides_mirrors_the_differences(scored):
    before, after = ({case: score[side] for case, score in scored.items()} for side in (0, 1))
    forth, back = pair(run(before), run(after)), pair(run(after), run(before))
    assert forth.differences == tuple(-difference for difference in back.differences)
