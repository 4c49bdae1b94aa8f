"""The prompt of a promptfoo configuration, as messages; and the sampling parameters that all its providers agree on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import plain
from evalgate.starting.nunjucks import names_in
from evalgate.starting.promptfoo_tests import FILE, Folder

_ROLES = ("system", "developer", "user", "assistant")
_FILES = (".txt", ".md", ".j2", ".json", ".yaml", ".yml", ".js", ".cjs", ".mjs", ".ts", ".py")  # known without file://
_SAMPLING = ("temperature", "max_tokens", "max_completion_tokens", "top_p", "seed", "stop")


@dataclass(frozen=True, slots=True)
class Asking:
    """The prompt with promptfoo's own names in it, the names, and how it is sampled."""

    prompt: str | Sequence[Mapping[str, str]]
    names: frozenset[str]
    place: str
    generation: Mapping[str, Any] = field(default_factory=dict)
    told: Sequence[str] = ()


def prompt_of(config: Mapping[str, Any], folder: Folder, place: str, number: int | None) -> Asking:
    """The one prompt there is, or the `number`-th; raises `InputError` for several, and for code."""
    found = _prompts(config.get("prompts"), folder, f"{place} prompts")
    if number is not None and number > len(found):
        raise InputError(f"--prompt-number {number}: {place} has {len(found)} prompts")
    if number is None and len(found) > 1:
        listed = "\n".join(f"  {index}: {' '.join(text.split())[:70]}" for index, (text, _) in enumerate(found, 1))
        raise InputError(f"{place}: has {len(found)} prompts, and a suite one; say which: --prompt-number N\n{listed}")
    text, where = found[(number or 1) - 1]
    providers = _providers(config)
    completion = bool(providers) and all(":completion:" in str(each.get("id")) for each in providers)
    prompt: str | list[dict[str, str]] = _messages(text, where)
    if completion and len(prompt) == 1 and isinstance(prompt, list):
        prompt = text
    texts = [prompt] if isinstance(prompt, str) else [message["content"] for message in prompt]
    names = frozenset(name for each in texts for name in names_in(each, where))
    generation, told = _sampling(providers)
    if providers:
        told.append(
            "providers there: " + ", ".join(str(each.get("label") or each.get("id"))[:80] for each in providers[:8])
        )
    return Asking(prompt, names, where, generation, told)


def _prompts(given: Any, folder: Folder, place: str) -> list[tuple[str, str]]:
    """Each prompt with its place."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, dict):
        given = list(given)  # the older form: file to label
    if not isinstance(given, list) or not given:
        raise InputError(f"{place}: missing; there is nothing to ask")
    found: list[tuple[str, str]] = []
    for index, entry in enumerate(given):
        where = f"{place}.{index}"
        each = entry
        if isinstance(entry, dict):
            each = entry.get("raw") if isinstance(entry.get("raw"), str) else entry.get("id")
        if not isinstance(each, str) or not each.strip():
            raise InputError(f"{where}: expected a text, or the name of a file")
        if each.startswith(("exec:", "langfuse://", "portkey://", "helicone://")):
            raise InputError(f"{where}: {each[:80]!r} is made elsewhere; write the text into a file")
        is_name = "\n" not in each and "{{" not in each and Path(each).suffix in _FILES
        if not each.startswith(FILE) and not is_name:
            found.append((each, where))
            continue
        if any(sign in each for sign in "*?"):
            raise InputError(f"{where}: name the files one by one")
        text = folder.text(each, where)
        pieces = [text] if not each.endswith(".txt") else text.replace("\r\n", "\n").split("\n---\n")
        name = each.removeprefix(FILE)
        if each.endswith((".yaml", ".yml")):
            pieces = [json.dumps(plain(parse_yaml(text, folder.path / name).data))]
        found += [
            (piece.strip() if len(pieces) > 1 else piece.removesuffix("\n"), name) for piece in pieces if piece.strip()
        ]
    if not found:
        raise InputError(f"{place}: empty; there is nothing to ask")
    return found


def _messages(text: str, place: str) -> list[dict[str, str]]:
    """A text is what the user says; a JSON list of messages is a conversation."""
    stripped = text.strip()
    if stripped.startswith(("[", "{")) and '"role"' in stripped:
        try:
            read = json.loads(stripped)
        except (ValueError, RecursionError):
            message = "messages that are JSON only when the template is filled; write the variables within texts"
            raise InputError(f"{place}: {message}") from None
        messages = read if isinstance(read, list) else [read]
        return [_message(each, f"{place} messages.{index}") for index, each in enumerate(messages)]
    return [{"role": "user", "content": text}]


def _message(given: Any, place: str) -> dict[str, str]:
    if not isinstance(given, dict) or given.get("role") not in _ROLES or not isinstance(given.get("content"), str):
        message = "expected a message of system, user or assistant with a text; pictures and tools are added by hand"
        raise InputError(f"{place}: {message}")
    role = "system" if given["role"] == "developer" else str(given["role"])
    return {"role": role, "content": given["content"]}


def _providers(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = config.get("providers", config.get("targets"))
    entries = given if isinstance(given, list) else [given]
    found: list[dict[str, Any]] = []
    for each in entries:
        if isinstance(each, str):
            found.append({"id": each})
        elif isinstance(each, dict):
            inner = list(each.items())
            old = len(inner) == 1 and isinstance(inner[0][1], dict) and "id" not in each  # `openai:gpt-4: {config: …}`
            found.append({"id": inner[0][0], **inner[0][1]} if old else each)
    return found


def _sampling(providers: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    configs = [each["config"] for each in providers if isinstance(each.get("config"), dict)]
    said: dict[str, Any] = {}
    told: list[str] = []
    for key in _SAMPLING:
        values = [plain(config[key]) for config in configs if key in config]
        if values and all(value == values[0] for value in values) and isinstance(values[0], int | float | str | list):
            said[key] = values[0]
        elif values:
            told.append(f"providers there have different {key}; none was taken, see `generation` in the suite")
    return {"temperature": 0, **said}, told
