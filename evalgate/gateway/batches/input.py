"""The input file of a batch, line by line: what is asked, or why the line cannot be used, in OpenAI's words.

    {"custom_id": "q-17", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …, "messages": […]}}

Everything here is pure, and the lines are hostile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import orjson

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.router import TIERS, Call, RoutingTable, Tier, call_of

ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
MOST_LINES = 50_000
MOST_BYTES = 200_000_000
MOST_BYTES_OF_A_LINE = 4 * 1024 * 1024
LONGEST_ID = 512  # characters
MOST_ERRORS = 50  # told of one file
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line (from 1), or with the whole file (None)."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """As in `errors.data` of a batch."""
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all lines of a batch.

    `operation`: of lines that name none, or of all where the key says so (`fixed`). `tier`: of all that do not ask for
    more themselves, or of all (`tier_fixed`).
    """

    endpoint: str
    operation: str | None = None
    fixed: bool = False
    tier: Tier = "batch"
    tier_fixed: bool = False

    def call(self, body: Mapping[str, object]) -> Call:
        """The call that a line's body describes; raises `InputError` as `call_of` does."""
        call = call_of(body)
        if call.note:  # a label that cannot be understood: the baseline
            return call
        operation = self.operation if self.fixed else call.operation or self.operation
        asked = self.tier if self.tier_fixed else _asked(body)
        tier: Tier = "realtime" if "realtime" in (self.tier, asked) else "batch"
        return replace(call, operation=operation, tier=tier)


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that can be used: `body` is the request's JSON."""

    number: int
    custom_id: str
    body: bytes


@dataclass(slots=True)
class Reader:
    """Reads the lines of one file in their order, and notes what is wrong with them (the first `MOST_ERRORS`)."""

    terms: Terms
    table: RoutingTable
    faults: list[Fault] = field(default_factory=list)
    lines: int = 0
    _number: int = 0
    _ids: set[str] = field(default_factory=set)

    def read(self, lines: Iterable[bytes]) -> Iterator[Asked]:
        """What can be used of `lines`; empty lines are passed over."""
        for line in lines:
            self._number += 1
            if not line.strip():
                continue
            self.lines += 1
            found = self._line(line)
            if isinstance(found, Asked):
                yield found
            elif len(self.faults) < MOST_ERRORS:
                self.faults.append(found)
            if self.lines > MOST_LINES:
                self.faults.append(Fault("too_many_tasks", f"The batch has more than {MOST_LINES:,} requests."))
                return

    def end(self) -> list[Fault]:
        """What is wrong with the whole, after the last line."""
        if not self.lines:
            self.faults.append(Fault("empty_file", "The input file has no requests."))
        return self.faults

    def _line(self, line: bytes) -> Asked | Fault:
        number = self._number
        if len(line) > MOST_BYTES_OF_A_LINE:
            limit = MOST_BYTES_OF_A_LINE >> 20
            return Fault("invalid_json_line", f"This line has more than {limit} MiB.", number)
        try:
            row = orjson.loads(line)
            body = row.get("body") if isinstance(row, dict) else None
            packed = orjson.dumps(body)
        except (ValueError, TypeError, RecursionError):  # orjson reads deeper than it writes
            return Fault("invalid_json_line", "This line is not parseable as valid JSON.", number)
        if not isinstance(row, dict):
            return Fault("invalid_json_line", "This line is not a JSON object.", number)
        return self._fault(row) or Asked(number, self._remembered(row["custom_id"]), packed)

    def _remembered(self, custom_id: str) -> str:
        self._ids.add(custom_id)
        return custom_id

    def _fault(self, row: dict[str, object]) -> Fault | None:  # noqa: PLR0911  # one for each thing that can be wrong
        """What of a line can be told to be wrong before anybody is asked."""
        number, endpoint = self._number, self.terms.endpoint
        for name in ("custom_id", "method", "url", "body"):
            if row.get(name) is None:
                return Fault("missing_required_parameter", f"Missing required parameter: '{name}'.", number, name)
        custom_id, body = row["custom_id"], row["body"]
        if not isinstance(custom_id, str) or not 0 < len(custom_id) <= LONGEST_ID or "\0" in custom_id:
            expected = f"expected a text of 1 to {LONGEST_ID} characters"
            return Fault("invalid_custom_id", f"custom_id: {expected}.", number, "custom_id")
        if custom_id in self._ids:
            message = f"The custom_id {custom_id[:_SHOWN]!r} is used by another line of this file."
            return Fault("duplicate_custom_id", message, number, "custom_id")
        if row["method"] != "POST":
            return Fault("invalid_method", "method: expected 'POST'.", number, "method")
        if row["url"] != endpoint:
            message = f"The url {str(row['url'])[:_SHOWN]!r} is not the batch's endpoint {endpoint!r}."
            return Fault("url_mismatch", message, number, "url")
        if isinstance(body, dict):
            return self._lacking(body) or self._unroutable(body)
        return Fault("invalid_request", "body: expected an object.", number, "body")

    def _lacking(self, body: dict[str, object]) -> Fault | None:
        number = self._number
        needed = {"/v1/chat/completions": "messages", "/v1/completions": "prompt", "/v1/embeddings": "input"}
        name = needed[self.terms.endpoint]
        if not body.get(name):
            return Fault("missing_required_parameter", f"Missing required parameter: 'body.{name}'.", number, name)
        if body.get("stream"):
            return Fault("unsupported_parameter", "A request of a batch cannot be streamed.", number, "stream")
        return None

    def _unroutable(self, body: dict[str, object]) -> Fault | None:
        number = self._number
        try:
            call = self.terms.call(body)
        except InputError as failure:
            return Fault("invalid_request", str(failure), number)
        if call.model is None and call.operation is None:
            return Fault("missing_required_parameter", "Missing required parameter: 'body.model'.", number, "model")
        if call.model is not None and call.model not in self.table.catalog.models:
            return Fault("model_not_found", f"The model {call.model[:_SHOWN]!r} does not exist.", number, "model")
        try:
            self.table.route(call)
        except InputError:  # its message is the operator's: it names files
            message = "Nobody can say which endpoint is the baseline of this model and operation."
            return Fault("model_not_found", message, number, "model")
        return None


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in a file that comes in chunks; of one that is too long no more than what tells that it is."""
    rest = b""
    for chunk in chunks:
        *whole, last = (rest + chunk).split(b"\n")
        yield from whole
        rest = last[: MOST_BYTES_OF_A_LINE + 1]
    if rest:
        yield rest


def _asked(body: Mapping[str, object]) -> object:
    """The tier that a line asks for by itself."""
    metadata = body.get("metadata")
    asked = metadata.get("tier") if isinstance(metadata, dict) else None
    return body.get("service_tier") if asked is None and body.get("service_tier") in TIERS else asked
