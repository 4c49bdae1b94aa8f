"""A key that comes in pieces: no more of it goes on than what all keys begin with, and all else passes untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.gateway.spelled import SHORTEST, Spelled
from tests.gateway.house import CHEAP, house
from tests.gateway.test_secrets import KEY, NAMED
from tests.gateway.upstream import DONE, ROLE, STOP, event, streams

SECRET = "abcabcabcabx-abca"


@given(st.lists(st.text(alphabet="abcx-", max_size=9), max_size=30))
def test_a_text_passes_whole_unless_the_key_is_in_it(pieces: list[str]) -> None:
    looks, passed, told = Spelled(SECRET), "", False
    for piece in pieces:
        gone_on = looks.passes(piece.encode(), piece)
        if gone_on is None:
            told = True
            break
        passed += gone_on.decode()
    text = "".join(pieces)
    assert told == (SECRET in text)
    if told:
        begun = passed[: text.index(SECRET) + SHORTEST - 1]
        assert passed == begun
    else:
        assert passed + looks.rest().decode() == text


@given(st.data())
def test_of_a_key_in_pieces_no_more_goes_on_than_what_all_begin_with(data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet="abcx- ", max_size=40)) + SECRET
    looks, passed = Spelled(SECRET), ""
    while text:
        size = data.draw(st.integers(1, 12))
        gone_on = looks.passes(text[:size].encode(), text[:size])
        text = text[size:]
        if gone_on is None:
            break
        passed += gone_on.decode()
    assert gone_on is None
    assert SECRET[: SHORTEST + 1] not in passed[-len(SECRET) :]


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_stream_that_spells_the_key_ends_with_an_error_or_falls_back(tmp_path: Path, pause: float) -> None:
    spelled = [event({"content": KEY[at : at + 3]}) for at in range(0, len(KEY), 3)]
    with house(tmp_path, CHEAP, provider=NAMED, environment={"ACME_KEY": KEY}) as up:
        up.upstream.will("cheap", streams(ROLE, *spelled, STOP, DONE, pause=pause))
        response = up.ask(stream=True)
    fell_back = response.headers["x-evalgate-variant"] == "full"  # where all of it came before anything went out
    assert fell_back or ("the upstream told a key" in response.text and "[DONE]" not in response.text)
    assert KEY[9:12] not in response.text


def test_what_only_begins_like_a_key_is_passed_on_in_its_order(tmp_path: Path) -> None:
    sent = [ROLE, *(event({"content": each}) for each in ("it is ", KEY[:6], KEY[6:10], "…")), STOP, DONE]
    with house(tmp_path, CHEAP, provider=NAMED, environment={"ACME_KEY": KEY}) as up:
        up.upstream.will("cheap", streams(*sent))
        assert up.ask(stream=True).content == b"".join(sent)
        ends = [ROLE, event({"content": KEY[:10]}), STOP]
        up.upstream.will("cheap", streams(*ends))
        assert up.ask(stream=True).content == b"".join(ends)
