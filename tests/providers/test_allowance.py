"""Rate-limit headers: what a provider says is believed, and nonsense is nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from evalgate.providers import Allowance, Quota
from evalgate.providers.allowance import WINDOW, allowance_of

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC).timestamp()
NAMES = [
    *(f"x-ratelimit-{part}-{kind}" for part in ("remaining", "reset") for kind in ("requests", "tokens")),
    *(
        f"anthropic-ratelimit-{kind}-{part}"
        for kind in ("requests", "tokens", "input-tokens", "output-tokens")
        for part in ("remaining", "reset")
    ),
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]
VALUES = (
    st.sampled_from(["0", "59", "-1", "1e400", "nan", "inf", "6m0s", "1s", "20ms", "1d", "99999999999999h", "", " 7 "])
    | st.sampled_from(["2026-11-23T10:00:30Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "1783524840000"])
    | st.text(max_size=12)
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8))
@example({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "9" * 300})
def test_whatever_the_headers_say_is_a_finite_promise_or_none(headers: dict[str, str]) -> None:
    allowance = allowance_of(headers, NOW)
    assert allowance == allowance_of(CIMultiDict({name.title(): value for name, value in headers.items()}), NOW)
    if allowance is not None:
        quotas = [quota for quota in (allowance.requests, allowance.tokens) if quota is not None]
        assert quotas
        assert all(0 <= quota.left <= 1e15 and 0 <= quota.reset <= 366 * 86_400 for quota in quotas)


def test_as_openai_says_it() -> None:
    # platform.openai.com/docs/guides/rate-limits, "Rate limits in headers"
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert allowance_of(headers, NOW) == Allowance(Quota(59, 1), Quota(149_984, 360))


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("20ms", 0.02), ("7.66s", 7.66), ("2m59.56s", 179.56), ("1h0m1s", 3601), ("60", 60), ("0", 0), ("soon", WINDOW)],
)
def test_a_span_is_told_in_many_ways(reset: str, seconds: float) -> None:
    headers = {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": reset}
    allowance = allowance_of(headers, NOW)
    assert allowance is not None
    assert allowance.requests is not None
    assert allowance.requests.reset == pytest.approx(seconds)


def test_azure_does_not_say_when_the_minute_is_over() -> None:
    assert allowance_of({"x-ratelimit-remaining-tokens": "9000"}, NOW) == Allowance(None, Quota(9000, WINDOW))


def test_of_anthropics_limits_the_tightest_counts() -> None:
    # docs.claude.com/en/api/rate-limits, "Response headers"
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-23T10:00:01Z",
        "anthropic-ratelimit-tokens-remaining": "38000",
        "anthropic-ratelimit-tokens-reset": "2026-11-23T10:00:10Z",
        "anthropic-ratelimit-input-tokens-remaining": "30000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-23T10:00:10Z",
        "anthropic-ratelimit-output-tokens-remaining": "8000",
        "anthropic-ratelimit-output-tokens-reset": "2026-11-23T09:59:00Z",
    }
    assert allowance_of(headers, NOW) == Allowance(Quota(49, 1), Quota(8000, 0))


@pytest.mark.parametrize("reset", [f"{(NOW + 30) * 1000:.0f}", f"{NOW + 30:.0f}", "30"])
def test_openrouters_reset_is_a_time_in_milliseconds_and_others_are_understood(reset: str) -> None:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    assert allowance_of(CIMultiDict(headers), NOW) == Allowance(Quota(0, 30))


def test_no_such_header_is_no_allowance() -> None:
    assert allowance_of({}, NOW) is None
    assert allowance_of({"x-ratelimit-remaining-requests": "many"}, NOW) is None
