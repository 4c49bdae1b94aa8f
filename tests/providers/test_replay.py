"""Replay answers by request hash; what was not recorded is an error that names the case, never a skip."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.exchange import Answer, Question, Request
from evalgate.providers import connect
from evalgate.providers.recording import answer_row, write_recording
from tests.conftest import catalog, variant

HI = Request("hi", {"temperature": 0.0})


def ask(endpoint: Endpoint, *questions: Question) -> list[Answer]:
    async def all_() -> list[Answer]:
        client = connect(endpoint.provider, {})
        return [await client.ask(endpoint, question) for question in questions]

    return asyncio.run(all_())


def recorded(folder: Path, *answers: Answer) -> Endpoint:
    rows = [{"request": HI.hash, "repeat": repeat, **answer_row(answer)} for repeat, answer in enumerate(answers)]
    write_recording(folder / "tape.gz", {"variant": "full"}, rows)
    return catalog(folder, variant(recording="tape.gz"), protocol="replay", base_url=None).endpoints("toy")["full"]


def test_the_recorded_answer_comes_back_for_each_repeat(tmp_path: Path) -> None:
    answers = [Answer("one", "stop", 3, 1, 5.0), Answer("", "refused", error="HTTP 400: no")]
    assert ask(recorded(tmp_path, *answers), Question("c", HI, 0), Question("c", HI, 1)) == answers


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question("c9", Request("hi!", {"temperature": 0.0})), "no recorded answer of 'full' for case 'c9';"),
        (Question("c9", Request("hi", {"temperature": 0.1})), "no recorded answer of 'full' for case 'c9';"),
        (Question("c9", HI, 1), "no recorded answer of 'full' for case 'c9' (repeat 1);"),
    ],
)
def test_what_was_not_recorded_is_an_error_that_names_the_case(tmp_path: Path, question: Question, told: str) -> None:
    with pytest.raises(InputError) as caught:
        ask(recorded(tmp_path, Answer("one", "stop")), question)
    assert told in str(caught.value)


def test_a_damaged_recording_is_an_input_error(tmp_path: Path) -> None:
    endpoint = recorded(tmp_path, Answer("one", "stop"))
    (tmp_path / "tape.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="not a readable recording"):
        ask(endpoint, Question("c", HI))
