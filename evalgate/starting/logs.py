"""A log of Inspect or lm-evaluation-harness as a suite: what was asked and expected there, asked and expected here.

What the model was sent stands in both logs, templates filled in, so cases are taken from there and not from the data
set: they ask what was asked. What the scorers did stands in neither; those whose name says enough become graders, and
of the others the name stays as a comment. A log that was cut short gives the cases that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.integrations.logs.files import check_file, first_line, parse_json, read_document
from evalgate.integrations.logs.inspect_ai import is_inspect
from evalgate.integrations.logs.lm_eval import is_lm_eval
from evalgate.integrations.logs.promptfoo import is_promptfoo, is_promptfoo_row
from evalgate.starting.draft import CASES, Draft, Unsaid
from evalgate.starting.endpoints import slug

_ZIP = b"PK\x03\x04"
Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One case of a log: `asked` is a text for completions, or the conversation up to the answer."""

    id: str
    asked: str | Messages
    target: Any
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """What a log is of: the task's name, its samples, how the model was sampled, and the scorers that looked on."""

    task: str
    samples: Sequence[Sample]
    generation: Mapping[str, Any]
    scorers: Sequence[str]
    unsaid: Sequence[Unsaid] = ()
    told: Sequence[str] = ()


# by the scorer's name in Inspect, and the metric's in lm-evaluation-harness
GRADERS: Mapping[str, Mapping[str, Any]] = {
    "exact": {"type": "exact"},
    "exact_match": {"type": "exact", "normalise": "none"},
    "includes": {"type": "contains", "normalise": "none", "ignore_case": True},
    "choice": {"type": "multiple_choice"},
    "f1": {"type": "token_f1"},
    "bleu": {"type": "bleu"},
    "chrf": {"type": "chrf"},
    "rougeL": {"type": "rouge_l"},
    "math": {"type": "maths"},
}


def read_log(path: Path, operation: str | None, assertions: Sequence[Mapping[str, Any]]) -> Draft:
    """The suite of a log; `assertions` take the place of the scorers. Raises `InputError` for what is no log."""
    log = _log(path)
    if not log.samples:
        raise InputError(f"{path}: holds no sample that could be asked again")
    if len(log.samples) > CASES:
        raise InputError(f"{path}: more than {CASES} samples; take a part of them")
    asserted: list[Mapping[str, Any] | Unsaid] = list(assertions)
    if not asserted:
        for name in log.scorers:
            grader = GRADERS.get(name.rpartition("/")[2])
            asserted.append(grader or Unsaid.of(name, "a scorer that no grader here is known to equal", "scorer"))
    if not any(isinstance(each, dict) for each in asserted):
        named = ", ".join(log.scorers) or "none"
        raise InputError(
            f"{path}: its scorers ({named[:200]}) equal no grader here, and without one everybody would be green; say"
            " what to assert: --grader NAME (`evalgate graders` lists them all)"
        )
    prompt, rows, told = _cases(log.samples, path)
    name = operation or slug(log.task, "from_log")
    about = f"From {path.name}."
    return Draft(name, prompt, asserted, rows, log.generation, about, log.unsaid, (*log.told, *told))


def _log(path: Path) -> Log:
    from evalgate.starting.inspect_log import inspect_archive, inspect_json
    from evalgate.starting.lm_eval_log import lm_eval_log

    check_file(path)
    with path.open("rb") as file:
        if file.read(4) == _ZIP:
            return inspect_archive(path)
    head = first_line(path)
    if path.suffix == ".jsonl":
        row = parse_json(head, f"{path}:1")
        if isinstance(row, dict) and is_lm_eval(row):
            return lm_eval_log(path)
        if isinstance(row, dict) and is_promptfoo_row(row):
            raise InputError(f"{path}: rows of promptfoo; give its configuration or its results.json: --from-promptfoo")
    else:
        document = read_document(path)
        if isinstance(document, dict) and is_inspect(document):
            return inspect_json(document, path)
        if isinstance(document, dict) and is_promptfoo(document):
            raise InputError(f"{path}: results of promptfoo; give them as --from-promptfoo {path}")
    raise InputError(f"{path}: expected a log of Inspect (.eval or .json) or samples of lm-evaluation-harness (.jsonl)")


def _cases(samples: Sequence[Sample], path: Path) -> tuple[Any, list[dict[str, Any]], list[str]]:
    """The prompt, and the cases: what is the same in all stands in the prompt, where it can."""
    told: list[str] = []
    unique = list(_unique(samples, path, told))
    texts = [sample.asked for sample in unique if isinstance(sample.asked, str)]
    if texts and len(texts) < len(unique):
        raise InputError(f"{path}: asks some samples as a text and others as messages; take a log of one task")
    if texts:
        return "{{ input }}", [_row(sample, {"input": sample.asked}) for sample in unique], told
    talks = [sample.asked for sample in unique if isinstance(sample.asked, list)]
    opening = talks[0][:-1]
    if all(talk[:-1] == opening and talk[-1]["role"] == "user" for talk in talks) and _has_no_template(opening):
        prompt = [*opening, {"role": "user", "content": "{{ input }}"}]
        rows = zip(unique, talks, strict=True)
        return prompt, [_row(sample, {"input": talk[-1]["content"]}) for sample, talk in rows], told
    return [], [_row(sample, {"messages": sample.asked}) for sample in unique], told


def _has_no_template(messages: Messages) -> bool:
    return not any(sign in message["content"] for message in messages for sign in ("{{", "{%", "{#"))


def _unique(samples: Sequence[Sample], path: Path, told: list[str]) -> Iterator[Sample]:
    """Each question once: epochs, repeats and filters ask it again."""
    asked: dict[str, Sample] = {}
    names: dict[str, int] = {}
    again = 0
    for sample in samples:
        key = repr(sample.asked)
        if key in asked:
            again += asked[key].target != sample.target
            continue
        asked[key] = sample
        names[sample.id] = names.get(sample.id, 0) + 1
        if names[sample.id] > 1:
            raise InputError(f"{path}: two samples of the id {sample.id[:100]!r} ask different things")
        yield sample
    if again:
        told.append(f"left out {again} samples of {path} that ask what another asks, and expect something else")


def _row(sample: Sample, asked: Mapping[str, Any]) -> dict[str, Any]:
    row = {"id": sample.id, **asked} | ({} if sample.target is None else {"target": sample.target})
    about = {key: value for key, value in sample.metadata.items() if key != "placeholder"}
    return row | ({"metadata": about} if about else {})
