"""One look at the source: what is fetched is offered to the holder; what goes wrong is kept and told, never raised."""

from __future__ import annotations

import logging
import time

from evalgate.errors import EvalgateError, SignalError
from evalgate.signal.reader.holder import Holder
from evalgate.signal.reader.keys import TrustedKeys
from evalgate.signal.reader.sources import Source

log = logging.getLogger("evalgate.signal")


class Fetcher:
    """Looks at `source` on behalf of `holder`. `unreachable`: why the last look failed; `heard_at`: since 1970."""

    def __init__(self, source: Source, keys: TrustedKeys, holder: Holder) -> None:
        self.source, self._keys, self._holder = source, keys, holder
        self.unreachable: str | None = None
        self.heard_at: float | None = None
        self._tag: str | None = None  # of what was believed; what was refused is looked at again

    @property
    def troubled(self) -> bool:
        """Whether the last look brought nothing that could be believed."""
        return self.unreachable is not None or self._holder.refused is not None

    async def look(self, wait: float) -> None:
        """Fetch and offer. `wait`: for how many seconds the source may hold back its answer until there is news."""
        refused, unreachable = self._holder.refused, self.unreachable
        tag, self._tag = self._tag, None
        try:
            self._tag = await self._fetch(tag, wait)
        except SignalError as failure:
            self.unreachable = None
            if refused != str(failure):
                log.warning("signal refused: %s", failure)
        except EvalgateError as failure:
            self.unreachable = str(failure)
            if unreachable != str(failure):
                log.warning("signal: %s", failure)
        except Exception as failure:  # a bug must not end the reading; what is held goes on counting
            self.unreachable = f"{type(failure).__name__} in the reader: {failure}"[:300]
            if unreachable != self.unreachable:
                log.exception("signal: the reader goes on after a bug")
        self._holder.tick()

    async def _fetch(self, tag: str | None, wait: float) -> str | None:
        self._trust_anew()
        if self._holder.view is None:
            tag = None
        fetched = await self.source.fetch(tag, wait)
        self.unreachable, self.heard_at = None, time.time()
        self._trust_anew()  # a long poll may have lasted half a minute
        if fetched is None:
            return tag
        if self._holder.offer(fetched.data):
            view = self._holder.view
            log.info("signal: seq %s of %s", view and view.document.seq, view and view.document.stream)
        return fetched.tag

    def _trust_anew(self) -> None:
        keyring = self._keys.renewed()
        if keyring is not None:
            self._holder.trust(keyring)
