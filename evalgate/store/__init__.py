"""Remembers every paid answer, score and verdict, so that nothing is bought twice. SQLite, or PostgreSQL by URL."""

from evalgate.store.open import open_store
from evalgate.store.store import Bought, Scored, Store, answer_key

__all__ = ["Bought", "Scored", "Store", "answer_key", "open_store"]
