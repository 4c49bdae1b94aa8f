"""The lines of clients' batches: who has which, and that no result is lost, doubled or taken from the wrong hands."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from evalgate.store import Claims, Store, files, jobs, parcels, queue
from evalgate.store.gc import Selection, find_waste, tidy_up
from evalgate.store.jobs import Job
from evalgate.store.parcels import Parcel
from evalgate.store.queue import Line, Outcome


def job(store: Store, name: str = "one", lines: int = 0, status: jobs.Status = "in_progress") -> Job:
    """A job whose lines wait."""
    made = Job(name, "anna", None, "batch", 0, "/v1/chat/completions", "file-1", None, "validating", 1.0, 86_401.0)
    jobs.add(store, made)
    if lines:
        assert queue.add_lines(store, [Line(name, n, f"c{n}", b"{}") for n in range(1, lines + 1)])
        queue.let_wait(store, name)
    jobs.change(store, name, status, of=("validating",))
    found = jobs.find(store, name)
    assert found is not None
    return found


@pytest.fixture
def me(store: Store) -> str:
    return worker(store)


def worker(store: Store) -> str:
    claims = Claims(store)
    claims.take([], since=0.0)
    return claims.worker


def done(line: Line, content: bytes = b"{}") -> Outcome:
    return Outcome(line.job, line.number, "done", content, "cheap", 3, 2, Decimal("0.5"))


def names(lines: list[Line]) -> list[tuple[str, int]]:
    return [(line.job, line.number) for line in lines]


def test_lines_of_all_jobs_are_taken_in_turn(store: Store, me: str) -> None:
    job(store, "large", 5)
    job(store, "small", 2)
    taken = names(queue.take(store, me, 4, 1.0))
    assert sorted(taken[:2]) == [("large", 1), ("small", 1)]
    assert sorted(taken[2:]) == [("large", 2), ("small", 2)]


def test_a_line_is_taken_once(store: Store, me: str) -> None:
    job(store, lines=3)
    assert len(queue.take(store, me, 2, 1.0)) == 2
    assert names(queue.take(store, worker(store), 9, 1.0)) == [("one", 3)]
    assert queue.take(store, me, 9, 1.0) == []


def test_those_who_take_at_the_same_time_get_different_lines(store: Store) -> None:
    job(store, lines=60)
    taken: list[tuple[str, int]] = []
    start = threading.Barrier(3)

    def take(name: str) -> None:
        start.wait()
        while lines := queue.take(store, name, 5, 1.0):
            taken.extend(names(lines))

    threads = [threading.Thread(target=take, args=(worker(store),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken))
    assert len(taken) + len(queue.take(store, worker(store), 99, 1.0)) == 60  # somebody's lock may have hidden some


def test_only_who_lives_can_take(store: Store) -> None:
    job(store, lines=1)
    assert queue.take(store, "buried", 1, 1.0) == []


def test_lines_of_the_dead_are_free_again_and_those_of_the_living_are_not(store: Store, me: str) -> None:
    job(store, lines=2)
    dead = Claims(store)
    dead.take([], since=0.0)
    (lost,) = queue.take(store, dead.worker, 1, 1.0)
    (kept,) = queue.take(store, me, 1, 1.0)
    dead.leave()
    assert queue.free_the_lost(store) == 1
    assert names(queue.take(store, me, 9, 1.0)) == names([lost])
    assert kept.number == 2


def test_a_line_that_is_put_back_is_due_later_and_knows_how_often_it_was_tried(store: Store, me: str) -> None:
    job(store, lines=1)
    for tries, counts in ((0, True), (1, False), (1, True), (2, True)):
        (line,) = queue.take(store, me, 1, 10.0)
        assert line.tries == tries
        queue.put_back(store, line, me, 10.0, counts=counts)
    (line,) = queue.take(store, me, 1, 10.0)
    queue.put_back(store, line, "somebody else", 10.0)
    queue.put_back(store, line, me, 11.0)
    assert queue.take(store, me, 1, 10.9) == []
    assert len(queue.take(store, me, 1, 11.0)) == 1


def test_of_two_results_the_first_one_stands(store: Store, me: str) -> None:
    made = job(store, lines=1)
    (line,) = queue.take(store, me, 1, 1.0)
    assert queue.finish(store, [done(line, b"first")]) == {("one", 1)}
    assert queue.finish(store, [done(line, b"second")]) == set()
    assert jobs.settle(store, made, 5.0, 100.0)
    ended = jobs.find(store, "one", "anna")
    assert ended is not None
    assert (ended.status, ended.completed, ended.failed, ended.error_file) == ("completed", 1, 0, None)
    results = files.find(store, "anna", ended.output_file or "")
    assert results is not None
    assert b"".join(files.content(store, results)) == b"first\n"
    assert results.bytes == 6


def test_a_job_with_an_open_line_does_not_end(store: Store, me: str) -> None:
    made = job(store, lines=2)
    (line,) = queue.take(store, me, 1, 1.0)
    queue.finish(store, [done(line)])
    assert not jobs.settle(store, made, 5.0, 100.0)
    assert jobs.ended(store) == []
    assert jobs.counts(store, made) == (2, 1, 0)


def test_giving_up_leaves_alone_what_is_under_way(store: Store, me: str) -> None:
    made = job(store, lines=3)
    (line,) = queue.take(store, me, 1, 1.0)
    jobs.change(store, "one", "cancelling", of=("in_progress",))
    assert queue.take(store, me, 9, 1.0) == []
    assert jobs.give_up(store, "one", lambda number, custom_id: custom_id.encode()) == 2
    assert not jobs.settle(store, made, 5.0, 100.0)
    queue.finish(store, [done(line)])
    assert jobs.settle(store, made, 5.0, 100.0)
    assert jobs.counts(store, made) == (3, 1, 2)


def test_lines_that_come_when_nobody_wants_them_any_more_are_not_kept(store: Store) -> None:
    job(store, status="cancelling")
    assert not queue.add_lines(store, [Line("one", 1, "c", b"{}")])


def test_a_job_is_read_by_one_worker_until_that_one_dies(store: Store, me: str) -> None:
    jobs.add(store, Job("one", "anna", None, "batch", 0, "/v1/embeddings", "f", None, "validating", 1.0, 2.0))
    dead = Claims(store)
    dead.take([], since=0.0)
    claimed = jobs.claim(store, dead.worker, 1.0)
    assert claimed is not None
    assert jobs.claim(store, me, 1.0) is None
    dead.leave()
    assert jobs.claim(store, me, 1.0) == claimed


def parcel(worker: str, name: str = "p") -> Parcel:
    return Parcel(name, "one", "acme", "sort", "model", "cheap", "sha256:0", worker, 1.0)


def handed_in(store: Store, worker: str) -> Parcel:
    made = Job("one", "anna", None, "batch", 0, "/v1/chat/completions", "f", None, "validating", 1.0, 2.0)
    jobs.add(store, made)
    queue.add_lines(store, [Line("one", n, f"c{n}", b"{}") for n in (1, 2, 3)])
    jobs.change(store, "one", "in_progress", of=("validating",))
    ours = parcel(worker)
    assert parcels.intend(store, ours, [1, 2]) == {1, 2}
    return ours


def test_a_line_is_in_one_parcel(store: Store, me: str) -> None:
    ours = handed_in(store, me)
    assert parcels.intend(store, parcel(me, "q"), [1, 2, 3]) == {3}
    assert parcels.intend(store, parcel(me, "r"), [1, 2, 3]) == set()
    assert set(parcels.lines_in(store, ours, [1, 2, 3])) == {1, 2}
    assert [it.parcel for it in parcels.adopt(store, me)] == ["p", "q"]


def test_nothing_is_handed_in_for_a_job_that_is_cancelled(store: Store, me: str) -> None:
    handed_in(store, me)
    jobs.change(store, "one", "cancelling", of=("in_progress",))
    assert parcels.intend(store, parcel(me, "q"), [3]) == set()


def test_a_parcel_has_one_who_looks_after_it_and_an_heir(store: Store, me: str) -> None:
    dead = Claims(store)
    dead.take([], since=0.0)
    ours = parcels.remember(store, handed_in(store, dead.worker), "batch_7")
    assert parcels.adopt(store, me) == []
    dead.leave()
    (adopted,) = parcels.adopt(store, me)
    assert (adopted.batch, adopted.parcel, adopted.worker) == ("batch_7", ours.parcel, me)


def test_what_a_parcel_leaves_undone_waits_or_is_new(store: Store, me: str) -> None:
    ours = handed_in(store, me)
    queue.finish(store, [done(Line("one", 1, "c1", b"{}"))])
    assert parcels.close(store, ours, not_before=0.0, again=False) == 1
    (line,) = queue.take(store, me, 9, 1.0)
    assert (line.number, line.tries) == (2, 1)


def test_a_withdrawn_parcel_has_no_lines_any_more(store: Store, me: str) -> None:
    ours = handed_in(store, me)
    parcels.withdraw(store, ours)
    assert parcels.lines_in(store, ours, [1, 2]) == {}
    assert [line.number for line in queue.new_lines(store, "one", 0, 9, 1.0)] == [1, 2, 3]
    assert parcels.adopt(store, me)[0].withdrawn == 1


def test_tidying_up_takes_what_is_kept_no_longer(store: Store, me: str) -> None:
    made = job(store, lines=1)
    (line,) = queue.take(store, me, 1, 1.0)
    queue.finish(store, [done(line)])
    jobs.settle(store, made, 5.0, 100.0)
    assert find_waste(store, Selection(at=100.0)).files == 0
    assert find_waste(store, Selection(at=100.1)).files == 2
    assert tidy_up(store, Selection(at=100.1)).waste.files == 2
    assert find_waste(store, Selection(at=100.1)).nothing
