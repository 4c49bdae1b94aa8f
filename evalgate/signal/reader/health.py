"""What an operator wants to know of a reader, and may raise an alarm for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Times are seconds since 1970. Of `refused`, `unreachable` and `cache`, None is good, a text is the reason.

    `stale`: nothing was heard of the publisher for longer than its document promised; `entries` still count until each
    one's own `valid_until`. `clock_wrong`: the clock shows an earlier time than it can be; the later one counts.
    """

    stream: str | None
    seq: int | None
    key_id: str | None
    issued_at: float | None
    expires_at: float | None
    entries: int
    stale: bool
    clock_wrong: bool
    refused: str | None
    unreachable: str | None
    cache: str | None
    heard_at: float | None

    @property
    def ok(self) -> bool:
        """Nothing to raise an alarm for."""
        return self.problem is None

    @property
    def problem(self) -> str | None:
        """The worst of what is wrong, in one line."""
        if self.clock_wrong:
            advice = "if it is right now, it was ahead before: remove the reader's cache and start it again"
            return f"the clock of this machine is behind what it was, and what it was is counted by; {advice}"
        told = self.refused or self.unreachable
        if self.seq is None:
            return f"no signal yet, everything goes to the baseline: {told or 'nothing was fetched so far'}"
        if told is not None:
            return told
        return "the publisher is silent: its last document has expired" if self.stale else self.cache
