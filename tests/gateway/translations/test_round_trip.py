"""What both APIs can say means the same after the way there and back."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

from anthropic.types import message_create_params as messages_params
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params as chat_params

from evalgate.gateway.translation import Untranslatable
from evalgate.gateway.translations.chat_request import messages_request
from evalgate.gateway.translations.messages_request import chat_request
from tests.conftest import JSON
from tests.gateway.translations.spoken import conforms, meaning, requests


@settings(max_examples=60, deadline=None)
@given(requests)
def test_a_request_means_the_same_after_the_way_there_and_back(request: dict[str, Any]) -> None:
    before = copy.deepcopy(request)
    chat = chat_request(request)
    assert request == before
    conforms(chat_params.CompletionCreateParamsBase, chat)
    back = messages_request(chat)
    conforms(messages_params.MessageCreateParamsBase, back)
    assert meaning(back) == meaning(request)


@settings(max_examples=80, deadline=None)
@given(requests, st.data())
def test_a_request_with_anything_anywhere_is_said_or_refused(request: dict[str, Any], data: st.DataObject) -> None:
    for said, translate in ((request, chat_request), (chat_request(request), messages_request)):
        body = copy.deepcopy(said)
        place: Any = body
        while True:
            key = data.draw(
                st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1)
            )
            if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
                break
            place = place[key]
        place[key] = data.draw(JSON)
        with contextlib.suppress(Untranslatable):
            translate(body)
