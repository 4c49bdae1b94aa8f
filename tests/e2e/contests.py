"""Random contests between sides of equal quality, each with quirks of its own, through everything after the wire.

Whether a case is solved is drawn once for all sides: whoever answers is right on the same cases. What a side does with
that (leaves counts out, returns nothing, is filtered, is somebody else) is its quirk. A token is four bytes in truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from evalgate.catalog import Catalog, Endpoint, load_catalog
from evalgate.exchange import Answer, JsonValue
from evalgate.exchange.tokens import answer_bytes, prompt_bytes
from evalgate.gate import Board, Entry, OperationBoard, Policy, Record, Sides, Transcript, operation_board
from evalgate.graders import Grading, bind
from evalgate.router import Explanation, explain, select
from evalgate.signal import SignalDocument, issue
from evalgate.suite import Suite, load_suite
from tests.conftest import suite_file, written

CASES = 48
MARGIN = 0.25
NOW = 1_790_000_000.0
PRICES = {"full": (1, 1), "free": (0, 0), "cheap": (0.5, 0.5), "same": (1, 1), "dear": (50, 50), "mixed": (0.1, 1.5)}
NONE: Mapping[str, Answer] = {
    "reasoning only": Answer("", "stop", details={"reasoning": "it is yes" * 4}),
    "blank": Answer(" \u200b\n ", "stop"),
    "thinking": Answer("<think>yes or no?</think>   ", "stop"),
    "cut in reasoning": Answer("", "length", details={"reasoning": "it is yes" * 4}),
    "tool calls": Answer("", "tool_calls", details={"tool_calls": [{"id": "t", "function": {"name": "look"}}]}),
    "refusal": Answer("", "stop", details={"refusal": "no"}),
    "filtered by 400": Answer("", "content_filter", 0, 0, error="HTTP 400: filtered"),
    "filtered by 200": Answer("", "content_filter", error="a content filter withheld the answer"),
    "refused": Answer("", "refused", 0, 0, error="HTTP 400: no"),
    "failed": Answer("", "error", error="no answer within 60 s (6 attempts)"),
}
TRUNCATED = "truncated"  # where the answer is there, and would have gone on
COUNTS = ("all", "all", "none", "every second", "only output", "only input")
NAMES: Sequence[tuple[str | None, str | None]] = (
    *[("toy", "toy")] * 8,
    (None, None),
    (None, "toy"),
    ("toy", "org/Toy"),
    ("alias", "toy"),
    ("toy-mini", "toy-mini"),
    ("toy", "toy-mini"),
    ("toy-2026-01-01", "toy-2026-06-01"),
)


@dataclass(frozen=True)
class Quirk:
    """What one side does: of which kind its odd answers are and where, what it counts, at which length, as whom."""

    kind: str
    odd: frozenset[int]
    counts: str
    reasoning: int  # tokens that are returned beside the text
    hidden: int  # tokens that are counted and not shown
    names: tuple[str | None, str | None]
    change: int
    down_at: int  # from which case it cannot be reached

    @property
    def somebody_else(self) -> bool:
        """Whether it is not the model that was asked for, or not one model, as far as it says."""
        return "toy-mini" in self.names or self.names[0] == "toy-2026-01-01"

    def answer(self, number: int, *, solved: bool) -> Answer:
        text = Answer("yes " if solved else "no  ", "stop")
        if self.reasoning:
            text = replace(text, details={"reasoning": "hmm " * self.reasoning})
        if number in self.odd:
            given = replace(text, finish_reason="length") if self.kind == TRUNCATED else NONE[self.kind]
        else:
            given = text
        details: dict[str, JsonValue] = dict(given.details)
        if not given.failed and (name := self.names[number >= self.change]) is not None:
            details["served_model"] = name
        if not given.failed and self.hidden:
            details["reasoning_tokens"] = self.hidden
        asked, said = (None, None) if given.failed else (10, answer_bytes(given) // 4 + self.hidden)
        uncounted = self.counts == "none" or (self.counts == "every second" and number % 2)
        return replace(
            given,
            input_tokens=None if uncounted or self.counts == "only output" else asked,
            output_tokens=None if uncounted or self.counts == "only input" else said,
            details=details,
            latency_ms=5.0,
            answered_at=NOW,
        )


def drawn(random: np.random.Generator) -> Quirk:
    """The quirk of one side."""
    rate = random.choice([0.0, 0.0, 0.05, 0.2, 0.5, 1.0])
    where = np.flatnonzero(random.random(CASES) < rate)
    if random.random() < 0.2:  # from the middle on
        where = np.arange(int(random.integers(CASES)), CASES) if rate else where
    counts = str(random.choice(COUNTS))
    return Quirk(
        kind=str(random.choice([*NONE, TRUNCATED])),
        odd=frozenset(where.tolist()),
        counts=counts,
        reasoning=int(random.choice([0, 0, 0, 5, 40])),
        hidden=int(random.choice([0, 0, 60])) if counts == "all" else 0,
        names=NAMES[int(random.integers(len(NAMES)))],
        change=int(random.integers(1, 8)),
        down_at=int(random.integers(CASES)) if random.random() < 0.05 else CASES,
    )


SUITES: Mapping[str, dict[str, object]] = {
    "exact": {},
    "forbids": {"assert": [{"type": "regex", "value": "^(?!.*(?:no|forbidden))"}]},
    "forbids and may be empty": {
        "assert": [{"type": "regex", "value": "^(?!.*(?:no|forbidden))", "allow_empty": True}]
    },
    "unchecked": {"gate": {"margin": MARGIN, "baseline_check": False}},
    "of the suite": {"gate": {"margin": MARGIN, "claim": "suite"}},
    "alone": {"gate": {"margin": MARGIN, "control": "verdict", "metrics": ["score", "unrefused"]}},
}


@dataclass(frozen=True)
class Ring:
    """Where contests are held: the catalogue, and each suite with its grading."""

    catalog: Catalog
    suites: Mapping[str, tuple[Suite, Grading]]

    @classmethod
    def in_folder(cls, folder: Path) -> Ring:
        variants = [
            {"id": name, "provider": "here", "served_as": "toy", "tag": name, "quantization": "bf16"}
            | {"answers_as": ["toy", "alias"], "price": {"input": asked, "output": said}}
            for name, (asked, said) in PRICES.items()
        ]
        providers = [{"id": "here", "base_url": "http://127.0.0.1:9/v1"}]
        models = [{"id": "toy", "variants": variants}]
        catalog = load_catalog(
            written(folder, "catalog.yaml", {"version": 1, "providers": providers, "models": models})
        )
        cases = [{"id": f"c{n}", "input": f"case {n:030}", "target": "yes"} for n in range(CASES)]
        suites = {}
        for name, changes in SUITES.items():
            said: dict[str, object] = {"cases": cases, "prompt": "{{ input }}:    ", "near_duplicates": "allow"}
            suite = load_suite(suite_file(folder, **(said | {"gate": {"margin": MARGIN}} | changes)))
            suites[name] = suite, bind(suite)
        return cls(catalog, suites)


@dataclass(frozen=True)
class Contest:
    """What became of one contest."""

    suite: str
    quirks: Mapping[str, Quirk]
    record: Record
    board: OperationBoard
    document: SignalDocument
    decision: Explanation


def contests(ring: Ring, seed: int, count: int) -> Iterator[Contest]:
    """`count` random contests."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield held(ring, random)


