"""What a call used and how it went: told to the doorkeeper's books, to telemetry, and to those who look on."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from evalgate.exchange.tokens import Ratio
from evalgate.gateway.asked import Asked
from evalgate.gateway.attempt import Attempting
from evalgate.gateway.caller import Caller, Doorkeeper
from evalgate.gateway.delivered import Delivered, Onlooker, Reader
from evalgate.gateway.standings import Telemetry
from evalgate.router import Decision
from evalgate.router.call import BYTES_PER_TOKEN
from evalgate.telemetry import Attempt, Outcome

log = logging.getLogger("evalgate.gateway")


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens of one attempt; `estimated` where the upstream did not count them all."""

    input: int
    output: int
    dollars: Decimal
    estimated: bool


class Accounts:
    """Of one process."""

    def __init__(self, doorkeeper: Doorkeeper, telemetry: Telemetry, onlookers: Sequence[Onlooker]) -> None:
        self._doorkeeper, self._telemetry, self._onlookers = doorkeeper, telemetry, tuple(onlookers)
        self._ratios: dict[str, tuple[Ratio, Ratio]] = {}  # by model: of prompts, of answers
        self._wanting = [each.wants_answer for each in onlookers if isinstance(each, Reader)]

    def wants_answer(self, caller: Caller) -> bool:
        """Whether somebody who looks on wants to read the answers to this caller."""
        return any(wants(caller) for wants in self._wanting)

    def used(self, attempt: Attempting) -> Used:
        """What an attempt used so far: as it was counted, else as it is estimated."""
        tally, endpoint = attempt.tally, attempt.option.endpoint
        ratios = self._ratios.get(endpoint.model)
        if ratios is None:
            ratios = self._ratios[endpoint.model] = (Ratio(), Ratio())
        prompt = (attempt.asked.call.input_tokens or 0) * BYTES_PER_TOKEN or len(attempt.asked.raw)
        asked, said = tally.input, tally.output
        if asked is not None and said is not None:
            ratios[0].learn(prompt, asked)
            if tally.said:
                ratios[1].learn(tally.said, said)
            return Used(asked, said, endpoint.cost(asked, said), estimated=False)
        asked = ratios[0].estimate(prompt) if asked is None else asked
        said = ratios[1].estimate(tally.said) if said is None else said
        return Used(asked, said, endpoint.cost(asked, said), estimated=True)

    def attempted(self, attempt: Attempting, outcome: Outcome) -> None:
        """Tell telemetry how an attempt ended."""
        now = time.perf_counter()
        streamed = attempt.asked.stream and attempt.first is not None
        self._telemetry.record(
            Attempt(
                variant=attempt.option.id,
                operation=attempt.asked.call.operation or "",
                outcome=outcome,
                at=time.time(),
                duration_ms=(now - attempt.started) * 1000,
                first_ms=(attempt.first - attempt.started) * 1000 if streamed and attempt.first is not None else None,
                input_tokens=attempt.tally.input,
                output_tokens=attempt.tally.output,
            )
        )

    def book(self, attempt: Attempting, used: Used | None = None) -> Used:
        """Note what an attempt used, also one that broke or that its client left."""
        used = used or self.used(attempt)
        self._doorkeeper.book(attempt.asked.caller, used.dollars, used.input + used.output)
        return used

    def delivered(
        self,
        asked: Asked,
        decision: Decision,
        attempt: Attempting,
        used: Used,
        *,
        answer: bytes | None,
        complete: bool,
        began: float,
    ) -> None:
        """Tell those who look on; what goes wrong with one of them is logged, and hurts nobody."""
        if not self._onlookers:
            return
        told = Delivered(
            caller=asked.caller,
            decision=decision,
            served=attempt.option,
            path=asked.path,
            body=asked.raw,
            answer=answer,
            stream=asked.stream,
            complete=complete,
            input_tokens=used.input,
            output_tokens=used.output,
            dollars=used.dollars,
            baseline_dollars=decision.route.baseline.endpoint.cost(used.input, used.output),
            duration_ms=(time.perf_counter() - began) * 1000,
            at=time.time(),
        )
        for onlooker in self._onlookers:
            try:
                onlooker(told)
            except Exception:
                log.exception("somebody who looks on failed")
