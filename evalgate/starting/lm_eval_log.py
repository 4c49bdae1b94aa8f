"""Samples of lm-evaluation-harness (`--log_samples`): prompt, target and sampling parameters of each request.

Only requests for text can be asked of a chat endpoint; tasks that compare likelihoods (multiple choice without
generating) are refused. What a filter took out of the answer before it was scored is not in the file, so metrics of a
filter other than `none` are not taken for graders.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.integrations.logs.files import parse_json, read_lines
from evalgate.integrations.logs.lm_eval import case_of
from evalgate.starting.draft import CASES
from evalgate.starting.logs import Log, Messages, Sample

_ROLES = ("system", "user", "assistant")


def lm_eval_log(path: Path) -> Log:
    """A samples file; the lines of several filters are one sample."""
    samples: dict[str, Sample] = {}
    scorers: dict[str, None] = {}
    parameters: list[dict[str, Any]] = []
    for number, line in read_lines(path):
        if line.isspace():
            continue
        place = f"{path}:{number}"
        row = parse_json(line, place)
        if not isinstance(row, dict) or "doc_id" not in row:
            raise InputError(f"{place} doc_id: missing; expected a line of an lm-evaluation-harness samples file")
        suffix = "" if row.get("filter", "none") == "none" else f",{row['filter']}"
        metrics = row.get("metrics")
        scorers |= dict.fromkeys(f"{metric}{suffix}" for metric in (metrics if isinstance(metrics, list) else ()))
        name = case_of(row, place)
        if name in samples:
            continue
        asked, given = _request(row, place)
        samples[name] = Sample(name, asked, _target(row), {})
        if given not in parameters:
            parameters.append(given)
        if len(samples) > CASES:
            raise InputError(f"{path}: more than {CASES} samples; take a part of them")
    told = [f"{path}: its samples have different sampling parameters; those of the first were taken"]
    generation = parameters[0] if parameters else {}
    return Log(_task(path), list(samples.values()), generation, list(scorers), told=told if len(parameters) > 1 else ())


def _task(path: Path) -> str:
    """`samples_gsm8k_2026-11-23T12-36-30.1.jsonl` → gsm8k."""
    return re.sub(r"_\d{4}-\d\d-\d\dT.*$", "", path.stem.removeprefix("samples_"))


def _request(row: dict[str, Any], place: str) -> tuple[str | Messages, dict[str, Any]]:
    arguments = row.get("arguments")
    first = arguments.get("gen_args_0") if isinstance(arguments, dict) else None
    if isinstance(first, dict):
        asked, given = first.get("arg_0"), first.get("arg_1")
    elif isinstance(arguments, list) and arguments and isinstance(arguments[0], list) and len(arguments[0]) == 2:
        asked, given = arguments[0]  # as versions before 0.4.4 write them
    else:
        raise InputError(f"{place} arguments: missing; the file does not hold what was asked")
    if not isinstance(given, dict):
        message = "this task compares likelihoods of given answers, which a chat endpoint does not tell"
        raise InputError(f"{place} arguments: {message}; take its generative variant (output_type: generate_until)")
    return _asked(asked, place), _sampling(given)


def _asked(asked: Any, place: str) -> str | Messages:
    if isinstance(asked, list) and len(asked) == 1:
        asked = asked[0]
    if not isinstance(asked, str) or not asked:
        raise InputError(f"{place} arguments: expected the prompt as a text")
    if asked.startswith('[{"role"'):  # with --apply_chat_template, for APIs
        try:
            messages = json.loads(asked)
        except (ValueError, RecursionError):
            return asked
        if all(
            isinstance(each, dict) and each.get("role") in _ROLES and isinstance(each.get("content"), str)
            for each in messages
        ):
            return [{"role": each["role"], "content": each["content"]} for each in messages]
        raise InputError(f"{place} arguments: messages that are no texts; add them by hand")
    return asked


def _sampling(given: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"temperature": 0}
    if isinstance(given.get("temperature"), int | float) and given.get("do_sample") is not False:
        said["temperature"] = given["temperature"]
    if isinstance(most := given.get("max_gen_toks", given.get("max_tokens")), int):
        said["max_tokens"] = most
    until = given.get("until")
    until = [until] if isinstance(until, str) else until
    if isinstance(until, list) and (words := [each for each in until if isinstance(each, str) and each][:4]):
        said["stop"] = words
    return said


def _target(row: dict[str, Any]) -> Any:
    target = row.get("target")
    target = target[0] if isinstance(target, list) and len(target) == 1 else target
    return target if isinstance(target, str | int | float | list) and target != "" else None
