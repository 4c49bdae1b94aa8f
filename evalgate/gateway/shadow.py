"""Sends a share of captured standard calls again to variants that are not eligible, to learn how they do now.

Only calls of callers who consented are sent again, only within the day's budget, only after the response went out, and
never to somebody whom the caller's own limits exclude. Nobody's answer comes from here.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from evalgate.errors import EvalgateError
from evalgate.gateway.asked import understood
from evalgate.gateway.attempt import Attempting
from evalgate.gateway.caller import ANYBODY
from evalgate.gateway.captures import whole_answer
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.desk import Desk
from evalgate.gateway.redaction import Redact, redacted
from evalgate.gateway.refusal import Refused
from evalgate.gateway.settings import ShadowSettings
from evalgate.gateway.translation import Speech
from evalgate.gateway.trouble import Trouble
from evalgate.router import Option, breaks_limit, cannot_serve
from evalgate.store.captures import Captured, new_capture_id

log = logging.getLogger("evalgate.gateway")

AT_ONCE = 4  # calls of one process; what comes meanwhile is not sent again
OUTPUT_TOKENS = 1000  # that a call may take, where neither it nor its first answer says

Send = Callable[[Option, str, dict[str, object]], Awaitable[bytes | None]]
"""Asks one variant, and nobody else: path and body as the client's → the whole answer, None when there is none."""

Spend = Callable[[str, Decimal, Decimal], bool]
"""`store.captures.Captures.spend`."""


class Shadow:
    """Is told of captures (`Captor`'s `then`)."""

    def __init__(
        self,
        settings: ShadowSettings,
        send: Send,
        spend: Spend,
        keep: Callable[[Sequence[Captured]], None],
        redact: Redact,
        *,
        chance: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._share, self._budget = settings.share, Decimal(str(settings.budget))
        self._send, self._spend, self._keep, self._redact = send, spend, keep, redact
        self._chance, self._now = chance, now
        self._under_way: set[asyncio.Task[None]] = set()

    def __call__(self, delivered: Delivered, captured: Captured) -> None:
        """Send it again, if it is drawn and somebody is to be learned of."""
        if self._budget <= 0 or len(self._under_way) >= AT_ONCE or self._chance() >= self._share:
            return
        if delivered.decision.call.tier != "standard":
            return
        candidates = learners(delivered)
        if candidates:
            option = candidates[int(self._chance() * len(candidates))]
            task = asyncio.ensure_future(self._again(option, delivered, captured))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _again(self, option: Option, delivered: Delivered, captured: Captured) -> None:
        day = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%d")
        try:
            if not await asyncio.to_thread(self._spend, day, expected_dollars(option, delivered), self._budget):
                return
            body = orjson.loads(delivered.body)
            for name in ("stream", "stream_options"):
                body.pop(name, None)
            data = await self._send(option, delivered.path, body)
            if data is None:
                return
            answer, response = whole_answer(data, stream=False, path=delivered.path)
            shadow = replace(
                captured,
                capture=new_capture_id(),
                response=response,
                at=self._now(),
                variant=option.id,
                answer=redacted(answer, self._redact),
                shadow_of=captured.capture,
            )
            await asyncio.to_thread(self._keep, [shadow])
        except (EvalgateError, ValueError, TypeError) as failure:
            log.info("shadow: %s: %s", option.id, type(failure).__name__)


def sender(desk: Desk) -> Send:
    """Asks over the gateway's own connections; telemetry is told, and no caller's books."""

    async def send(option: Option, path: str, body: dict[str, object]) -> bytes | None:
        speech: Speech = "anthropic" if path == "/messages" else "openai"
        try:
            asked = understood(path, speech, {}, ANYBODY, orjson.dumps(body))
            attempt = Attempting(asked, option, desk.upstreams.of(option.endpoint))
        except (Refused, Trouble):
            return None
        try:
            data = await attempt.whole(None)
        except (Refused, Trouble):
            desk.accounts.attempted(attempt, "failed")
            return None
        desk.accounts.attempted(attempt, "ok")
        return data

    return send


def learners(delivered: Delivered) -> list[Option]:
    """Who is not eligible now, could serve the call, and may have it."""
    decision = delivered.decision
    call, route = decision.call, decision.route
    proven = [option for option in route.greens if option.eligible_until > decision.at]
    everybody = [option for option in route.everybody if option is not route.baseline and option not in proven]
    return [
        option
        for option in everybody
        if option is not delivered.served and cannot_serve(option, call) is None and breaks_limit(option, call) is None
    ]


def expected_dollars(option: Option, delivered: Delivered) -> Decimal:
    """What sending it again will cost, rather too much than too little."""
    call = delivered.decision.call
    asked = max(delivered.input_tokens or 0, call.input_tokens or 0)
    answered = max(delivered.output_tokens or 0, call.max_output or OUTPUT_TOKENS)
    return option.endpoint.cost(asked, answered)
