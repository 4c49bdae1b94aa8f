"""Server-sent events: bytes in, events out, whatever the pieces in which the bytes arrive.

As the HTML standard has it (§9.2.6): lines end in LF, CR or CRLF, a line that begins with a colon is a comment (servers
send them to keep a connection open), several `data` lines are one event, and an empty line ends it. `id` and `retry`
concern reconnecting and are left out. One thing is done otherwise: an event that the end of the stream cuts off counts,
since some servers leave the last empty line away; whoever reads events must see for themselves that nothing is missing.
"""

from __future__ import annotations

from evalgate.providers.base import AttemptFailed

Event = tuple[str, bytes]  # its name ("" for most) and its data

_BOM = b"\xef\xbb\xbf"


class EventReader:
    """Reads one stream; raises `AttemptFailed` for an event of more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # of a line whose end has not arrived
        self._name, self._data = "", list[bytes]()
        self._pending = self._held = 0  # bytes of the pieces, and of the event's data
        self._after_cr = self._begun = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes."""
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):  # the other half of a CRLF
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        first, *others = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._pieces.append(first)
        self._pending += len(first)
        events: list[Event] = []
        for following in others:
            self._line(b"".join(self._pieces), events)
            self._pieces, self._pending = [following], len(following)
        if self._pending + self._held > self._limit:
            message = f"the stream has an event of more than {self._limit} bytes"
            raise AttemptFailed(message)
        return events

    def close(self) -> list[Event]:
        """The event that the end of the stream cut off, if there is one."""
        events: list[Event] = []
        self._line(b"".join(self._pieces), events)
        self._line(b"", events)
        self._pieces, self._pending = [], 0
        return events

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append((self._name, b"\n".join(self._data)))
            self._name, self._data, self._held = "", [], 0
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._held += len(value) + 1
        elif field == b"event":
            self._name = value.decode(errors="replace")
