"""Remembers every paid answer, score and verdict, so that nothing is bought twice. SQLite, or PostgreSQL by URL."""

from evalgate.store.attempts import Attempts
from evalgate.store.claims import BEAT_SECONDS, Claims
from evalgate.store.leases import Holder, Lease
from evalgate.store.open import open_prepared, open_store, open_to_read
from evalgate.store.signals import KeptSignal, Signals
from evalgate.store.store import Bought, Scored, Store, answer_key
from evalgate.store.watching import Event, Round, Watching

__all__ = [
    "BEAT_SECONDS",
    "Attempts",
    "Bought",
    "Claims",
    "Event",
    "Holder",
    "KeptSignal",
    "Lease",
    "Round",
    "Scored",
    "Signals",
    "Store",
    "Watching",
    "answer_key",
    "open_prepared",
    "open_store",
    "open_to_read",
]
