"""The view of a gateway that is running: its signal, its telemetry, and what it would choose now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from evalgate.catalog import Catalog
from evalgate.errors import EvalgateError
from evalgate.gateway.desk import Desk
from evalgate.intelligence import Intelligence, files_beside, load_collection, standing
from evalgate.signal import SignalDocument
from evalgate.signal.reader import SignalReader
from evalgate.telemetry import Recorder
from evalgate.web.proofs import Proofs
from evalgate.web.view import View


class Looking:
    """Makes views; what changes with the signal or the catalogue alone is made once for each of them."""

    def __init__(self, desk: Desk, reader: SignalReader, recorder: Recorder) -> None:
        self._desk, self._reader, self._recorder = desk, reader, recorder
        self._proofs: Proofs | None = None
        self._judged: tuple[Catalog, Mapping[str, Intelligence]] | None = None

    def view(self) -> View:
        """As of now. Takes some tens of milliseconds: to be called in a thread."""
        now = datetime.now(UTC)
        catalog, document = self._desk.routing.catalog, self._reader.snapshot()
        return View(
            self._proofs_of(document, catalog),
            now=now,
            live=self._recorder.snapshot(now.timestamp()),
            intelligence=self._intelligence_of(catalog, now),
            standings=self._desk.health.known,
            preferences=self._desk.preferences,
            trouble=self._reader.health().problem or "",
        )

    def _proofs_of(self, document: SignalDocument | None, catalog: Catalog) -> Proofs:
        made = self._proofs
        if made is None or made.document is not document or made.catalog is not catalog:
            made = self._proofs = Proofs(document, catalog)
        return made

    def _intelligence_of(self, catalog: Catalog, now: datetime) -> Mapping[str, Intelligence]:
        made = self._judged
        if made is None or made[0] is not catalog:
            made = self._judged = catalog, intelligence_beside(catalog, now)
        return made[1]


def intelligence_beside(catalog: Catalog, now: datetime) -> Mapping[str, Intelligence]:
    """Of the catalogue's models, by the reports beside it; nothing where they cannot be read: pages do without."""
    try:
        return standing(catalog, load_collection(files_beside(catalog.path)), now.date())
    except EvalgateError:
        return {}
