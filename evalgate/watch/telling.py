"""Tells the signal what watching knows, and keeps telling until it is told.

The store is what counts: a process that is killed between an alarm and its publication has kept the alarm, and the
next one publishes it. The document is always kept in the store, also where there is no place to publish to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from evalgate.errors import EvalgateError, InputError
from evalgate.gate import Board
from evalgate.signal import History, SignalDocument, issue, publish
from evalgate.signal.history import Make
from evalgate.signal.keeping import kept
from evalgate.signal.places import Place
from evalgate.signal.publishing import Signers
from evalgate.store import Store
from evalgate.suite import Suite
from evalgate.watch.stream import Stream

REMEMBERED = 20  # boards that a first document is made of


class Telling:
    """One stream of documents. `places` empty: it is only kept in the store."""

    def __init__(
        self, store: Store, stream: str, places: Sequence[Place], signers: Signers, now: Callable[[], float]
    ) -> None:
        self._store, self._stream, self._places, self._signers, self._now = store, stream, places, signers, now

    def document(self) -> SignalDocument:
        """What was told last; of a store that published nothing, what its checks concluded.

        Raises `InputError` where nothing was checked.
        """
        latest = History(self._store).latest(self._stream)
        if latest is not None:
            return latest.document
        document: SignalDocument | None = None
        boards = [Board.from_json(data) for data in islice(self._store.boards(), REMEMBERED)]
        for board in reversed(boards):
            document = issue(board, document, stream=self._stream, now=self._time)
        if document is None:
            raise InputError(f"store {self._store.name}: nothing was checked yet; start with: evalgate check")
        return document

    def current(self, streams: Iterable[Stream], suite: Suite) -> SignalDocument:
        """What is to be told now, whether it can be told or not."""
        return self._making(list(streams), suite)(self.document())

    def tell(self, streams: Iterable[Stream], suite: Suite) -> SignalDocument:
        """Tell how the variants of an operation stand, where that is news, or a place does not know it yet.

        Raises as `publish` does; what could not be told is told by the next call.
        """
        make, before = self._making(list(streams), suite), self.document()
        first = History(self._store).latest(self._stream) is None
        if not first and make(before).entries == before.entries and self._is_everywhere():
            return before
        return publish(self._store, self._stream, make, self._places, self._signers).document

    def _making(self, told: Sequence[Stream], suite: Suite) -> Make:
        untold = self._boards({stream.run for stream in told if stream.pending})

        def make(previous: SignalDocument | None) -> SignalDocument:
            document = previous or self.document()
            for stream in told:
                entry = document.entry(stream.operation, stream.variant)
                board = untold.get(stream.run)
                if stream.pending and board is not None and (entry is None or entry.evidence.run != stream.run):
                    document = issue(board, document, stream=self._stream, now=self._time)
            return kept(document, (stream.standing(suite) for stream in told), now=self._time)

        return make

    def _is_everywhere(self) -> bool:
        latest = History(self._store).latest(self._stream)
        try:
            return latest is not None and all(place.read() == latest.data for place in self._places)
        except EvalgateError:
            return False  # publishing says what is wrong with it

    def _boards(self, runs: set[str]) -> Mapping[str, Board]:
        found: dict[str, Board] = {}
        for data in self._store.boards() if runs else ():
            if data["run"] in runs:
                board = Board.from_json(data)
                found[board.run] = board
                if len(found) == len(runs):
                    break
        return found

    @property
    def _time(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def told(streams: Iterable[Stream]) -> list[Stream]:
    """The same, with nothing that the signal does not tell of."""
    return [replace(stream, pending=False) for stream in streams if stream.pending]
