"""What stands behind the verdicts of one operation, looked up in the store: answers in numbers, and the cases.

Nothing is asked again. A suite that changed since the run is not used, because its answers would be somebody else's:
the report then shows what the board itself says, and tells why there is no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from evalgate.errors import InputError
from evalgate.exchange import Answer, Request
from evalgate.gate import Flip, OperationBoard, VariantFacts, Verdict
from evalgate.graders import Grading, bind
from evalgate.report.side_by_side import Pair, paired
from evalgate.store import Attempts, Store, answer_key, schema
from evalgate.store.store import LOOKUP, PICO, batches
from evalgate.suite import Case, Suite

FloatArray = npt.NDArray[np.float64]
_COLUMNS = ("output_tokens", "latency_ms", "picodollars", "finish_reason")


@dataclass(frozen=True, slots=True)
class Numbers:
    """One side's answers; each array has one element an answer that was found. NaN: not known.

    `tokens` are output tokens, `latency` is in ms, `cost` in USD for each answer.
    """

    tokens: FloatArray
    latency: FloatArray
    cost: FloatArray
    finish: Sequence[str]


class Evidence:
    """The answers of one operation. `cases` stand in the order asked."""

    def __init__(self, board: OperationBoard, suite: Suite, store: Store) -> None:
        """`suite` must be the one that the board was made with."""
        known = Attempts(store).order(board.operation, board.policy.seed)
        self._board, self._suite, self._store = board, suite.in_order_after(known) if known else suite, store
        self._baseline: dict[int, Numbers] = {}

    @property
    def suite(self) -> Suite:
        """The suite, in the order in which it was asked."""
        return self._suite

    @cached_property
    def grading(self) -> Grading | None:
        """The graders of a suite that offers tools; None of others, and where these cannot be used here."""
        if not self._suite.offers_tools:
            return None
        try:
            return bind(self._suite)
        except InputError:
            return None

    @cached_property
    def cases(self) -> Sequence[Case]:
        """As many of the suite's cases as any verdict rests on."""
        most = max((self.used(verdict) for verdict in self._board.verdicts), default=0)
        return list(self._suite.cases[:most])

    @cached_property
    def by_id(self) -> Mapping[str, Case]:
        """The same by their ids."""
        return {case.id: case for case in self.cases}

    @cached_property
    def _requests(self) -> Mapping[str, Request]:
        return {case.id: self._suite.request(case) for case in self.cases}

    @property
    def has_logprobs(self) -> bool:
        """Whether the suite asks for the log probabilities of tokens."""
        return bool(self._suite.file.generation.logprobs)

    def used(self, verdict: Verdict) -> int:
        """How many cases a verdict rests on; a verdict counts units, of which some hold several cases."""
        return sum(self._suite.units[: verdict.cases])

    def baseline(self, cases: int) -> Numbers:
        """`numbers` of the baseline; many variants are held against the same answers."""
        if cases not in self._baseline:
            self._baseline[cases] = self.numbers(self._board.baseline, cases)
        return self._baseline[cases]

    def numbers(self, facts: VariantFacts, cases: int) -> Numbers:
        """What the answers of one side to the first `cases` cases were like."""
        a = schema.answers.c
        query = sa.select(*(a[name] for name in _COLUMNS)).where(a.key.in_(sa.bindparam("keys", expanding=True)))

        def work(connection: sa.Connection) -> list[sa.Row[tuple[int | None, float, int, str]]]:
            return [row for some in batches(keys, LOOKUP) for row in connection.execute(query, {"keys": some}).all()]

        keys = self._keys(facts, cases)
        rows = self._store.read(work)
        tokens, latency, cost, finish = zip(*rows, strict=True) if rows else ((), (), (), ())
        return Numbers(
            tokens=np.array(tokens, dtype=np.float64),  # None is NaN
            latency=np.array([each or np.nan for each in latency]),  # a batch says nothing of latency
            cost=np.array(cost, dtype=np.float64) / float(PICO),
            finish=finish,
        )

    def answers(self, facts: VariantFacts, cases: int) -> dict[str, Answer]:
        """The first answer to each of the first `cases` cases, by the case's id."""
        keys = {answer_key(self._requests[case.id].hash, facts.config, 0): case.id for case in self.cases[:cases]}
        return {keys[key]: answer for key, answer in self._store.find(list(keys)).items()}

    def pairs(self, verdict: Verdict, flips: Sequence[Flip]) -> list[Pair]:
        """The two answers to each of `flips` beside each other; a case that is gone from the suite is left out."""
        there = [flip for flip in flips if flip.case_id in self.by_id]
        return paired(there, self.by_id, self._requests, self._board, verdict, self._store)

    def _keys(self, facts: VariantFacts, cases: int) -> list[str]:
        repeats = range(self._board.policy.repeats)
        hashes = [self._requests[case.id].hash for case in self.cases[:cases]]
        return [answer_key(request, facts.config, repeat) for request in hashes for repeat in repeats]
