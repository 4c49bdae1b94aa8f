"""A key that an upstream spells out, a few letters in each event of a stream, which no look at one event can find.

No accident does that, for the key is in no prompt; but a key in an answer is one too many. Events whose text may be the
beginning of it are held back until the next ones tell, and one that would make it whole ends the stream.
"""

from __future__ import annotations

SHORTEST = 8  # letters that are held back for; fewer are what all keys of a provider begin with


class Spelled:
    """Looks at one stream. `secret` has more than `SHORTEST` letters."""

    __slots__ = ("_begins", "_held", "_secret", "_tail")

    def __init__(self, secret: str) -> None:
        self._secret, self._begins = secret, secret[:SHORTEST]
        self._tail = ""  # of the text so far: what the next event may go on with
        self._held: list[bytes] = []

    def passes(self, event: bytes, text: str) -> bytes | None:
        """What may go on now of this event, whose text is `text`, and of those before it; None: it told the key."""
        if text:
            tail = self._tail + text
            if self._begins in tail:
                if self._secret in tail:
                    return None
                if tail_begins := _end_that_begins(tail, self._secret):
                    self._tail = tail_begins
                    self._held.append(event)
                    return b""
            self._tail = tail[1 - SHORTEST :]
        elif self._held:
            self._held.append(event)
            return b""
        return self.rest() + event if self._held else event

    def rest(self) -> bytes:
        """What was held back, once nothing comes that could make it a key."""
        rest, self._held = b"".join(self._held), []
        return rest


def _end_that_begins(text: str, secret: str) -> str:
    """The longest end of `text` that `secret` begins with; empty where that is shorter than `SHORTEST`."""
    for size in range(min(len(text), len(secret) - 1), SHORTEST - 1, -1):
        if text.endswith(secret[:size]):
            return text[-size:]
    return ""
