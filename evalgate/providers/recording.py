"""Recorded answers: a gzip file of JSON lines, first where they come from, then one answer a line.

    {"format": "evalgate.recording/v1", "variant": "lab-q8_0", "model": …, "engine": …, "weights": …, "recorded_at": …}
    {"operation": "add_numbers", "case": "sum-0017", "request": "sha256:…", "repeat": 0, "text": "42", …}

They let a check run without a model, in seconds, on answers that a real one gave.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalgate.errors import InputError
from evalgate.exchange import MAX_TOKENS, Answer, FinishReason, JsonValue
from evalgate.formats.canonical import canonical
from evalgate.formats.files import write_atomically
from evalgate.providers.usage import counted

FORMAT = "evalgate.recording/v1"
MAX_BYTES = 512 * 1024 * 1024  # unpacked

RecordedKey = tuple[str, int]


def write_recording(path: Path, header: Mapping[str, JsonValue], rows: Iterable[Mapping[str, JsonValue]]) -> None:
    """Write a recording; the bytes depend on the content alone, so that an unchanged recording is an unchanged file."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as packed:
        for row in ({"format": FORMAT, **header}, *rows):
            packed.write(orjson.dumps(row) + b"\n")
    write_atomically(path, buffer.getvalue())


def answer_row(answer: Answer) -> dict[str, JsonValue]:
    """The JSON of one answer."""
    row: dict[str, JsonValue] = {
        "text": answer.text,
        "finish_reason": answer.finish_reason,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "latency_ms": round(answer.latency_ms, 1),
    }
    if answer.error is not None:
        row["error"] = answer.error
    if answer.details:
        row["details"] = dict(answer.details)
    return row


def read_recording(path: Path) -> dict[RecordedKey, Answer]:
    """Read a recording as answers by (request hash, repeat); raises `InputError` with file and line."""
    answers: dict[RecordedKey, Answer] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            row = orjson.loads(line)
            if number == 1:
                if row.get("format") != FORMAT:
                    raise InputError(f"{path}:1: expected a recording of format {FORMAT}, got {row.get('format')!r}")
                continue
            recorded = _Recorded.model_validate(row)
            canonical(recorded.details)
        except (orjson.JSONDecodeError, AttributeError, TypeError) as failure:
            raise InputError(f"{path}:{number}: not a recorded answer: {failure}") from None
        except ValidationError as failure:
            error = failure.errors()[0]
            place = ".".join(map(str, error["loc"]))
            raise InputError(f"{path}:{number} {place}: not a recorded answer: {error['msg']}") from None
        key = (recorded.request, recorded.repeat)
        if key in answers:
            raise InputError(f"{path}:{number}: a second answer to the same request")
        answers[key] = counted(
            Answer(
                recorded.text,
                recorded.finish_reason,
                recorded.input_tokens,
                recorded.output_tokens,
                recorded.latency_ms,
                recorded.error,
                recorded.details,
            )
        )
    return answers


_Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]


class _Recorded(BaseModel):
    model_config = ConfigDict(strict=True)

    request: str
    text: str
    finish_reason: FinishReason
    input_tokens: _Tokens | None
    output_tokens: _Tokens | None
    latency_ms: Annotated[float, Field(ge=0)]
    repeat: Annotated[int, Field(ge=0)] = 0
    error: str | None = None
    details: dict[str, Any] = {}


def _lines(path: Path) -> list[bytes]:
    try:
        with gzip.open(path) as packed:
            data = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as failure:
        raise InputError(f"{path}: not a readable recording: {failure}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: unpacks to more than {MAX_BYTES >> 20} MiB")
    if not data:
        raise InputError(f"{path}: an empty recording")
    return data.splitlines()
