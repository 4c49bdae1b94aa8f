"""Logs of Inspect AI: what each sample asked, from the messages that were sent before the first answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import name, shown
from evalgate.integrations.logs.archive import Archive
from evalgate.integrations.logs.files import parse_json
from evalgate.starting.draft import Unsaid
from evalgate.starting.logs import Log, Messages, Sample

_ATTACHED = "attachment://"
_ROLES = ("system", "user", "assistant")
_SAMPLING = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "top_p": "top_p",
    "seed": "seed",
    "stop_seqs": "stop",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "reasoning_effort": "reasoning_effort",
}


def inspect_json(document: Mapping[str, Any], path: Path) -> Log:
    """A JSON log that has been parsed."""
    samples = document.get("samples")
    if not isinstance(samples, list):
        raise InputError(f"{path} samples: missing; expected a log with its samples, not only its header")
    return _of(document, ((each, f"{path} samples[{index}]") for index, each in enumerate(samples)), path)


def inspect_archive(path: Path) -> Log:
    """An `.eval` log."""
    with Archive(path) as archive:
        names = archive.names()
        start = next((one for one in ("header.json", "_journal/start.json") if one in names), None)
        if start is None:
            raise InputError(f"{path}: not an Inspect log: it has no header.json")
        header = parse_json(archive.read(start), f"{path}:{start}")
        if not isinstance(header, dict):
            raise InputError(f"{path}:{start}: received {shown(header)}, expected an object")
        members = dict.fromkeys(one for one in names if one.startswith("samples/") and one.endswith(".json"))
        read = ((parse_json(archive.read(one), f"{path}:{shown(one)}"), f"{path}:{shown(one)}") for one in members)
        return _of(header, read, path)


def _of(header: Mapping[str, Any], samples: Iterator[tuple[Any, str]], path: Path) -> Log:
    run, plan = _object(header.get("eval")), _object(header.get("plan"))
    found: list[Sample] = []
    left_out: dict[str, int] = {}
    scorers: dict[str, None] = dict.fromkeys(
        str(each["name"]) for each in _list(run.get("scorers")) if isinstance(each, dict) and each.get("name")
    )
    for data, place in samples:
        if not isinstance(data, dict) or "id" not in data:
            raise InputError(f"{place} id: missing; expected a sample of an Inspect log")
        scorers |= dict.fromkeys(map(str, _object(data.get("scores")))) if not run.get("scorers") else {}
        try:
            found.append(_sample(data, place))
        except _Unasked as reason:
            left_out[str(reason)] = left_out.get(str(reason), 0) + 1
    told = [f"left out {count} samples of {path}: {reason}" for reason, count in left_out.items()]
    if header.get("status") not in ("success", None):
        told.append(f"{path}: the run was not finished; its {len(found)} samples may not be all")
    config = _object(plan.get("config"))
    generation = {ours: config[theirs] for theirs, ours in _SAMPLING.items() if config.get(theirs) is not None}
    steps = [each for each in _list(plan.get("steps")) if isinstance(each, dict) and each.get("solver") != "generate"]
    unsaid = [
        Unsaid.of(
            _object(each.get("params")), "a solver; what it asked first is in the cases", f"solver {each.get('solver')}"
        )
        for each in steps[:20]
    ]
    found.sort(key=lambda sample: sample.id)
    return Log(str(run.get("task") or path.stem), found, {"temperature": 0, **generation}, list(scorers), unsaid, told)


class _Unasked(Exception):
    """Why a sample cannot be asked again."""


def _sample(data: Mapping[str, Any], place: str) -> Sample:
    attachments = _object(data.get("attachments"))
    target = data.get("target")
    target = target[0] if isinstance(target, list) and len(target) == 1 else target
    metadata = {
        key: value for key, value in _object(data.get("metadata")).items() if isinstance(value, str | int | float)
    }
    return Sample(
        name(data["id"], f"{place} id"), _asked(data, attachments), None if target == "" else target, metadata
    )


def _asked(data: Mapping[str, Any], attachments: Mapping[str, Any]) -> Messages:
    """What was sent before the model said anything; the sample's input where the log has no messages."""
    sent = data.get("messages")
    if not isinstance(sent, list) or not sent:
        sent = data.get("input")
        sent = [{"role": "user", "content": sent}] if isinstance(sent, str) else sent
    asked: Messages = []
    for message in sent if isinstance(sent, list) else []:
        if not isinstance(message, dict) or message.get("source") == "generate":
            break
        if message.get("role") not in _ROLES or message.get("tool_calls"):
            raise _Unasked("they begin with calls of tools")
        asked.append({"role": str(message["role"]), "content": _text(message.get("content"), attachments)})
    while asked and asked[-1]["role"] == "assistant":
        asked.pop()
    if not any(message["role"] == "user" for message in asked):
        raise _Unasked("the log does not hold what they asked")
    return asked


def _text(content: Any, attachments: Mapping[str, Any]) -> str:
    if isinstance(content, list):
        parts = [
            each.get("text") if isinstance(each, dict) and each.get("type") == "text" else None for each in content
        ]
        if not parts or any(not isinstance(part, str) for part in parts):
            raise _Unasked("they ask with pictures or files")
        content = "".join(map(str, parts))
    if isinstance(content, str) and content.startswith(_ATTACHED):
        content = attachments.get(content.removeprefix(_ATTACHED))
    if not isinstance(content, str):
        raise _Unasked("the log does not hold what they asked")
    return content


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
