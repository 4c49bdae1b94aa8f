"""What watching makes of a published verdict: it is prolonged while it stays proven, or withdrawn at once. Pure.

Certify once, then watch: a green runs out `gate.valid_for` after its oldest answer, and a day of watching without an
alarm counts as evidence of that day's age. So the entry is then valid for as long as if it had been certified on that
day, but never longer than `gate.watch.certify_every` after the certification itself. A day without evidence (nobody
asked, nobody answered) prolongs nothing, and a heartbeat never does. Watching makes nobody green: who was withdrawn
comes back by certifications on fresh answers (see `issuing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from evalgate.formats.canonical import digest
from evalgate.signal.document import HEARTBEAT, SignalDocument, SignalEntry, SignalWithdrawal
from evalgate.signal.issuing import withdrawal_of

StandingState = Literal["kept", "suspended", "red"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known by watching of one certification: that of `variant`'s `config` whose evidence is `certified` old.

    `kept`: no alarm, with evidence of `evidence_at` (0: none yet). `suspended`: something changed; `red`: proven worse;
    both since `since`. Times are in seconds since the epoch, durations in seconds.
    """

    operation: str
    variant: str
    config: str
    certified: int
    state: StandingState
    since: float
    reason: str
    evidence_at: float
    valid_for: float
    certify_every: float

    def is_of(self, entry: SignalEntry) -> bool:
        """Whether it is this entry's certification that was watched."""
        return (
            (entry.operation, entry.variant.id, entry.variant.config) == (self.operation, self.variant, self.config)
            and entry.certified is not None
            and int(entry.certified.timestamp()) == self.certified
        )


def kept(document: SignalDocument, standings: Iterable[Standing], *, now: datetime) -> SignalDocument:
    """The next document: what `document` says, with what watching knows. Told twice, it changes nothing more."""
    entries = list(document.entries)
    for standing in standings:
        for index, entry in enumerate(entries):
            if standing.is_of(entry):
                entries[index] = _kept(entry, standing)
    now = now.astimezone(UTC).replace(microsecond=0)
    following = {"seq": document.seq + 1, "prev": digest(document.encode()), "issued_at": now}
    return document.model_copy(update={**following, "expires_at": now + HEARTBEAT, "entries": tuple(entries)})


def _kept(entry: SignalEntry, standing: Standing) -> SignalEntry:
    if standing.state == "kept":
        return _prolonged(entry, standing) if entry.state == "green" and standing.evidence_at else entry
    known = withdrawal_of(entry)
    if known is not None and (known.state == "red" or standing.state == "suspended"):
        return entry  # it is withdrawn already, and for no less
    at = _time(standing.since)
    withdrawal = SignalWithdrawal(state="red" if standing.state == "red" else "unknown", at=at, reason=standing.reason)
    since = entry.since if entry.state == withdrawal.state else at
    told = {"state": withdrawal.state, "since": since, "green_runs": 0, "withdrawn": withdrawal}
    if standing.state == "red":
        told["verdict"] = "red"
    return entry.model_copy(update={**told, "reason": f"withdrawn: {standing.reason}"})


def _prolonged(entry: SignalEntry, standing: Standing) -> SignalEntry:
    longest = standing.certified + standing.certify_every
    until = _time(min(standing.evidence_at + standing.valid_for, longest))
    watched = _time(standing.evidence_at)
    if entry.watched is not None and entry.watched >= watched:
        return entry
    return entry.model_copy(update={"watched": watched, "valid_until": max(entry.valid_until, until)})


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)
