"""The breaker: opens after failures in a row, lets one probe through, and never shortens a pause."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalgate.router import CLOSED, Breaker, admits, when_failed, when_left, when_sent, when_succeeded
from evalgate.router.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, LONGEST_RETRY_AFTER, PROBE_TIME

AT = 1_800_000_000.0


def failed(times: int, at: float = AT) -> Breaker:
    breaker = CLOSED
    for _ in range(times):
        breaker = when_failed(breaker, at)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    assert admits(failed(FAILURES - 1), AT)
    assert not admits(failed(FAILURES), AT)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = when_succeeded(failed(FAILURES - 1), AT)
    assert breaker == CLOSED


def test_after_the_pause_one_probe_goes_through_and_nobody_else() -> None:
    later = AT + FIRST_PAUSE
    breaker = failed(FAILURES)
    assert admits(breaker, later)
    sent = when_sent(breaker, later)
    assert not admits(sent, later)
    assert admits(sent, later + PROBE_TIME)  # of which nobody heard again


def test_a_probe_that_was_left_makes_room_for_the_next_and_not_for_one_beside_another() -> None:
    later = AT + FIRST_PAUSE
    first = when_sent(failed(FAILURES), later)
    assert admits(when_left(first, first.probe_until), later)
    second = when_sent(first, later + 1)
    assert not admits(when_left(second, first.probe_until), later + 1)
    assert when_left(first, 0.0) is first


def test_a_success_while_it_is_open_is_no_probe_that_holds_others_back() -> None:
    asked_all_the_same = when_sent(failed(FAILURES), AT + 1)
    assert admits(when_succeeded(asked_all_the_same, AT + 2), AT + FIRST_PAUSE)


def test_a_good_probe_closes_it() -> None:
    breaker = when_sent(failed(FAILURES), AT + FIRST_PAUSE)
    assert when_succeeded(breaker, AT + FIRST_PAUSE + 1) == CLOSED


def test_a_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    breaker, at = failed(FAILURES), AT
    pauses = []
    for _ in range(40):
        pauses.append(breaker.open_until - at)
        at = breaker.open_until
        breaker = when_failed(when_sent(breaker, at), at)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE


def test_a_success_that_began_before_it_opened_does_not_close_it() -> None:
    assert when_succeeded(failed(FAILURES), AT + 1) == failed(FAILURES)


def test_a_retry_after_opens_it_at_once_for_as_long_as_it_says() -> None:
    breaker = when_failed(CLOSED, AT, retry_after=60)
    assert not admits(breaker, AT + 59)
    assert admits(breaker, AT + 60)


def test_a_second_shorter_retry_after_does_not_shorten_the_pause() -> None:
    breaker = when_failed(when_failed(CLOSED, AT, retry_after=60), AT, retry_after=0.7)
    assert not admits(breaker, AT + 59)


def test_a_clock_that_was_set_back_does_not_keep_a_variant_out() -> None:
    assert admits(failed(FAILURES), AT - 86_400)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["ok", "fail", "sent"]), st.floats(0, 1000), st.floats(0, 1e9)), max_size=60
)


@given(EVENTS)
def test_in_every_order_of_events_it_lets_calls_through_again_within_the_longest_pause(
    events: list[tuple[str, float, float]],
) -> None:
    breaker, at = CLOSED, AT
    for kind, seconds, retry_after in events:
        at += seconds
        before = breaker.open_until
        if kind == "ok":
            breaker = when_succeeded(breaker, at)
        elif kind == "sent":
            breaker = when_sent(breaker, at)
        else:
            breaker = when_failed(breaker, at, retry_after=retry_after)
            assert breaker.open_until >= before
    assert admits(breaker, at + max(LONGEST_RETRY_AFTER, LONGEST_PAUSE, PROBE_TIME))
