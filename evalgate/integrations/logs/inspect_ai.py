"""Inspect AI: `.eval` logs (a zip file) and JSON logs.

A case is a sample, and its id the one that the data set gives it. Where a data set gives none Inspect counts, and a
shuffled data set is then counted in another order; that is caught by comparing what was asked (`ScoredAnswer.request`).
Epochs are answers to the same case. Every scorer is a metric; one that returns a dictionary is one metric per key,
`scorer.key`. Grades are read as Inspect reads them: C is 1, P is 0.5, I and N are 0, `yes` and `no` are 1 and 0, and a
number may be written as a text.

Only a finished run is compared. Samples that failed in it (with `--no-fail-on-error`) score 0; Inspect itself leaves
them out of its mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from evalgate.errors import InputError
from evalgate.integrations.logs.answers import (
    Refused,
    ScoredAnswer,
    cost_value,
    error_text,
    fingerprint,
    name,
    score_value,
    shown,
)
from evalgate.integrations.logs.archive import Archive
from evalgate.integrations.logs.files import parse_json
from evalgate.integrations.logs.table import ScoreTable, tabulate

_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
# float() alone would also take `1_0`, `nan`, and digits of other scripts
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?")
_TRUNCATED = {"max_tokens", "model_length"}


def is_inspect(document: Mapping[str, object]) -> bool:
    """Tell whether a JSON document is an Inspect log."""
    return isinstance(document.get("eval"), dict) and "status" in document


def read_inspect_json(path: Path, document: Mapping[str, object]) -> ScoreTable:
    """Read a JSON log that has been parsed."""
    model = _check_header(document, str(path))
    samples = document.get("samples")
    if not isinstance(samples, list):
        raise InputError(f"{path} samples: missing; expected a log with its samples, not only its header")
    _check_count(document, len(samples), str(path))
    places = (f"{path} samples[{index}]" for index in range(len(samples)))
    answers = (_answer(sample, model, place) for sample, place in zip(samples, places, strict=True))
    return tabulate(path, "inspect", answers, complete=True, model=model)


def read_inspect_archive(path: Path) -> ScoreTable:
    """Read an `.eval` log."""
    with Archive(path) as archive:
        names = archive.names()
        if "header.json" not in names:
            unfinished = "_journal/start.json" in names
            problem = "the run was not finished" if unfinished else "not an Inspect log"
            remedy = "finish it with `inspect eval-retry`" if unfinished else "expected an `.eval` file"
            raise InputError(f"{path} header.json: missing: {problem}; {remedy}")
        header = parse_json(archive.read("header.json"), f"{path}:header.json")
        if not isinstance(header, dict):
            raise InputError(f"{path}:header.json: received {shown(header)}, expected an object")
        model = _check_header(header, f"{path}:header.json")
        members = [one for one in names if one.startswith("samples/") and one.endswith(".json")]
        if len(set(members)) < len(members):
            twice = next(one for one in members if members.count(one) > 1)
            raise InputError(f"{path}:{_printable(twice)}: duplicate sample; was the same run written twice?")
        _check_count(header, len(members), f"{path}:header.json")
        answers = _archived(archive, members, model, path)
        return tabulate(path, "inspect", answers, complete=True, model=model)


def _archived(archive: Archive, members: list[str], model: str | None, path: Path) -> Iterator[ScoredAnswer]:
    for member in members:
        place = f"{path}:{_printable(member)}"
        yield _answer(parse_json(archive.read(member), place), model, place)


def _printable(member: str) -> str:
    return member if member.isprintable() else shown(member)


def _check_header(header: Mapping[str, object], place: str) -> str | None:
    if (status := header.get("status")) != "success":
        message = f"{place} status: received {shown(status)}, expected 'success'; finish it with `inspect eval-retry`"
        raise InputError(message)
    if header.get("invalidated"):
        raise InputError(f"{place} invalidated: the log holds invalidated samples; run them again")
    run = header.get("eval")
    model = run.get("model") if isinstance(run, dict) else None
    return None if model is None else name(model, f"{place} eval.model")


def _check_count(header: Mapping[str, object], found: int, place: str) -> None:
    results = header.get("results")
    if isinstance(results, dict) and not results.get("early_stopping"):
        stated = results.get("total_samples")
        if isinstance(stated, int) and stated != found:
            problem = f"received {found} samples, expected {stated}; is the log complete?"
            raise InputError(f"{place} results.total_samples: {problem}")


def _answer(sample: object, model: str | None, place: str) -> ScoredAnswer:
    if not isinstance(sample, dict) or "id" not in sample:
        raise InputError(f"{place} id: missing; expected a sample of an Inspect log")
    if sample.get("invalidation"):
        raise InputError(f"{place} invalidation: this sample was invalidated; run it again")
    metadata = sample.get("metadata")
    cluster = metadata.get("cluster") if isinstance(metadata, dict) else None
    return ScoredAnswer(
        case=name(sample["id"], f"{place} id"),
        repeat=name(sample.get("epoch", 1), f"{place} epoch"),
        place=place,
        scores=_scores(sample.get("scores"), place),
        error=_error(sample.get("error")),
        cluster=None if cluster is None else name(cluster, f"{place} metadata.cluster"),
        cost=_cost(sample.get("model_usage"), model, place),
        truncated=_truncated(sample.get("output")),
        request=fingerprint([_anonymous(sample.get("input")), sample.get("target")], f"{place} input"),
    )


def _scores(scores: object, place: str) -> dict[str, float | Refused]:
    if scores is None:
        return {}
    if not isinstance(scores, dict):
        raise InputError(f"{place} scores: received {shown(scores)}, expected an object of scorers")
    values: dict[str, float | Refused] = {}
    for scorer, score in scores.items():
        metric = name(scorer, f"{place} scores")
        if not isinstance(score, dict) or "value" not in score:
            raise InputError(f"{place} scores.{shown(metric)}.value: missing; expected the score's value")
        if isinstance(score["value"], dict):
            for key, value in score["value"].items():
                values[f"{metric}.{name(key, f'{place} scores')}"] = _graded(value)
        else:
            values[metric] = _graded(score["value"])
    return values


def _graded(value: object) -> float | Refused:
    """Read a score as Inspect's `value_to_float` does, except that what it cannot read is refused and not 0."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
        return Refused("received NaN, Inspect's mark of an answer that could not be scored; score it again")
    if isinstance(value, str):
        text = value.strip()
        grade = _GRADES.get(text, _WORDS.get(text.lower()))
        if grade is None and _NUMBER.fullmatch(text):
            return score_value(float(text))
        if grade is None:
            return Refused(f"received {shown(value)}, expected a grade (C, P, I, N) or a number in [0, 1]")
        return grade
    return score_value(value)


def _error(error: object) -> str | None:
    if not error:
        return None
    return error_text(error.get("message", "") if isinstance(error, dict) else error)


def _cost(usage: object, model: str | None, place: str) -> float | None:
    # graders may be models too, and their cost is not the variant's
    mine = usage.get(model) if isinstance(usage, dict) and model is not None else None
    return cost_value(mine.get("total_cost"), f"{place} model_usage") if isinstance(mine, dict) else None


def _truncated(output: object) -> bool:
    choices = output.get("choices") if isinstance(output, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    stop_reason = first.get("stop_reason") if isinstance(first, dict) else None
    return isinstance(stop_reason, str) and stop_reason in _TRUNCATED


def _anonymous(asked: object) -> object:
    """Return the input without the random ids that Inspect gives to messages in every run."""
    if not isinstance(asked, list):
        return asked
    return [
        {key: value for key, value in message.items() if key != "id"} if isinstance(message, dict) else message
        for message in asked
    ]
