"""Upstreams that are routers themselves: pinned to the variant that was proven, and checked for who answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.house import CHEAP, house
from tests.gateway.upstream import STOP, answers, event, streams
from tests.router.house import Variant

PINNED = Variant("cheap", 0.1, "green", ", tag: deepinfra/fp8")
NAMED = event({"content": "a"}).replace(b'"id"', b'"provider": "DeepInfra", "id"')


@pytest.mark.parametrize("stream", [False, True])
def test_a_variant_is_pinned_to_its_endpoint(tmp_path: Path, stream: bool) -> None:
    with house(tmp_path, PINNED, provider=", protocol: openrouter", full=", tag: acme/bf16") as up:
        up.upstream.will("cheap", streams(NAMED, STOP) if stream else answers(provider="DeepInfra"))
        asked = {"order": ["other"], "allow_fallbacks": True, "data_collection": "allow"}
        response = up.ask(stream=stream, provider=asked, models=["other"], route="fallback")
        assert response.headers["x-evalgate-variant"] == "cheap"
        sent = up.upstream.requests[0].body
        assert sent["provider"] == {"only": ["deepinfra/fp8"], "allow_fallbacks": False, "data_collection": "allow"}
        assert not {"models", "route"} & set(sent)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_of_somebody_else_is_not_served(tmp_path: Path, stream: bool) -> None:
    with house(tmp_path, PINNED, provider=", protocol: openrouter", full=", tag: acme/bf16") as up:
        other = NAMED.replace(b"DeepInfra", b"Other")
        up.upstream.will("cheap", streams(other, STOP) if stream else answers(provider="Other"))
        baseline = NAMED.replace(b"DeepInfra", b"Acme")
        up.upstream.will("full", streams(baseline, STOP) if stream else answers(provider="Acme"))
        assert up.ask(stream=stream).headers["x-evalgate-variant"] == "full"


def test_a_limit_of_the_callers_binds_whoever_serves(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP) as up:
        told = up.ask(provider={"max_price": {"prompt": 0.5}}).json()["delivery"]
        assert told["variant"] == "cheap"
        refused = up.ask(provider={"max_price": {"prompt": 0.5}}, headers={"x-evalgate-tier": "realtime"})
        assert (refused.status_code, "max_price" not in refused.json()["error"]["message"]) == (400, True)
