"""What rate-limit headers promise, in the three ways in which providers say it.

    OpenAI      x-ratelimit-remaining-requests: 59, x-ratelimit-reset-requests: 6m0s   (and the same for tokens)
    Anthropic   anthropic-ratelimit-requests-remaining: 49, …-reset: 2026-11-23T10:00:00Z   (tokens, input-, output-)
    OpenRouter  x-ratelimit-remaining: 0, x-ratelimit-reset: 1783524840000   (milliseconds since the epoch)

Called for every response, most of which carry none of these headers: so the first look decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from evalgate.providers.base import Allowance, Quota

WINDOW = 60.0  # seconds; the limits are per minute, and Azure does not say when one begins anew
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,8}}")
_MAX_LEFT = 1e15
_MAX_RESET = 366 * 86_400.0
_EPOCH = 1e9  # from here on a plain number is a time and not a span, and from 1e11 on one in milliseconds


def allowance_of(headers: Mapping[str, str], now: float) -> Allowance | None:
    """What `headers` say at `now` (seconds since the epoch); None when they say nothing, or nothing readable.

    Names are looked up in lower case: `headers` ignores the case of names, or has them in lower case.
    """
    if "x-ratelimit-remaining-requests" in headers or "x-ratelimit-remaining-tokens" in headers:
        requests, tokens = _openai(headers, "requests", now), _openai(headers, "tokens", now)
    elif "anthropic-ratelimit-requests-remaining" in headers or "anthropic-ratelimit-tokens-remaining" in headers:
        requests = _anthropic(headers, "requests", now)
        quotas = [_anthropic(headers, kind, now) for kind in ("tokens", "input-tokens", "output-tokens")]
        tokens = min((quota for quota in quotas if quota), key=lambda quota: (quota.left, -quota.reset), default=None)
    elif "x-ratelimit-remaining" in headers:
        requests = _quota(headers["x-ratelimit-remaining"], headers.get("x-ratelimit-reset"), now)
        tokens = None
    else:
        return None
    return Allowance(requests, tokens) if requests or tokens else None


def _openai(headers: Mapping[str, str], kind: str, now: float) -> Quota | None:
    return _quota(headers.get(f"x-ratelimit-remaining-{kind}"), headers.get(f"x-ratelimit-reset-{kind}"), now)


def _anthropic(headers: Mapping[str, str], kind: str, now: float) -> Quota | None:
    begin = f"anthropic-ratelimit-{kind}"
    return _quota(headers.get(f"{begin}-remaining"), headers.get(f"{begin}-reset"), now)


def _quota(remaining: str | None, reset: str | None, now: float) -> Quota | None:
    left = _number(remaining)
    if left is None:
        return None
    seconds = WINDOW if reset is None else seconds_until(reset.strip(), now)
    return Quota(min(left, _MAX_LEFT), WINDOW if seconds is None else min(max(seconds, 0.0), _MAX_RESET))


def seconds_until(reset: str, now: float) -> float | None:
    """Seconds until `reset`: a span (`6m0s`, `20ms`, `60`), or a time (RFC 3339, seconds or milliseconds of Unix)."""
    number = _number(reset)
    if number is not None:
        return number if number < _EPOCH else (number if number < 100 * _EPOCH else number / 1000) - now
    if len(reset) <= 64 and _DURATION.fullmatch(reset):
        return sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(reset))
    try:
        moment = datetime.fromisoformat(reset)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now


def _number(text: str | None) -> float | None:
    """A number from 0 on, and finite."""
    try:
        number = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