def held(ring: Ring, random: np.random.Generator) -> Contest:
    name = str(random.choice(list(SUITES)))
    suite, grading = ring.suites[name]
    endpoints = ring.catalog.endpoints("toy")
    judged = [str(one) for one in random.choice(list(PRICES)[1:], size=int(random.integers(1, 3)), replace=False)]
    quirks = {side: drawn(random) for side in ("full", *judged)}
    if random.random() < 0.3:  # the same trouble on both sides
        quirks[judged[0]] = replace(quirks[judged[0]], kind=quirks["full"].kind, odd=quirks["full"].odd)
    solved = random.random(CASES) < random.choice([0.6, 0.9, 1.0, 1.0])
    record = _record(suite, grading, endpoints, judged)
    _hear(record, grading, quirks, solved)
    board = operation_board(record, grading.metrics)
    document = issue(Board("run", NOW, 0, (board,)), None, stream="a/b", now=datetime.fromtimestamp(NOW, UTC))
    decision = explain(select("name_colour", document, ring.catalog, now=datetime.fromtimestamp(NOW + 60, UTC)))
    return Contest(name, quirks, record, board, document, decision)


def _record(suite: Suite, grading: Grading, endpoints: Mapping[str, Endpoint], judged: Sequence[str]) -> Record:
    full, policy = endpoints["full"], Policy.of(suite, [*grading.metrics])
    again = Transcript(full, first_repeat=1) if policy.baseline_check else None
    sides = Sides(Transcript(full), again, {name: Transcript(endpoints[name]) for name in judged})
    return Record(suite, sides, Entry(policy, suite.units, grading_hash=grading.hash))


def _hear(record: Record, grading: Grading, quirks: Mapping[str, Quirk], solved: np.ndarray) -> None:
    """As a check does: wave by wave, each side that is still asked, until it cannot be reached."""
    asked, suite = 0, record.suite
    while (waiting := record.open_sides()) and asked < CASES:
        wave = range(asked, min(asked + max(10, record.least_further_units()), CASES))
        for side in waiting:
            quirk = quirks[side.endpoint.id]
            if quirk.down_at < wave.stop:
                record.drop(side, "it cannot be reached")
                continue
            for number in wave:
                case = suite.cases[number]
                answer = quirk.answer(number, solved=bool(solved[number]))
                side.add([answer], [grading.grade(answer, case)], prompt_bytes(suite.request(case)))
        asked = wave.stop
        record.rule()
