"""Remembers every paid answer, score and verdict, so that nothing is ever bought twice. SQLite by default."""

from evalgate.store.store import Bought, Scored, Store, answer_key, open_store

__all__ = ["Bought", "Scored", "Store", "answer_key", "open_store"]
