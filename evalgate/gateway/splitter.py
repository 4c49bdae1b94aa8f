"""Cuts a stream into its events without changing a byte of it: all pieces put together are what came."""

from __future__ import annotations

import re

from evalgate.providers.base import AttemptFailed

_END = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)")  # of a line, and then an empty one
_LOOK_BACK = 3  # bytes of an end that may have come with the piece before


class Splitter:
    """Reads one stream; raises `AttemptFailed` for an event of more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._looked = 0  # how far into the rest there is no end

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that `chunk` completes, each with its empty line."""
        rest = self._rest
        if rest:
            rest += chunk
            data: bytes | bytearray = rest
        else:
            data = chunk
        events: list[bytes] = []
        begin, size = 0, len(data)
        for end in _END.finditer(data, self._looked):
            stop = end.end()
            if stop == size and data[-1] == 13:  # CR: perhaps one half of CRLF, whose other half is under way
                break
            events.append(bytes(data[begin:stop]))
            begin = stop
        self._rest = bytearray(data[begin:]) if begin or data is not rest else rest
        self._looked = max(0, len(self._rest) - _LOOK_BACK)
        if len(self._rest) > self._limit:
            message = f"the stream has an event of more than {self._limit} bytes"
            raise AttemptFailed(message)
        return events

    def close(self) -> bytes:
        """What came after the last empty line."""
        rest, self._rest, self._looked = bytes(self._rest), bytearray(), 0
        return rest


def payload(event: bytes) -> bytes | None:
    """The data of an event; None when it has none (a comment, a name alone)."""
    if event.startswith(b"data: ") and event.find(b"\n") >= len(event) - 2:  # nearly all are one line
        return event[6:].strip()
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines).strip() if lines else None
