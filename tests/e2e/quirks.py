"""Endpoints that play the quirks of real ones, judged by a whole check over loopback.

Every variant is served by one server, told apart by the model's name in the request, on whichever wire: what an answer
is like is written once (`Said`) and sent as that wire has it. `asked.nth` counts the calls of a prompt over all.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.check import check
from evalgate.collect import Trouble
from evalgate.gate import Board, OperationBoard, Ruling, Verdict
from evalgate.plan import StoreMemory, plan
from evalgate.router import Explanation, explain, select
from evalgate.signal import SignalDocument, issue
from evalgate.store import open_store
from evalgate.suite import load_suite
from tests.conftest import Asked, Loopback, Sent, suite_file, written

CASES = 90
WIRES = ("openai", "azure", "openrouter", "anthropic")
USAGE = {"openai": ("prompt_tokens", "completion_tokens"), "anthropic": ("input_tokens", "output_tokens")}
COUNTED = (40, 10)


@dataclass(frozen=True)
class Said:
    """An answer, in no API's words. `usage` None: no word of it; a mapping: sent as it is."""

    text: str | None = None
    stopped: str = "stop"
    reasoning: str = ""
    refusal: str = ""
    tool_call: bool = False
    usage: tuple[object, object] | Mapping[str, object] | None = COUNTED
    model: str | None = "toy"
    more: Mapping[str, object] = field(default_factory=dict)


Behaviour = Callable[[str, int], Said | Sent]  # the right answer to a case, and its number


def right(answer: str, number: int) -> Said:
    """What a good endpoint does."""
    del number
    return Said(answer)


def as_sent(said: Said, wire: str) -> Sent:
    """An answer as the wire has it."""
    make = _anthropic if wire == "anthropic" else _openai
    return Sent(json.dumps(make(said) | dict(said.more)).encode())


def _openai(said: Said) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": said.text}
    if said.reasoning:
        message["reasoning_content"] = said.reasoning
    if said.refusal:
        message["refusal"] = said.refusal
    if said.tool_call:
        message["tool_calls"] = [{"id": "t", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    body: dict[str, object] = {"choices": [{"index": 0, "message": message, "finish_reason": said.stopped}]}
    return body | {"provider": "DeepInfra"} | _about(said, "openai")


def _anthropic(said: Said) -> dict[str, object]:
    blocks: list[dict[str, object]] = []
    if said.reasoning:
        blocks.append({"type": "thinking", "thinking": said.reasoning, "signature": "s"})
    if said.text is not None:
        blocks.append({"type": "text", "text": said.text})
    if said.tool_call:
        blocks.append({"type": "tool_use", "id": "t", "name": "look", "input": {}})
    words = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}
    return {"type": "message", "content": blocks, "stop_reason": words[said.stopped]} | _about(said, "anthropic")


def _about(said: Said, wire: str) -> dict[str, object]:
    told: dict[str, object] = {} if said.model is None else {"model": said.model}
    if isinstance(said.usage, tuple):
        told["usage"] = dict(zip(USAGE[wire], said.usage, strict=True))
    elif said.usage is not None:
        told["usage"] = dict(said.usage)
    return told


class Watched:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []

    def answered(self, operation: str, variant: str, *, known: bool) -> None: ...

    def spent(self, operation: str, dollars: Decimal) -> None: ...

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None: ...

    def troubled(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)


@dataclass
class Play:
    """A suite, a catalogue with a baseline `full` and further variants, and the server that plays them."""

    server: Loopback
    folder: Path
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    wires: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.behave = self._behave

    def write(self, *others: Mapping[str, object], suite: Mapping[str, object] | None = None, **full: object) -> None:
        """Write suite and catalogue; entries may have a `wire` beside what a catalogue takes, and `at` another URL."""
        cases = [{"id": f"c{n}", "input": f"colour {n}", "target": f"shade{n}"} for n in range(CASES)]
        changes: dict[str, object] = {"prompt": [{"role": "user", "content": "{{ input }}:"}], "gate": {"margin": 0.1}}
        suite_file(self.folder, **({"cases": cases, "generation": {"max_tokens": 50}} | changes | dict(suite or {})))
        providers, variants = [], []
        for entry in ({"id": "full", "price": {"input": 1, "output": 1}, **full}, *others):
            name = str(entry["id"])
            wire = self.wires[name] = str(entry.get("wire", "openai"))
            root = self.server.url.removesuffix("/v1") if wire == "azure" else self.server.url
            providers.append({"id": f"p-{name}", "protocol": wire, "base_url": entry.get("at", root), "retries": 1})
            kept = {key: value for key, value in entry.items() if key not in ("wire", "at")}
            pinned = {"tag": "deepinfra/fp8"} if wire == "openrouter" else {}
            made = {"provider": f"p-{name}", "served_as": f"toy-{name}", "quantization": "bf16", "answers_as": "toy"}
            variants.append(made | pinned | kept)
        content = {"version": 1, "providers": providers, "models": [{"id": "toy", "variants": variants}]}
        written(self.folder, "catalog.yaml", content)

    @property
    def catalog(self) -> Catalog:
        return load_catalog(self.folder / "catalog.yaml")

    def check(self, *, retry_failed: bool = False, suite: str = "suite.yaml", **more: object) -> Board:
        """A whole check, with the store of the folder."""
        self.watched = Watched()
        contests = plan([load_suite(self.folder / suite)], self.catalog, **more)  # type: ignore[arg-type]
        with open_store(str(self.folder / "e.db")) as store:
            known = [contest.recalling(StoreMemory(store)) for contest in contests]
            return asyncio.run(check(known, store, {}, progress=self.watched, retry_failed=retry_failed))

    def publish(self, board: Board, previous: SignalDocument | None = None) -> SignalDocument:
        """The signal, once through its own bytes, as a reader has it."""
        document = issue(board, previous, stream="a/b", now=datetime.now(UTC))
        return SignalDocument.model_validate_json(document.encode())

    def route(self, document: SignalDocument) -> Explanation:
        return explain(select("name_colour", document, self.catalog, now=datetime.now(UTC)))

    def _behave(self, asked: Asked) -> Sent:
        name = str(asked.body["model"]).removeprefix("toy-")
        (message,) = (each for each in asked.body["messages"] if each["role"] == "user")  # type: ignore[attr-defined]
        number = int("".join(re.findall(r"\d+", json.dumps(message["content"]))))
        said = self.behaviours.get(name, right)(f"shade{number}", number)
        return said if isinstance(said, Sent) else as_sent(said, self.wires[name])


def verdict(board: Board | OperationBoard, name: str = "cheap") -> Verdict:
    """The verdict on one variant."""
    (operation,) = board.operations if isinstance(board, Board) else (board,)
    return next(each for each in operation.verdicts if each.variant.id == name)
