"""One call, from the choice to the last byte: whom to ask, and whom next when that fails.

Another is asked only before the first byte has gone to the client. Each variant of the order is asked once, and what is
left of `attempts` may go into asking one of them again; the last target, the baseline, is asked whatever its breaker
says. Before anybody is asked again or next, the signal is: what it withdrew meanwhile is not asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from evalgate.gateway.accounts import Used
from evalgate.gateway.asked import Asked, Send
from evalgate.gateway.attempt import Attempting
from evalgate.gateway.delivery import Delivery, candidates, splice
from evalgate.gateway.desk import Desk
from evalgate.gateway.refusal import Refused
from evalgate.gateway.relay import last_bytes, relay
from evalgate.gateway.shapes import Headers, error_event, json_headers, retry_header
from evalgate.gateway.trouble import Trouble
from evalgate.providers.base import AttemptFailed
from evalgate.router import Decision, Option, admits
from evalgate.telemetry import Outcome

log = logging.getLogger("evalgate.gateway")
MOST_KEPT = 16 * 1024 * 1024  # bytes of a stream that is kept for who looks on
LONGEST_WAIT = 60.0  # seconds of a retry-after that is waited for when there is nobody else to ask
_OUTCOMES: dict[str, Outcome] = {"callers": "callers_fault", "too_long": "callers_fault"}
_BLAMELESS = ("callers", "too_long")


class Serving:
    """The serving of one call. `left`: its client went away; `over`: the last byte went out."""

    __slots__ = (
        "_answer",
        "_began",
        "_desk",
        "_failed",
        "_kept_size",
        "_probe",
        "_task",
        "asked",
        "attempt",
        "decision",
        "left",
        "over",
        "started",
    )

    def __init__(self, desk: Desk, asked: Asked, began: float) -> None:
        self._desk, self.asked, self._began = desk, asked, began
        self.decision: Decision | None = None
        self.attempt: Attempting | None = None
        self._task: asyncio.Task[Any] | None = None
        self.left = self.over = self.started = False
        self._failed: list[tuple[str, str]] = []
        self._kept_size = 0
        self._probe = 0.0  # of the attempt under way: see `Health.sent`
        self._answer: list[bytes] | None = [] if desk.accounts.wants_answer(asked.caller) else None

    async def run(self, send: Send) -> None:
        """Serve it. Raises `Refused` before anything was sent; whatever interrupts it, call `interrupted` then."""
        self._task = asyncio.current_task()
        decision = self.decision = self._desk.decide(self.asked)
        trouble = await self._ask_in_turn(decision, send)
        if trouble is not None:
            await self._tell(trouble, send)

    def interrupted(self) -> None:
        """Book what was used by a call that its client left, or that was cut off."""
        attempt, desk = self.attempt, self._desk
        if attempt is None or self.over:
            return
        self.over = True
        if attempt.connection is not None:
            attempt.upstream.origin.connections.give_back(attempt.connection)  # which closes it: it is not over
            attempt.connection = None
        if self.decision is not None:
            desk.health.left(attempt.option.id, self.decision.route.operation or "", self._probe)
        desk.accounts.attempted(attempt, "left" if self.left else "failed")
        if attempt.sent and self.decision is not None:
            used = desk.accounts.book(attempt)
            desk.accounts.delivered(
                self.asked, self.decision, attempt, used, answer=self._whole(), complete=False, began=self._began
            )

    async def _ask_in_turn(self, decision: Decision, send: Send) -> Trouble | None:
        """Ask until somebody answers; returns what to tell the client where nobody did."""
        desk, order = self._desk, self._within_budget(decision)
        spare = desk.settings.attempts - len(order)
        operation = decision.route.operation or ""
        worst: Trouble | None = None
        index = tries = 0
        while True:
            option, last = order[index], index == len(order) - 1
            probing = not desk.health.breaker(option.id, operation).closed
            try:
                await self._ask(option, operation, send, last=last)
            except Trouble as trouble:
                self._note(option, trouble)
                if worst is None or trouble.weight >= worst.weight:
                    worst = trouble
                if trouble.kind == "callers":
                    return trouble
                pause = None if spare == 0 or (probing and not last) else self._pause(trouble, tries, last=last)
                if pause is not None:
                    await asyncio.sleep(pause)
                    if last or self._may_ask(option, operation):
                        spare, tries = spare - 1, tries + 1
                        continue
                following = self._next(order, index, operation)
                if following is None:
                    return worst
                index, tries = following, 0
            else:
                return None

    def _within_budget(self, decision: Decision) -> tuple[Option, ...]:
        """The order, cut so that its last one, which is the baseline unless the caller forbade it, is asked.

        Where the operator allows but one attempt it is the first's.
        """
        order, most = decision.order, self._desk.settings.attempts
        if len(order) <= most or most == 1:
            return order[:most]
        return (*order[: most - 1], order[-1])

    def _next(self, order: tuple[Option, ...], index: int, operation: str) -> int | None:
        for following in range(index + 1, len(order)):
            is_last = following == len(order) - 1
            if self._may_ask(order[following], operation, whatever_breaker=is_last):
                return following
        return None

    def _may_ask(self, option: Option, operation: str, *, whatever_breaker: bool = False) -> bool:
        """Whether the signal still allows it, and its breaker does."""
        desk = self._desk
        admitted = whatever_breaker or admits(desk.health.breaker(option.id, operation), time.time())
        return admitted and desk.routing.allows(option, self.asked.call)

    def _pause(self, trouble: Trouble, tries: int, *, last: bool) -> float | None:
        """Seconds until the same target is asked again; None: it is not."""
        if trouble.kind not in ("busy", "failed", "unusable", "unreachable"):
            return None
        told = trouble.retry_after
        if not last:
            if told is not None:
                return None if told > self._desk.settings.retry_wait else self._backoff(trouble, tries)
            return self._backoff(trouble, tries) if trouble.kind == "failed" and tries == 0 else None
        return None if told is not None and told > LONGEST_WAIT else self._backoff(trouble, tries)

    def _backoff(self, trouble: Trouble, tries: int) -> float:
        failure = AttemptFailed(trouble.reason, retry_after=trouble.retry_after)
        return self._desk.retries.pause(tries + 1, failure, self._desk.chance)

    async def _ask(self, option: Option, operation: str, send: Send, *, last: bool) -> None:
        desk, asked = self._desk, self.asked
        upstream = desk.upstreams.of(option.endpoint)
        attempt = self.attempt = Attempting(asked, option, upstream)
        self._probe = desk.health.sent(option.id, operation, time.time())
        try:
            if asked.stream:
                first = await attempt.open(None if last else desk.settings.first_token_timeout)
            else:
                whole = await attempt.whole(None if last else upstream.provider.first_byte_timeout)
        except Trouble as trouble:
            self._count(attempt, operation, trouble)
            if attempt.translated is not None and trouble.body is not None:
                trouble.body = attempt.translated.error(trouble.body, trouble.status)
            self.attempt = None
            raise
        except Refused:
            desk.health.left(option.id, operation, self._probe)
            self.attempt = None
            raise
        if asked.stream:
            await self._stream(attempt, operation, first, send)
        else:
            await self._respond(attempt, operation, whole, send)

    def _count(self, attempt: Attempting, operation: str, trouble: Trouble) -> None:
        desk = self._desk
        outcome = _OUTCOMES.get(trouble.kind) or ("throttled" if trouble.status == 429 else "failed")
        desk.accounts.attempted(attempt, outcome)
        if trouble.kind in _BLAMELESS:
            desk.health.succeeded(attempt.option.id, operation, time.time())  # it answers
        else:
            desk.health.failed(attempt.option.id, operation, time.time(), trouble.retry_after)
        if trouble.asked and attempt.sent:
            desk.accounts.book(attempt)

    async def _respond(self, attempt: Attempting, operation: str, whole: bytes, send: Send) -> None:
        used = self._desk.accounts.used(attempt)
        delivery = self._delivery(attempt, used)
        fields = delivery.fields()
        told = delivery.headers(fields)
        if self.asked.headers.get("x-evalgate-explain") == "1":
            fields["candidates"] = candidates(delivery.decision)
        body = splice(whole, fields)
        headers = json_headers(len(body), (*told, *_id_of(attempt)))
        self.started = True
        if self._answer is not None:
            self._answer.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self._settle(attempt, operation, None, used)
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, attempt: Attempting, operation: str, first: bytes, send: Send) -> None:
        delivery = self._delivery(attempt, None)
        told = delivery.headers(delivery.fields())
        headers: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
        self.started = True
        if self._answer is not None:
            send = self._kept(send)
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, *told, *_id_of(attempt)]})
        await send({"type": "http.response.body", "body": first, "more_body": True})
        broke = await relay(attempt, send, self._give_up)
        self._settle(attempt, operation, broke, None)
        await send({"type": "http.response.body", "body": b""})
        connection, attempt.connection = attempt.connection, None
        if connection is not None:
            if broke is None:
                await last_bytes(connection)
            attempt.upstream.origin.connections.give_back(connection)

    def _settle(self, attempt: Attempting, operation: str, broke: str | None, used: Used | None) -> None:
        """Everything that is noted of an answer; before its last byte goes out, so that who has it finds it noted."""
        desk = self._desk
        assert self.decision is not None
        self.over = True
        desk.accounts.attempted(attempt, "ok" if broke is None else "failed")
        at = time.time()
        if broke is None:
            desk.health.succeeded(attempt.option.id, operation, at)
        else:
            desk.alarms.tell(attempt.option.id, "a stream broke", broke)
            desk.health.failed(attempt.option.id, operation, at, None)
        used = desk.accounts.book(attempt, used)
        desk.accounts.delivered(
            self.asked,
            self.decision,
            attempt,
            used,
            answer=self._whole(),
            complete=broke is None,
            began=self._began,
        )

    def _delivery(self, attempt: Attempting, used: Used | None) -> Delivery:
        assert self.decision is not None
        latency_ms = (time.perf_counter() - self._began) * 1000
        if used is None:
            return Delivery(self.decision, attempt.option, tuple(self._failed), latency_ms)
        baseline = self.decision.route.baseline.endpoint.cost(used.input, used.output)
        return Delivery(
            self.decision, attempt.option, tuple(self._failed), latency_ms, used.dollars, baseline, used.estimated
        )

    def _note(self, option: Option, trouble: Trouble) -> None:
        self._failed.append((option.id, trouble.public))
        if trouble.kind == "operator":
            self._desk.alarms.tell(option.id, "turns every call away", trouble.reason)
        else:
            log.info("%s: %s: %s", option.id, trouble.kind, trouble.reason)

    async def _tell(self, trouble: Trouble, send: Send) -> None:
        """The error of the one who told the most, with its true status."""
        self.over = self.started = True
        body = trouble.told(self.asked.speech)
        headers = json_headers(len(body), retry_header(trouble.retry_after))
        await send({"type": "http.response.start", "status": trouble.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _give_up(self) -> None:
        """The client does not take what it is sent: it has left, whatever its connection says."""
        if not self.over and self._task is not None:
            self.left = True
            self._task.cancel()

    def cut(self) -> bytes:
        """What ends a stream that has to stop now."""
        return error_event(self.asked.speech, "the gateway stops; ask again", "overloaded_error")

    def _kept(self, send: Send) -> Send:
        answer = self._answer
        assert answer is not None

        async def keeping(message: dict[str, object]) -> None:
            body = message.get("body")
            if isinstance(body, bytes) and body and self._answer is not None:
                answer.append(body)
                self._kept_size += len(body)
                if self._kept_size > MOST_KEPT:
                    self._answer = None
            await send(message)

        return keeping  # type: ignore[return-value]  # a dict is a mapping that can be changed

    def _whole(self) -> bytes | None:
        return None if self._answer is None else b"".join(self._answer)


def _id_of(attempt: Attempting) -> Headers:
    """The upstream's name for the request, for who has to ask there."""
    name = attempt.request_id
    if not name or len(name) > 200 or not name.isascii() or not name.isprintable():
        return []
    return [(b"x-request-id", name.encode())]
