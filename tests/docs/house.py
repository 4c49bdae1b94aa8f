"""The house that the README builds: its own catalogue and suite, with both providers on this machine's loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import evalgate
from evalgate.catalog import load_catalog
from evalgate.signal.reader import SignalReader
from tests.conftest import Asked, Loopback, Sent
from tests.docs.pages import READ, ROOT
from tests.docs.shell import parse, run

KEYS = {"ACME_KEY": "acme", "BUDGET_KEY": "budget", "NO_COLOR": "1", "COLUMNS": "80"}
CASES = 400
LABELS = ("billing", "shipping", "returns", "other")


def ticket(number: int) -> dict[str, str]:
    label = LABELS[number % 4]
    return {"id": f"t{number}", "input": f"Ticket {number} {number * 7919 % 104729}: {label}?", "target": label}


def answer(asked: Asked) -> Sent:
    """Both providers answer every ticket alike."""
    said = str(asked.body["messages"][-1]["content"]).rstrip("?").split()[-1]  # type: ignore[index]
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 30, "completion_tokens": 1}
    return Sent(json.dumps({"model": asked.body["model"], "choices": [choice], "usage": usage}).encode())


def build(folder: Path, server: Loopback) -> None:
    """What the README has its reader write, and the data that it names."""
    server.behave = answer
    catalog, suite = (each.text for each in READ[ROOT / "README.md"].blocks if each.language == "yaml")
    for host in ("https://api.acme.example/v1", "https://llm.budget.example/v1"):
        assert host in catalog
        catalog = catalog.replace(host, server.url)
    (folder / "suites").mkdir()
    (folder / "catalog.yaml").write_text(catalog)
    (folder / "suites" / "classify_ticket.yaml").write_text(suite)
    rows = [json.dumps(ticket(number)) for number in range(CASES)]
    (folder / "suites" / "tickets.jsonl").write_text("\n".join(rows))


def checked(folder: Path) -> None:
    """What is there after the README's own commands: keys, verdicts, and a signal that is signed."""
    for text in ("evalgate signal keygen", "evalgate check -q --publish signal.json --key signal.key"):
        code, said = run(parse(text), KEYS)
        assert code == 0, said
    (folder / "keys").mkdir()
    shutil.copy(folder / "signal.pub", folder / "keys")


@dataclass(frozen=True)
class Prepared:
    """What a page takes for granted: names of its Python, and words that stand for what only its reader has."""

    names: dict[str, object] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """What a page says, with its addresses and places replaced by those of the house."""
        folder = Path.cwd()
        there = {"https://signal.example/signal": str(folder / "signal.json"), "/var/lib": str(folder / "var")}
        for word, ours in (there | self.words).items():
            text = text.replace(word, ours)
        return text


def prepared(page: str, folder: Path) -> Prepared:
    """The same, with the files that a page names put into `folder`, which is the working directory."""
    return PREPARED.get(page, lambda folder: Prepared())(folder)


def _catalog(folder: Path) -> Prepared:
    shutil.copy(folder / "catalog.yaml", folder / "team.yaml")
    return Prepared()


def _frames(folder: Path) -> Prepared:
    """The lab's own suite of orders instead, judged on a few of its recorded cases."""
    for name in (".evalgate", "suites"):
        shutil.rmtree(folder / name)
    shutil.copy(ROOT / "catalog.yaml", folder)
    shutil.copytree(ROOT / "suites/lab/extract_order", folder / "suites" / "extract_order")
    shutil.copytree(ROOT / "suites/lab/recordings", folder / "suites/lab/recordings")
    code, said = run(parse("evalgate check -q --max-cases 60 --variant lab-q3_k_s --variant lab-q8_0"), KEYS)
    assert code in (1, 3), said
    return Prepared()


def _intelligence(folder: Path) -> Prepared:
    """A model of which there are reports beside the house's own."""
    catalog = (folder / "catalog.yaml").read_text()
    variant = "{id: r1, provider: acme, quantization: fp8, price: {input: 1, output: 2}}"
    model = f"models:\n  - id: deepseek/deepseek-r1\n    baseline: r1\n    variants:\n      - {variant}\n"
    (folder / "catalog.yaml").write_text(catalog.replace("models:\n", model))
    return Prepared({"catalog": load_catalog(folder / "catalog.yaml"), "today": datetime.now(UTC).date()})


def _reports(folder: Path) -> Prepared:
    """A run before the last one."""
    code, said = run(parse("evalgate check -q --max-cases 300"), KEYS)
    assert code in (0, 3), said
    newer, older = evalgate.runs().run.tolist()
    return Prepared(words={"RUN RUN": f"{older} {newer}", "20261130-17": older})


def _routing(folder: Path) -> Prepared:
    body = {"model": "meta-llama/llama-3.1-70b-instruct", "metadata": {"operation_id": "classify_ticket"}}
    reader = SignalReader(str(folder / "signal.json"), keys=folder / "keys", cache=folder / "cache")
    return Prepared({"reader": reader, "body": body, "headers": {}, "telemetry": {}, "request_number": 1})


def _stayed_green(folder: Path) -> Prepared:
    """Days on which nothing happens."""
    days = {"certified_differences": [0.0] * 200, "todays_differences": [0.0] * 50}
    tokens = {"fifty_first_tokens": ["yes"] * 50, "border_prompts": ["a", "b"], "prompt": "a", "first_token": "yes"}
    return Prepared(days | tokens, {"(prompt, first_token), ...": "(prompt, first_token)"})


PREPARED: Mapping[str, Callable[[Path], Prepared]] = {
    "catalog.md": _catalog,
    "frames.md": _frames,
    "intelligence.md": _intelligence,
    "reports.md": _reports,
    "routing.md": _routing,
    "stayed-green.md": _stayed_green,
}
