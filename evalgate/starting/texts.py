"""Catalogue, suite, cases and job as texts: made to be read and changed by people, and read once by us before."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import Lines, OneLine, as_yaml, plain, rewritten
from evalgate.starting.draft import CASES, Draft, Unsaid, as_lines
from evalgate.starting.endpoints import Roster

_CATALOG_HEAD = """\
# yaml-language-server: $schema=schemas/catalog.schema.json
# Who can be asked. Keys are named, never written: evalgate reads them from the environment.
"""
_ILLUSTRATIVE = (
    "# Nobody was told what is paid here: put your prices (USD per 1M tokens) in place of the illustrative ones.\n"
)
_SUITE_HEAD = """\
# yaml-language-server: $schema=../schemas/suite.schema.json
# `evalgate schema suite` lists every key, `evalgate graders` everything that can be asserted.
"""
_BEHIND = "what is behind"
_SCHEMA_LINE = re.compile(r"^# yaml-language-server:.*\n", re.MULTILINE)
_PLACEHOLDERS = "# The cases are placeholders, on which no verdict is given: put your own into {name}.\n"


def catalog_text(who: Roster) -> str:
    """`catalog.yaml`."""
    data = {"version": 1, "providers": list(who.providers), "models": who.models}
    return _CATALOG_HEAD + (_ILLUSTRATIVE if who.illustrative else "") + _exactly(data)


def suite_text(draft: Draft, model: str, baseline: str) -> str:
    """`suites/NAME.yaml`, with what could not be said as comments."""
    if draft.copied is not None:
        return _changed(draft.copied, draft, {"operation": draft.operation, "model": model, "baseline": baseline})
    cases = draft.cases or f"{draft.name}.jsonl"
    marked = any((row.get("metadata") or {}).get("placeholder") is True for row in draft.rows[:1])
    head = [_SUITE_HEAD, _PLACEHOLDERS.format(name=f"suites/{cases}") if marked else ""]
    if draft.unsaid:
        head.append("# What a suite cannot say:\n")
        head += [f"#   {each.line}\n" for each in draft.unsaid]
    about = {"description": draft.description} if draft.description else {}
    first = {"operation": draft.operation, **about, "model": model, "baseline": baseline, "cases": cases}
    parts = [_exactly({**first, "prompt": as_lines(draft.prompt)})]
    if draft.generation:
        parts.append(_exactly({"generation": OneLine(draft.generation)}))
    points = f"{draft.margin * 100:g} points"
    gate = f"gate: {{margin: {draft.margin:g}}}  # as good as = at most {points} worse\n"
    return "".join([*head, *parts, "assert:\n", *_assertions(draft.assertions), gate])


def _changed(text: str, draft: Draft, said: Mapping[str, str]) -> str:
    """A suite that somebody wrote, for another model; `variants` named theirs."""
    path = Path(f"suites/{draft.file}")
    data = parse_yaml(text, path).data
    assert isinstance(data, dict)
    new = {**{key: value for key, value in data.items() if key != "variants"}, **said}
    head = _SUITE_HEAD.splitlines(keepends=True)[0].replace("../", "../../")
    return head + rewritten(_SCHEMA_LINE.sub("", text), new, path)


def _assertions(assertions: Sequence[Mapping[str, Any] | Unsaid]) -> Iterator[str]:
    for each in assertions:
        if isinstance(each, Unsaid):
            yield f"# - {each.line}\n"
        else:
            lines = {
                key: Lines(value) if isinstance(value, str) and "\n" in value else value for key, value in each.items()
            }
            yield _exactly([lines])


def cases_text(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Cases as JSONL; raises `InputError` when they are too many."""
    if len(rows) > CASES:
        raise InputError(
            f"{len(rows)} cases; expected at most {CASES}: write them as JSONL, and give that with --cases"
        )
    return "".join(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in rows).encode()


def _exactly(data: Any) -> str:
    """Block YAML that reads as `data` and nothing else: a text of several lines is quoted where `|` would change it."""
    text = as_yaml(data)
    return text if _reads_as(text, data) else as_yaml(_quoted(data))


def _reads_as(text: str, data: Any) -> bool:
    """Whether it does so with more behind it."""
    told = {**data, _BEHIND: 1} if isinstance(data, dict) else {"here": data, _BEHIND: 1}
    try:
        read = parse_yaml(
            ("" if isinstance(data, dict) else "here:\n") + text + f"{_BEHIND}: 1\n", Path("a suite")
        ).data
    except InputError:
        return False
    return bool(read == plain(told))


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_quoted(each) for each in value]
    return str(value) if isinstance(value, str) else value


def workflow_text(keys: Sequence[str]) -> str:
    """`.github/workflows/evalgate.yml`, with the secrets that are named in the catalogue."""
    template = files("evalgate.starting").joinpath("workflow.yml").read_text(encoding="utf-8")
    named = "".join(f"          {key}: ${{{{ secrets.{key} }}}}\n" for key in keys)
    line = "          ACME_KEY: ${{ secrets.ACME_KEY }} # as the catalogue names it in api_key_env\n"
    assert line in template
    return template.replace("        env:\n" + line, f"        env:\n{named}" if keys else "")
