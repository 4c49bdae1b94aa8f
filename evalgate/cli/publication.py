"""Where `evalgate check` publishes what it found: refused before anything is paid for, when it cannot be published."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evalgate.cli.options import SIGNAL
from evalgate.errors import SignalError
from evalgate.signal import History, SignalDocument, issue, publish
from evalgate.signal.document import parse
from evalgate.signal.envelope import opened
from evalgate.signal.file import read_bytes
from evalgate.signal.places import Place, open_place
from evalgate.signal.publishing import Signers, look, require_stream

if TYPE_CHECKING:
    from evalgate.gate import Board
    from evalgate.store import Store
    from evalgate.watch.telling import Telling


@dataclass(frozen=True, slots=True)
class Publication:
    """The places of one stream; none: the document is only made, to be shown."""

    stream: str
    places: Sequence[Place]
    signers: Signers

    @classmethod
    def to(cls, stream: str, names: Sequence[str], signers: Signers) -> Publication:
        """Raises `InputError` when the signal cannot be published under that name, or there."""
        return cls(require_stream(stream), [open_place(name, stream) for name in names], signers)

    def require(self, store: Store) -> None:
        """Raises `InputError` when a place has what must not be replaced; changes nothing."""
        look(store, self.stream, self.places, self.signers)

    def publish(self, board: Board, store: Store, now: Callable[[], float] = time.time) -> SignalDocument:
        """The document that the board makes, which is published where there are places."""

        def make(previous: SignalDocument | None) -> SignalDocument:
            return issue(board, previous, stream=self.stream, now=datetime.fromtimestamp(now(), UTC))

        if self.places:
            return publish(store, self.stream, make, self.places, self.signers).document
        return make(self.current(store)[0])

    def telling(self, store: Store, now: Callable[[], float]) -> Telling:
        """How whoever watches publishes."""
        from evalgate.watch.telling import Telling

        return Telling(store, self.stream, self.places, self.signers, now)

    def current(self, store: Store) -> tuple[SignalDocument | None, str]:
        """What routers read of this stream, None where nothing was published; and what is to be said of it, or ''.

        It is what was last published from this store; a store that published nothing looks at the file that
        `evalgate route` reads, whose signature nobody here has a key for.
        """
        if (latest := History(store).latest(self.stream)) is not None:
            return latest.document, ""
        try:
            data = read_bytes(SIGNAL)
            if data is None:
                return None, ""
            payload, signers = opened(data)
            return parse(payload.strip()), f"signature of {', '.join(signers)} not checked" if signers else ""
        except SignalError as failure:
            return None, f"{SIGNAL}: {failure}"
