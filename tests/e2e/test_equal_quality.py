"""Sides of equal quality, with random quirks: nobody is red for it, nobody green, and nobody dearer is taken."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evalgate.gate import Transcript, Verdict
from evalgate.report import wording
from evalgate.signal import SignalDocument
from tests.e2e.contests import MARGIN, PRICES, Contest, Ring, contests

CHUNKS, EACH = 7, 300
MAY_BE_EMPTY = "forbids and may be empty"
LEAST = 10  # pairs without any difference that prove green here
LEAST_OF_SUITE = 4  # a finite suite is as large as the part of it that is scored
NO_TEXT = ("empty", "tool_calls", "refused", "cut_in_reasoning")
KIND = re.compile(r"% of answers (?:empty|stopped by a content filter|refusals|tool calls|truncated)")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_quirk_is_neither_quality_nor_a_saving(chunk: int, tmp_path: Path) -> None:
    ring, seen = Ring.in_folder(tmp_path), Counter[str]()
    for number, contest in enumerate(contests(ring, chunk, EACH)):
        for verdict in contest.board.verdicts:
            seen[verdict.outcome] += 1
            assert_no_red_but_of_its_kind(contest, verdict)
            assert_no_green_on_what_was_not_scored(contest, verdict)
        assert_nobody_dearer_is_taken(contest)
        seen["routed"] += contest.decision.chosen is not contest.decision.baseline
        if number % 20 == 0:
            assert SignalDocument.model_validate_json(contest.document.encode()) == contest.document
    assert min(seen[each] for each in ("green", "red", "inconclusive", "routed")) > EACH / 50, seen


def assert_no_red_but_of_its_kind(contest: Contest, verdict: Verdict) -> None:
    """Who is right on the same cases is red only for answers that are none and did not fail, and then that is said."""
    if verdict.outcome != "red" or contest.suite == MAY_BE_EMPTY:  # there, who says nothing may well be better
        return
    ours, theirs = contest.quirks[verdict.variant.id], contest.quirks["full"]
    assert not ours.somebody_else
    assert (ours.kind, ours.odd) != (theirs.kind, theirs.odd)
    assert verdict.usage.failed < verdict.cases
    assert KIND.search(" ".join((verdict.reason, *wording.remarks(verdict)))), verdict.reason


def assert_no_green_on_what_was_not_scored(contest: Contest, verdict: Verdict) -> None:
    """A green holds among the answers that were scored alone, and at the worst for what failed of either side."""
    if verdict.outcome != "green":
        return
    quirk = contest.quirks[verdict.variant.id]
    assert not quirk.somebody_else
    assert not contest.quirks["full"].somebody_else
    side, baseline = contest.record.sides.variants[verdict.variant.id], contest.record.sides.baseline
    n, ours, theirs = verdict.cases, side.scores("score"), baseline.scores("score")
    at_best = np.where(baseline.answered()[:n], theirs[:n], 1.0)
    assert (np.where(side.answered()[:n], ours[:n], 0.0) - at_best).mean() > -MARGIN
    scored = ~(unscored(side, contest)[:n] | unscored(baseline, contest)[:n])
    lost = (theirs[:n] - ours[:n])[scored]
    if contest.suite == MAY_BE_EMPTY:  # there, sides that are right on the same cases may differ, either way
        assert lost.mean() < MARGIN
    else:
        assert scored.sum() >= (LEAST_OF_SUITE if contest.suite == "of the suite" else LEAST)
        assert not lost.any()


def unscored(side: Transcript, contest: Contest) -> np.ndarray:
    """The answers that are none; a suite may say that an empty one is."""
    scored = {"text", *NO_TEXT} if contest.suite == MAY_BE_EMPTY else {"text"}
    return np.array([given.answer.failed or given.kind not in scored for (given,) in side.given])


def assert_nobody_dearer_is_taken(contest: Contest) -> None:
    chosen, baseline = contest.decision.chosen, contest.decision.baseline
    if chosen is baseline:
        return
    assert chosen.cost is not None
    assert baseline.cost is not None
    assert chosen.cost < baseline.cost
    verdict = next(each for each in contest.board.verdicts if each.variant.id == chosen.endpoint.id)
    assert verdict.outcome == "green"
    sides = contest.record.sides
    ours, full = (
        true_cost(contest, side, verdict.cases) for side in (sides.variants[verdict.variant.id], sides.baseline)
    )
    assert ours <= full * 1.02
    if (
        contest.quirks[verdict.variant.id].counts not in ("all", "only output")
        or contest.quirks["full"].counts != "all"
    ):
        assert chosen.estimated or baseline.estimated
        assert contest.decision.estimated


def true_cost(contest: Contest, side: Transcript, cases: int) -> float:
    """USD per million calls that were served, whoever counted them."""
    quirk, (asked, said) = contest.quirks[side.endpoint.id], PRICES[side.endpoint.id]
    sizes = [given.size // 4 + quirk.hidden for (given,) in side.given[:cases] if not given.answer.failed]
    return asked * 10 + said * float(np.mean(sizes))
