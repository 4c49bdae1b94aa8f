"""What routers do with an operation's calls, in a few words: by the signal that is published, not by the board at hand.

A check moves no traffic until its board is published. So the board says what the published signal says, and where the
two differ, that they do, which of them holds, and how to change it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from evalgate.catalog import Catalog
from evalgate.errors import InputError
from evalgate.report.wording import safe
from evalgate.router import Call, Decision, RoutingTable, choose
from evalgate.signal import SignalDocument, SignalEntry


class Traffic:
    """What routers do now, and what they would do if a board were published."""

    def __init__(
        self,
        board: SignalDocument,
        published: SignalDocument | None,
        catalog: Catalog,
        *,
        now: datetime,
        note: str = "",
    ) -> None:
        """`board`: the document that the board makes; `published`: what routers read, None where nothing is.

        `note`: what is to be said of what is published, or why it cannot be read.
        """
        self._board, self._published, self._now, self._note = board, published, now, note
        self._wanted = RoutingTable(board, catalog)
        self._present = RoutingTable(published, catalog)

    def of(self, operation: str) -> str:
        """What an operation's traffic does now, and where this board differs from that."""
        try:
            return self._told(operation)
        except InputError as failure:  # nobody can say who the baseline is
            return f"no traffic can be told: {failure}"

    def _told(self, operation: str) -> str:
        wanted = choose(Call(operation), self._wanted, now=self._now)
        stays = self._why_nothing_is_certified(operation, wanted.route.model)
        if stays:
            would = "" if wanted.chosen is wanted.route.baseline else f"; published, it would go to {_named(wanted)}"
            return f"traffic stays at {safe(wanted.route.baseline.id)}: {stays}{would}"
        goes, would = _named(choose(Call(operation, wanted.route.model), self._present, now=self._now)), _named(wanted)
        if self._published is None or _entries(self._published, operation) == _entries(self._board, operation):
            return f"traffic goes to {goes}"
        told = f"traffic goes to {goes} by the published signal ({self._which(self._published)})"
        if goes != would:
            return f"{told}; this board is not published and would send it to {would}"
        same = _states(self._published, operation) == _states(self._board, operation)
        return told if same else f"{told}, which differs from this board"

    def _why_nothing_is_certified(self, operation: str, model: str) -> str:
        """Why the published signal lets nobody but the baseline take these calls, or an empty text."""
        if self._published is None:
            return f"the published signal cannot be read: {self._note}" if self._note else "no signal is published"
        if operation not in self._present.operations:
            return f"the published signal ({self._which(self._published)}) does not have this operation"
        try:
            self._present.route(Call(operation, model))
        except InputError as failure:
            return f"the published signal ({self._which(self._published)}) cannot be followed: {failure}"
        return ""

    def _which(self, published: SignalDocument) -> str:
        """Which document it is, and whether its publisher should have been heard of again."""
        seq = f"seq {published.seq} of {published.issued_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        outdated = "" if published.expires_at > self._now else ", outdated: no heartbeat since"
        return f"{seq}{outdated}{', ' if self._note else ''}{self._note}"


def _named(decision: Decision) -> str:
    return safe(decision.chosen.id) if decision.chosen is not None else "nobody"


def _entries(document: SignalDocument, operation: str) -> list[SignalEntry]:
    return [entry for entry in document.entries if entry.operation == operation]


def _states(document: SignalDocument, operation: str) -> dict[str, tuple[str, str]]:
    return {entry.variant.id: (entry.state, entry.variant.config) for entry in _entries(document, operation)}
