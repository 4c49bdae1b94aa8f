"""When to try again, as responses say it: one reading for all of the forms in which they do.

Retry-After           seconds (RFC 9110), a date, or a span as Go writes it (`1m30s`)
retry-after-ms        milliseconds (OpenAI); x-ms-retry-after-ms: the same (Azure)
rate-limit headers    the reset of a quota of which nothing is left: see `allowance`
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from evalgate.providers.allowance import allowance_of, seconds_until

_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms")
_LONGEST_DATE = 64  # characters; the parser of dates is not made for more


def seconds_until_retry(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from `now` (since the epoch), at least 0; None when the headers say nothing, or nothing readable."""
    for name in _MILLISECONDS:
        if (milliseconds := _number(headers.get(name))) is not None:
            return milliseconds / 1000
    if (said := headers.get("retry-after")) is not None:
        if (seconds := _number(said)) is not None:
            return seconds
        if (moment := _date(said)) is not None:  # by the server's clock, which may differ from ours
            sent = _date(headers.get("date", ""))
            return max(0.0, moment - (now if sent is None else sent))
        if (span := seconds_until(said, now)) is not None:
            return max(0.0, span)
    allowance = allowance_of(headers, now)
    quotas = (allowance.requests, allowance.tokens) if allowance is not None else ()
    return max((quota.reset for quota in quotas if quota is not None and quota.left < 1), default=None)


def _date(text: str) -> float | None:
    """Seconds since the epoch, of any of the three forms that RFC 9110 allows."""
    try:
        moment = parsedate_to_datetime(text[:_LONGEST_DATE])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
