"""Calls that are kept, sent again, corrected, and become cases."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient

from evalgate.cli import command
from evalgate.errors import InputError
from evalgate.gateway.caller import Caller, OpenDoor
from evalgate.gateway.captures import Captor, captured_of, is_capturable, whole_answer
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.feedback import routes
from evalgate.gateway.redaction import load_redaction, redacted
from evalgate.gateway.settings import ShadowSettings
from evalgate.gateway.shadow import Shadow, learners
from evalgate.router import Call, Option, RoutingTable, choose
from evalgate.store import open_store
from evalgate.store.captures import Captured, Captures
from tests.integrations.signals import signal, world

CONSENTED = Caller("key-1", capture="on")
MODEL = "conformance/model"
SUITE = f"""
operation: sort
model: {MODEL}
baseline: baseline
cases: cases.jsonl
prompt: [{{role: user, content: "Sort: {{{{ input }}}}"}}]
assert: [{{type: exact}}]
gate: {{margin: 0.05}}
"""


def delivered(folder: Path, text: str = "where is it", said: str = "shipping", **more: object) -> Delivered:
    place = world(Path(tempfile.mkdtemp(dir=folder)))
    document = signal(place, sort={"cheap": "green", "cheapest": "red"})
    table = RoutingTable(document, place.catalog())
    decision = choose(Call("sort", MODEL), table, now=datetime.now(UTC))
    body = {"model": MODEL, "messages": [{"role": "user", "content": f"Sort: {text}"}], "stream": False}
    whole = {"id": f"chatcmpl-{text}", "choices": [{"message": {"content": said}}], "delivery": {"tier": "standard"}}
    made = Delivered(
        caller=CONSENTED,
        decision=decision,
        served=decision.order[0],
        path="/chat/completions",
        body=orjson.dumps(body),
        answer=orjson.dumps(whole),
        stream=False,
        complete=True,
        input_tokens=10,
        output_tokens=2,
        dollars=Decimal("0.00001"),
        baseline_dollars=Decimal("0.00002"),
        duration_ms=20.0,
        at=1000.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


class Kept(list[Captured]):
    def __call__(self, captured: Sequence[Captured]) -> None:
        self.extend(captured)


def captured(*calls: Delivered, redact: str | None = None) -> Kept:
    async def run() -> Kept:
        kept = Kept()
        captor = Captor(kept, load_redaction(redact))
        for call in calls:
            captor(call)
        await captor.flush()
        return kept

    return asyncio.run(run())


def test_a_call_of_who_consented_is_kept_without_our_own_part_of_the_answer(tmp_path: Path) -> None:
    (one,) = captured(delivered(tmp_path))
    assert one.response == "chatcmpl-where is it"
    assert one.answer == {"id": "chatcmpl-where is it", "choices": [{"message": {"content": "shipping"}}]}


@pytest.mark.parametrize(
    "change",
    [{"caller": Caller("key-2")}, {"complete": False}, {"answer": None}, {"body": b"x" * 2_000_000}],
)
def test_without_consent_or_whole_answer_nothing_is_kept(tmp_path: Path, change: dict[str, object]) -> None:
    call = delivered(tmp_path, **change)
    assert not is_capturable(call)
    assert captured(call) == []


def without_digits(text: str) -> str:
    return "".join("#" if character.isdigit() else character for character in text)


def fails_on_secrets(text: str) -> str:
    if "secret" in text:
        raise RuntimeError(text)
    return text


def test_everything_is_redacted_before_it_is_kept(tmp_path: Path) -> None:
    (one,) = captured(delivered(tmp_path, "card 4111", "card 4111"), redact=f"{__name__}:without_digits")
    assert "4111" not in json.dumps([one.body, one.answer])


def test_what_cannot_be_redacted_is_not_kept_and_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = [delivered(tmp_path, "a secret"), delivered(tmp_path, "fine")]
    kept = captured(*calls, redact=f"{__name__}:fails_on_secrets")
    assert [one.response for one in kept] == ["chatcmpl-fine"]
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("name", ["nowhere", "no.such:thing", f"{__name__}:CONSENTED", "os:system; x"])
def test_a_redaction_that_is_none_stops_the_start(name: str) -> None:
    with pytest.raises(InputError, match="redact"):
        load_redaction(name)


def test_deep_json_is_refused_instead_of_kept_as_it_is() -> None:
    deep: object = "x"
    for _ in range(300):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper"):
        redacted(deep, str)  # type: ignore[arg-type]


def test_a_stream_is_kept_as_the_answer_that_it_was() -> None:
    events = [
        {"id": "chatcmpl-9", "choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
        for part in ("ship", "ping")
    ]
    events.append({"id": "chatcmpl-9", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    data = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    answer, identity = whole_answer(data, stream=True, path="/chat/completions")
    assert identity == "chatcmpl-9"
    assert answer["choices"][0]["message"]["content"] == "shipping"  # type: ignore[index,call-overload]


def shadowed(call: Delivered, *, share: float = 1.0, budget: float = 1.0, allow: bool = True) -> tuple[list[str], Kept]:
    asked: list[str] = []

    async def send(option: Option, path: str, body: dict[str, object]) -> bytes | None:
        assert "stream" not in body
        asked.append(option.id)
        return orjson.dumps({"id": "other", "choices": [{"message": {"content": "billing"}}]})

    def spend(day: str, dollars: Decimal, limit: Decimal) -> bool:
        return allow

    async def run() -> Kept:
        kept = Kept()
        shadow = Shadow(ShadowSettings(share=share, budget=budget), send, spend, kept, str, chance=lambda: 0.5)
        shadow(call, captured_of(call, str))
        await shadow.finish()
        return kept

    return asked, asyncio.run(run())


def test_a_captured_call_is_sent_again_to_who_is_not_eligible(tmp_path: Path) -> None:
    asked, kept = shadowed(delivered(tmp_path))
    assert asked == ["cheapest"]
    assert [one.variant for one in kept] == ["cheapest"]
    assert kept[0].shadow_of is not None


def test_neither_the_baseline_nor_an_eligible_variant_is_learned_of(tmp_path: Path) -> None:
    assert [option.id for option in learners(delivered(tmp_path))] == ["cheapest"]


@pytest.mark.parametrize("limits", [{"share": 0.4}, {"budget": 0.0}, {"allow": False}])
def test_beyond_share_or_budget_nothing_is_sent(tmp_path: Path, limits: dict[str, float]) -> None:
    asked, kept = shadowed(delivered(tmp_path), **limits)  # type: ignore[arg-type]
    assert asked == []
    assert kept == []


def client(folder: Path) -> TestClient:
    store = open_store(str(folder / "s.db"))
    captures = Captures(store)
    captures.add([captured_of(delivered(folder, caller=Caller("", capture="on")), str)])
    return TestClient(Starlette(routes=routes(OpenDoor(), captures.correct, without_digits)))


def test_feedback_is_kept_redacted(tmp_path: Path) -> None:
    reply = client(tmp_path).post("/v1/feedback", json={"id": "chatcmpl-where is it", "correction": "billing 12"})
    assert reply.status_code == 200
    with open_store(str(tmp_path / "s.db")) as store:
        assert Captures(store).undecided("sort")[0].correction == "billing ##"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"id": "x"}', 400),
        (b'{"id": 7, "correction": "a"}', 400),
        (b'{"id": "x", "correction": "a", "more": 1}', 400),
        (b'{"id": "unknown", "correction": "a"}', 404),
        (b"x" * 2_000_000, 413),
    ],
)
def test_feedback_that_is_none_is_turned_down(tmp_path: Path, body: bytes, status: int) -> None:
    reply = client(tmp_path).post("/v1/feedback", content=body)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]


def house(folder: Path) -> str:
    (folder / "sort.yaml").write_text(SUITE)
    (folder / "cases.jsonl").write_text('{"id": "1", "input": "a parcel is late", "target": "shipping"}')
    store = str(folder / "s.db")
    with open_store(store) as opened:
        captures = Captures(opened)
        calls = [delivered(folder, "my card was charged twice", "shipping"), delivered(folder, "a parcel is late")]
        captures.add([captured_of(call, str) for call in calls])
        other = delivered(folder, "x", body=orjson.dumps({"messages": [{"role": "user", "content": "hello"}]}))
        captures.add([captured_of(other, str)])
        captures.correct("chatcmpl-my card was charged twice", "key-1", "billing")
    return store


def cases(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]


def test_a_corrected_call_becomes_a_case_with_the_correction_as_its_target(tmp_path: Path) -> None:
    store = house(tmp_path)
    arguments = ["cases", "add", str(tmp_path / "sort.yaml"), "--from-traffic", "--accept", "corrections"]
    done = CliRunner().invoke(command, [*arguments, "--store", store], catch_exceptions=False)
    assert "1 case added" in done.output
    first, added = cases(tmp_path)
    assert first["id"] == "1"
    assert (added["input"], added["target"]) == ("my card was charged twice", "billing")
    assert "1 call left out: the suite asks that already" in done.output
    assert "1 call left out: not asked as the suite's prompt asks" in done.output


def test_what_was_added_is_not_added_again(tmp_path: Path) -> None:
    store = house(tmp_path)
    arguments = ["cases", "add", str(tmp_path / "sort.yaml"), "--from-traffic", "--accept", "answers", "--store", store]
    for _ in range(2):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert len(cases(tmp_path)) == 2


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    store = house(tmp_path)
    arguments = ["cases", "add", str(tmp_path / "sort.yaml"), "--from-traffic", "--store", store]
    with pytest.raises(InputError, match="--accept"):
        CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert len(cases(tmp_path)) == 1


def test_cases_in_the_suite_s_own_file_cannot_be_added_to(tmp_path: Path) -> None:
    store = house(tmp_path)
    (tmp_path / "sort.yaml").write_text(SUITE.replace("cases.jsonl", "[{id: a, input: b, target: c}]"))
    arguments = ["cases", "add", str(tmp_path / "sort.yaml"), "--from-traffic", "--accept", "answers", "--store", store]
    with pytest.raises(InputError, match="jsonl"):
        CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
