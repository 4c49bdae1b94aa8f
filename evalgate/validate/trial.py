"""One assertion, tried on the answers that targets mean, on those that other cases have, and on nonsense."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, permutations

from evalgate.errors import GraderError
from evalgate.exchange import Answer, as_text
from evalgate.formats.canonical import distinct
from evalgate.graders import Seen
from evalgate.graders.bind import Bound
from evalgate.graders.ideal import calling
from evalgate.graders.registry import Role
from evalgate.suite import Case

RIGHT = 1 - 1e-9  # a sum of floats may miss 1 by a little
MOST_PAIRS = 4_000
MOST_SLOW_PAIRS = 60  # where each is a process
KEPT = 20  # misses and confusions that are told
GIVEAWAY = 0.5  # share of other cases' answers: a case that more of them pass asks for hardly anything

_WORDS = "lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed do eiusmod tempor\nincididunt ut labore "
CHATTER = _WORDS * 20  # without a number or a letter of its own, which may be somebody's right answer
NONSENSE = (
    *("?", "A", "No.", "42", "I don't know.", "[]", '{"nonsense": "zyx"}'),
    *("I'm sorry, but I can't help with that.", CHATTER),
)


@dataclass(frozen=True, slots=True)
class Miss:
    """A case whose own target does not score 1."""

    case_id: str
    place: str
    answer: str
    score: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """A case on which the right answer to another one scores, though another one is expected."""

    case_id: str
    expected: str
    other_id: str
    answer: str
    score: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one assertion.

    `targets` answers were made of targets, of which `right` score 1; `borrowed`: other assertions' graders made them,
    because this one cannot. Of `pairs` of a case with the answer to another one, the share `confused` scores 1; `floor`
    is the mean score of all. `giveaways` are cases that most other cases' answers pass. `nonsense` answers mean
    nothing, of which `nonsense_right` score 1. `failure` is what the grader raised, if it did.
    """

    place: str
    grader: str
    metric: str
    role: Role
    targets: int = 0
    right: int = 0
    borrowed: bool = False
    misses: tuple[Miss, ...] = ()
    pairs: int = 0
    confused: float = 0.0
    floor: float = 0.0
    confusions: tuple[Confusion, ...] = ()
    giveaways: tuple[str, ...] = ()
    nonsense: int = 0
    nonsense_right: int = 0
    failure: str = ""

    @property
    def vacuous(self) -> bool:
        """Whether it gives everything 1, where it should say what is right."""
        return self.role == "right" and self.nonsense_right == self.nonsense > 0


def trial_of(bound: Bound, cases: Sequence[Case], ideals: Mapping[str, Answer], *, borrowed: bool) -> Trial:
    """Try `bound` on `ideals`, by the case's id; whoever needs a model's own answer or a judge is not tried."""
    names = (bound.place, bound.grader.name, bound.assertion.metric, bound.grader.role)
    if bound.grader.role == "asked":
        return Trial(*names)
    tried = [case for case in cases if case.id in ideals]
    try:
        own = _scores(bound, [(case, ideals[case.id]) for case in tried])
        others = [] if borrowed else [each for each in _pairs(bound, tried) if ideals[each[0].id] != ideals[each[1].id]]
        crossed = _scores(bound, [(case, ideals[other.id]) for case, other, _ in others])
        nonsense = [Answer(text, "stop") for text in NONSENSE]
        nonsense += [calling([("no_such_tool", {})])] if bound.grader.silence else []
        meaningless = _scores(bound, [(cases[0], answer) for answer in nonsense])
        giveaways = _giveaways(others, crossed) | (set() if borrowed else _chattered(bound, tried))
    except GraderError as failure:
        return Trial(*names, borrowed=borrowed, failure=str(failure))
    misses = [
        Miss(case.id, case.place, ideals[case.id].text, score)
        for case, score in zip(tried, own, strict=True)
        if score < RIGHT
    ]
    weight = sum(each for _, _, each in others)
    weighed = [(score, each) for score, (_, _, each) in zip(crossed, others, strict=True)]
    return Trial(
        *names,
        targets=len(tried),
        right=len(tried) - len(misses),
        borrowed=borrowed,
        misses=tuple(misses[:KEPT]),
        pairs=len(others),
        confused=sum(each for score, each in weighed if score >= RIGHT) / weight if weight else 0.0,
        floor=sum(score * each for score, each in weighed) / weight if weight else 0.0,
        confusions=_worst(bound, ideals, others, crossed),
        giveaways=tuple(sorted(giveaways)),
        nonsense=len(nonsense),
        nonsense_right=sum(score >= RIGHT for score in meaningless),
    )


def _scores(bound: Bound, work: Sequence[tuple[Case, Answer]]) -> list[float]:
    def grade(pair: tuple[Case, Answer]) -> float:
        return bound.grade(Seen(pair[1], pair[0]))

    if not bound.grader.slow:
        return [grade(pair) for pair in work]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(grade, work))


def _pairs(bound: Bound, cases: Sequence[Case]) -> Iterator[tuple[Case, Case, int]]:
    """A case, another one with another expectation, and how many pairs of cases the two stand for.

    Cases that expect the same are one; where there are too many kinds of them, each is held against as many others, in
    the order in which they are asked, which is random.
    """
    kinds: dict[bytes, list[Case]] = {}
    for case in cases:
        kinds.setdefault(distinct(bound.expected(case)), []).append(case)
    groups = list(kinds.values())
    most = MOST_SLOW_PAIRS if bound.grader.slow else MOST_PAIRS
    count = len(groups)
    if count * (count - 1) <= most:
        chosen: Iterator[tuple[int, int]] = permutations(range(count), 2)
    else:
        chosen = ((at, (at + step) % count) for step in range(1, count) for at in range(count))
    for one, other in islice(chosen, most):
        yield groups[one][0], groups[other][0], len(groups[one]) * len(groups[other])


def _worst(
    bound: Bound, ideals: Mapping[str, Answer], others: Sequence[tuple[Case, Case, int]], scores: Sequence[float]
) -> tuple[Confusion, ...]:
    """The pairs that score 1, those that stand for most pairs first."""
    found = sorted(
        (at for at, score in enumerate(scores) if score >= RIGHT), key=lambda at: (-others[at][2], others[at][0].id)
    )
    return tuple(
        Confusion(case.id, as_text(bound.expected(case)), other.id, ideals[other.id].text, scores[at])
        for at in found[:KEPT]
        for case, other, _ in [others[at]]
    )


def _chattered(bound: Bound, cases: Sequence[Case]) -> set[str]:
    """Cases that a long text about nothing passes; who looks at silence may expect that nothing is done, and is right
    with any text.
    """
    if bound.grader.silence or bound.grader.slow:
        return set()
    scores = _scores(bound, [(case, Answer(CHATTER, "stop")) for case in cases])
    return {case.id for case, score in zip(cases, scores, strict=True) if score >= RIGHT}


def _giveaways(others: Sequence[tuple[Case, Case, int]], scores: Sequence[float]) -> set[str]:
    """Cases that more than half of the answers to several other kinds of cases pass."""
    tried: dict[str, list[bool]] = {}
    for (case, _, _), score in zip(others, scores, strict=True):
        tried.setdefault(case.id, []).append(score >= RIGHT)
    return {name for name, passed in tried.items() if len(passed) > 2 and sum(passed) > GIVEAWAY * len(passed)}
