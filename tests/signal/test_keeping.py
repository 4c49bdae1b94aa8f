"""What watching makes of a published verdict."""

from __future__ import annotations

from datetime import timedelta

from evalgate.signal import SignalDocument
from evalgate.signal.keeping import Standing, StandingState, kept
from tests.signal.make import HASH, NOW, document, entry

DAY = 86_400.0
AT = NOW.timestamp()


def certified(state: str = "green") -> SignalDocument:
    one = entry(state=state).model_copy(update={"certified": NOW})  # type: ignore[arg-type]
    return document().model_copy(update={"entries": (one,)})


def standing(state: StandingState = "kept", *, days: float = 3.0, certify_every: float = 90.0) -> Standing:
    return Standing(
        operation="sort",
        variant="cheap",
        config=HASH,
        certified=int(AT),
        state=state,
        since=AT + days * DAY,
        reason="it fell",
        evidence_at=AT + days * DAY,
        valid_for=7 * DAY,
        certify_every=certify_every * DAY,
    )


def after(*standings: Standing, before: SignalDocument | None = None) -> SignalDocument:
    return kept(before or certified(), standings, now=NOW + timedelta(days=4))


def test_evidence_of_a_day_prolongs_by_as_much_as_a_certification_of_that_day() -> None:
    (one,) = after(standing()).entries
    assert one.valid_until == NOW + timedelta(days=10)
    assert one.watched == NOW + timedelta(days=3)
    assert one.since == NOW


def test_nothing_is_prolonged_beyond_the_longest_time_for_one_certification() -> None:
    (one,) = after(standing(certify_every=8)).entries
    assert one.valid_until == NOW + timedelta(days=8)


def test_older_evidence_than_is_known_shortens_nothing() -> None:
    later = after(standing(days=5))
    assert after(standing(days=3), before=later).entries == later.entries


def test_an_alarm_withdraws_and_forgets_the_passes() -> None:
    (one,) = after(standing("suspended")).entries
    assert (one.state, one.green_runs) == ("unknown", 0)
    assert one.since == NOW + timedelta(days=3)
    assert one.withdrawn is not None
    assert one.withdrawn.state == "unknown"


def test_a_proof_of_loss_is_red_by_state_and_verdict() -> None:
    (one,) = after(standing("red")).entries
    assert (one.state, one.verdict) == ("red", "red")


def test_a_suspension_makes_no_red_better() -> None:
    red = after(standing("red"))
    assert after(standing("suspended"), before=red).entries == red.entries


def test_a_suspension_that_turns_out_a_loss_becomes_red() -> None:
    suspended = after(standing("suspended"))
    assert after(standing("red", days=4), before=suspended).entries[0].state == "red"


def test_told_twice_it_says_the_same() -> None:
    for state in ("kept", "suspended", "red"):
        once = after(standing(state))  # type: ignore[arg-type]
        assert after(standing(state), before=once).entries == once.entries  # type: ignore[arg-type]


def test_another_certification_is_not_what_was_watched() -> None:
    other = certified().entries[0].model_copy(update={"certified": NOW + timedelta(days=1)})
    before = document().model_copy(update={"entries": (other,)})
    assert after(standing("red"), before=before).entries == before.entries


def test_watching_makes_nobody_green() -> None:
    before = certified("unknown")
    assert after(standing(), before=before).entries[0].state == "unknown"
