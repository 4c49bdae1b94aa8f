"""Cells by key. Those that rest are kept as bytes, in a tenth of the room, for there is one for each minute."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from itertools import chain
from typing import Generic, TypeVar

from evalgate.telemetry.cell import Cell, decoded

Key = TypeVar("Key", bound=Hashable)


class Shelf(Generic[Key]):
    """Nothing is there before it is taken."""

    __slots__ = ("_open", "_packed")

    def __init__(self) -> None:
        self._open: dict[Key, Cell] = {}
        self._packed: dict[Key, bytes] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._open or key in self._packed

    def __iter__(self) -> Iterator[Key]:
        return chain(self._open, self._packed)

    def __len__(self) -> int:
        return len(self._open) + len(self._packed)

    def take(self, key: Key) -> Cell:
        """A cell to add to, which is empty where there was none."""
        cell = self._open.get(key)
        if cell is None:
            packed = self._packed.pop(key, None)
            cell = self._open[key] = Cell() if packed is None else decoded(packed)
        return cell

    def look(self, key: Key) -> Cell:
        """A cell to look at. Raises `KeyError` where there is none."""
        return self._open[key] if key in self._open else decoded(self._packed[key])

    def encoded(self, key: Key) -> bytes:
        """A cell for the store. Raises `KeyError` where there is none."""
        return self._open[key].encoded() if key in self._open else self._packed[key]

    def pack(self, rests: Callable[[Key], bool]) -> None:
        """Keep as bytes what will hardly be added to any more."""
        for key in [key for key in self._open if rests(key)]:
            self._packed[key] = self._open.pop(key).encoded()

    def drop(self, gone: Callable[[Key], bool]) -> None:
        """Let go of cells."""
        self._open = {key: cell for key, cell in self._open.items() if not gone(key)}
        self._packed = {key: data for key, data in self._packed.items() if not gone(key)}
