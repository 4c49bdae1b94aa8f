"""Pictures, calls of tools and their results, in the words of each protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.exchange import Message, Request
from evalgate.exchange.tokens import prompt_bytes
from evalgate.providers import openai, require_askable
from evalgate.providers.anthropic import build
from tests.conftest import catalog, variant

CALL = {"id": "k1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TALK = (
    Message("system", "be brief"),
    Message("user", [{"type": "text", "text": "see"}, PICTURE]),
    Message("assistant", "", (CALL,)),
    Message("tool", "a lamp", (), "k1"),
    Message("user", "so?"),
)


def test_the_openai_protocol_is_asked_in_its_own_shapes(tmp_path: Path) -> None:
    endpoint = catalog(tmp_path).endpoints("toy")["full"]
    _, body = openai.build(endpoint, Request(TALK, {}))
    assert body["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "see"}, PICTURE]},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "a lamp", "tool_call_id": "k1"},
        {"role": "user", "content": "so?"},
    ]


def test_messages_has_blocks_for_them(tmp_path: Path) -> None:
    endpoint = catalog(tmp_path, protocol="anthropic").endpoints("toy")["full"]
    _, body = build(endpoint, Request(TALK, {}))
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert body["system"] == "be brief"
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image", "source": source}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "k1", "name": "look", "input": {"at": 1}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "k1", "content": "a lamp"},
                {"type": "text", "text": "so?"},
            ],
        },
    ]


def test_arguments_that_messages_cannot_take_are_refused(tmp_path: Path) -> None:
    endpoint = catalog(tmp_path, protocol="anthropic").endpoints("toy")["full"]
    broken = {"id": "k1", "type": "function", "function": {"name": "look", "arguments": "{"}}
    with pytest.raises(InputError, match="the arguments of the call 'k1' are no JSON object"):
        build(endpoint, Request((Message("assistant", "", (broken,)),), {}))


def test_who_takes_no_pictures_is_not_sent_any(tmp_path: Path) -> None:
    plain, seeing = (
        catalog(tmp_path, variant("full"), variant("seeing", capabilities={"images": True})).endpoints("toy").values()
    )
    with pytest.raises(InputError, match=r"'full' takes no pictures as far as the catalogue knows"):
        require_askable(plain, Request(TALK, {}))
    require_askable(seeing, Request(TALK, {}))
    require_askable(plain, Request(TALK[:1], {}))


def test_a_picture_has_no_bytes_of_text() -> None:
    assert prompt_bytes(Request((TALK[1],), {})) == len("see")
