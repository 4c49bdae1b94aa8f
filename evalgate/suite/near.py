"""Near-duplicates among many cases: nominated by what is kept of each, some forty bytes, and held against each other.

Nobody can compare each with each. Two texts that differ in one place have the same first half or the same second half,
so cases are nominated that share a half, and all digits, and the target. What many share is a template, and is passed
over. Hashes are Python's own, fast and different in every process: they only nominate, and `likeness.near` decides.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator, Sequence
from itertools import combinations, groupby

from evalgate.exchange import JsonValue, as_text
from evalgate.suite.cases import Case
from evalgate.suite.likeness import RARE, Likeness, near, plain, unnumbered
from evalgate.suite.prompt import Prompt

MOST_ALIKE = 16  # cases; a half that more of them share belongs to a template
LEAST_HALF = 8  # bytes
_LONG = 64  # bytes
_PARTS = 16  # looked through one after the other, to sort few at a time

_LOWER = bytes(range(256)).lower()
_NO_WORD = bytes(byte for byte in range(128) if not chr(byte).isalnum())
_NOTHING = hash("")  # where there is no target
_NO_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte < 58)


class NearDuplicates:
    """Is told what every case asks, in the order of the file, and finds the pairs that are nearly the same."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._wholes, self._targets = array("q"), array("q")
        self._halves, self._owners = array("q"), array("L")

    def add(self, texts: Sequence[str], target: JsonValue) -> None:
        """Add the next case: its rendered texts, and its target."""
        position, form = len(self._wholes), _rough(self._own(texts))
        wanted = _NOTHING if target is None else _hash_of_target(as_text(target))
        self._wholes.append(hash(form))
        self._targets.append(wanted)
        rest = hash((form.translate(None, _NO_DIGITS), wanted))
        for size in _half_sizes(len(form)):
            self._halves.append(hash((form[:size], rest)))
            self._halves.append(hash((form[-size:], rest)))
            self._owners.append(position)
            self._owners.append(position)

    def pairs(self, cases: Sequence[Case]) -> Iterator[tuple[int, int]]:
        """Positions of near-duplicates as (before, after) in `cases`, which stand as they were added.

        Not all pairs, but enough to say which cases hang together.
        """
        for crowd in _groups(self._wholes):
            yield from self._same_words(crowd, cases)
        for entries in _groups(self._halves):
            crowd = sorted({self._owners[entry] for entry in entries})
            if 1 < len(crowd) <= MOST_ALIKE:
                yield from self._all_pairs(crowd, cases)

    def _same_words(self, crowd: Sequence[int], cases: Sequence[Case]) -> Iterator[tuple[int, int]]:
        """Pairs of cases that may be many, each held against the first that is like it."""
        firsts: dict[object, tuple[int, Likeness]] = {}
        for position in crowd:
            form = self._likeness(cases[position])
            for key in (form.tidy, (form.plain, form.target)):
                first, like = firsts.setdefault(key, (position, form))
                if first != position and near(like, form):
                    yield first, position
        if len(crowd) <= MOST_ALIKE:
            yield from self._all_pairs(crowd, cases)

    def _all_pairs(self, crowd: Sequence[int], cases: Sequence[Case]) -> Iterator[tuple[int, int]]:
        forms = [(position, self._likeness(cases[position])) for position in crowd]
        for (before, one), (after, other) in combinations(forms, 2):
            if near(one, other) or (self._rare_target(before, after) and near(one, other, rare=True)):
                yield before, after

    def _rare_target(self, before: int, after: int) -> bool:
        target = self._targets[before]
        return target == self._targets[after] and target != _NOTHING and self._targets.count(target) <= RARE

    def _likeness(self, case: Case) -> Likeness:
        target = None if case.target is None else as_text(case.target)
        return Likeness.of(self._own(self._prompt.texts(case)), target)

    def _own(self, texts: Sequence[str]) -> str:
        """What differs between cases: the texts without what the template itself says at their ends."""
        return "\n".join(self._prompt.own(texts))


@functools.lru_cache(maxsize=256)  # most suites have a few labels
def _hash_of_target(text: str) -> int:
    return hash(plain(text))


def _rough(text: str) -> bytes:
    """The letters and digits of `text`, or the text where it has none."""
    text = unnumbered(text)
    data = (text if text.isascii() else plain(text)).encode()
    return data.translate(_LOWER, _NO_WORD) or data


def _half_sizes(size: int) -> tuple[int, ...]:
    """Half of `size`, in steps, so that a text that is a little longer has one of them too."""
    step, slack = (4, 2) if size < _LONG else (16, 12)
    half, more = size // 2 // step * step, (size + slack) // 2 // step * step
    if half < LEAST_HALF:
        return (more,) if more >= LEAST_HALF else ()
    return (half,) if half == more else (half, more)


def _groups(keys: array[int]) -> Iterator[list[int]]:
    """Positions of equal keys, ascending, where there are several."""
    parts = [array("L") for _ in range(_PARTS)]
    for position, key in enumerate(keys):
        parts[key % _PARTS].append(position)
    for part in parts:
        if len({keys[position] for position in part}) < len(part):
            alike = groupby(sorted(part, key=keys.__getitem__), key=keys.__getitem__)
            yield from (crowd for _, positions in alike if len(crowd := list(positions)) > 1)
