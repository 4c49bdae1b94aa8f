"""Remembers every paid answer, score and verdict, so that nothing is bought twice. SQLite, or PostgreSQL by URL."""

from evalgate.store.attempts import Attempts
from evalgate.store.claims import BEAT_SECONDS, Claims
from evalgate.store.open import open_prepared, open_store, open_to_read
from evalgate.store.signals import KeptSignal, Signals
from evalgate.store.store import Bought, Scored, Store, answer_key

__all__ = [
    "BEAT_SECONDS",
    "Attempts",
    "Bought",
    "Claims",
    "KeptSignal",
    "Scored",
    "Signals",
    "Store",
    "answer_key",
    "open_prepared",
    "open_store",
    "open_to_read",
]
