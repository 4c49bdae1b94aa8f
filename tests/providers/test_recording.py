"""Recordings: what was answered is read back as it was, and nothing else is taken for one."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer, FinishReason
from evalgate.providers.recording import FORMAT, answer_row, read_recording, write_recording
from evalgate.providers.usage import counted
from tests.conftest import JSON, outcome

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
TOKENS = st.integers(0, 10_000_000)
ANSWERS = st.builds(
    Answer,
    text=TEXT,
    finish_reason=st.sampled_from(get_args(FinishReason)),
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    latency_ms=st.floats(0, 1e6).map(lambda value: round(value, 1)),
    error=st.none() | TEXT,
    details=st.dictionaries(TEXT, JSON, max_size=2),
)
ROW = {"request": "r", "repeat": 0, **answer_row(Answer("a", "stop", 1, 1, 1.0))}


def packed(path: Path, *rows: object) -> Path:
    path.write_bytes(
        gzip.compress(b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in rows))
    )
    return path


@given(st.lists(ANSWERS, max_size=4))
def test_answers_are_read_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, answers: list[Answer]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.jsonl.gz"
    rows = [{"request": f"r{n % 2}", "repeat": n // 2, **answer_row(answer)} for n, answer in enumerate(answers)]
    write_recording(path, {"variant": "v"}, rows)
    assert read_recording(path) == {(f"r{n % 2}", n // 2): counted(answer) for n, answer in enumerate(answers)}


def test_no_tokens_for_a_prompt_are_unknown_tokens(tmp_path: Path) -> None:
    row = {"request": "r", **answer_row(Answer("a", "stop", 0, 0))}
    answer = read_recording(packed(tmp_path / "r.gz", {"format": "evalgate.recording/v1"}, row))["r", 0]
    assert (answer.input_tokens, answer.output_tokens) == (None, None)


def test_an_unchanged_recording_is_an_unchanged_file(tmp_path: Path) -> None:
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    for path in (first, second):
        write_recording(path, {"variant": "v"}, [ROW])
    assert first.read_bytes() == second.read_bytes()


def test_latency_is_kept_to_a_tenth_of_a_millisecond() -> None:
    assert answer_row(replace(Answer("a", "stop"), latency_ms=1.26))["latency_ms"] == 1.3


@given(st.binary(max_size=60), st.booleans())
@example(b"", True)
@example(b"\x1f\x8b\x08", False)
def test_any_bytes_are_a_recording_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, zipped: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.gz"
    path.write_bytes(gzip.compress(data) if zipped else data)
    result = outcome(lambda: read_recording(path))
    assert isinstance(result, dict) or str(path) in str(result)


@given(st.sampled_from([*ROW, "error", "details", "other"]), JSON)
@example("details", orjson.loads('{"a": ' + "[" * 400 + "]" * 400 + "}"))
def test_any_row_is_an_answer_that_can_be_stored_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    line = json.dumps({**ROW, key: value}).encode()  # which writes deeper than orjson
    path = packed(tmp_path_factory.getbasetemp() / "row.gz", {"format": FORMAT}, line)
    result = outcome(lambda: read_recording(path))
    if isinstance(result, dict):
        (answer,) = result.values()
        orjson.dumps(answer)
        assert isinstance(answer.text, str)
    else:
        assert f"{path}:2" in str(result)


@pytest.mark.parametrize("key", ["request", "text", "finish_reason", "input_tokens", "output_tokens", "latency_ms"])
def test_a_row_that_lacks_something_is_refused_with_its_line(tmp_path: Path, key: str) -> None:
    path = packed(tmp_path / "a.gz", {"format": FORMAT}, ROW, {k: v for k, v in ROW.items() if k != key})
    with pytest.raises(InputError, match=f"a.gz:3 {key}: not a recorded answer"):
        read_recording(path)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROW], ":1: expected a recording of format"),
        ([{"format": "evalgate.recording/v2"}], "got 'evalgate.recording/v2'"),
        ([{"format": FORMAT}, ROW, ROW], ":3: a second answer to the same request"),
        ([{"format": FORMAT}, b"{"], ":2: not a recorded answer"),
        ([{"format": FORMAT}, []], ":2 : not a recorded answer"),
        ([b""], "an empty recording"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, rows: list[object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_recording(packed(tmp_path / "a.gz", *rows))
    assert told in str(caught.value)


def test_a_recording_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.gz", {"format": FORMAT}, ROW)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="not a readable recording"):
        read_recording(path)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.providers.recording.MAX_BYTES", 1 << 20)
    path = packed(tmp_path / "bomb.gz", b"0" * (4 << 20))
    with pytest.raises(InputError, match="unpacks to more than 1 MiB"):
        read_recording(path)
