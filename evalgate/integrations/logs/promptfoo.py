"""promptfoo: `promptfoo eval -o results.json`, and the same rows one a line with `-o results.jsonl`.

A case is a test. promptfoo gives tests no id that lasts: `testIdx` is a position, `id` is random, and the description
of a test that came from a file is `Row #3`. So the id is `metadata.id` where the test has one, and else a hash of what
makes the test what it is, its `vars` and its `assert`, which do not depend on the provider; `vars.id` stands before the
hash, for people to read. A test under another prompt is another case, so behind a slash stands what tells the prompt:
the beginning of `promptId`, a hash of it, or in files without one a hash of its label. Nothing in an id depends on what
else the file holds: it stays when other prompts, providers or tests come and go. Tests that are alike (`--repeat`) are
answers to one case.

A file may hold several providers. One is compared at a time: `results.json#provider`, by label or by id.

The metric is `score`, the weighted mean of the assertions; `success` (1 or 0) and every named `metric:` are there too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from evalgate.integrations.logs.files import parse_json, read_lines
from evalgate.integrations.logs.table import ScoreTable, tabulate

DEFAULT_METRIC = "score"

_FAILED = 2  # ResultFailureReason.ERROR; 1 is an assertion that did not hold
_PROMPT_CHARACTERS = 8
_SET_BY_THE_RUN = {"_conversation", "sessionId"}


def is_promptfoo(document: Mapping[str, object]) -> bool:
    """Tell whether a JSON document is promptfoo's output."""
    results = document.get("results")
    return isinstance(results, dict) and isinstance(results.get("results"), list)


def is_promptfoo_row(row: Mapping[str, object]) -> bool:
    """Tell whether `row` is a line of promptfoo's JSONL output."""
    return "testCase" in row and "provider" in row


@dataclass(frozen=True, slots=True)
class _Row:
    """A result with its place; `provider` holds the names that it answers to, the label first."""

    place: str
    data: dict[str, object]
    provider: tuple[str, ...]


def read_promptfoo_json(path: Path, document: Mapping[str, object], provider: str | None) -> ScoreTable:
    """Read a JSON output that has been parsed."""
    results = document["results"]
    rows = results["results"] if isinstance(results, dict) else []
    return _table(path, ((f"{path} results.results[{index}]", row) for index, row in enumerate(rows)), provider)


def read_promptfoo_jsonl(path: Path, provider: str | None) -> ScoreTable:
    """Read a JSONL output."""
    lines = ((f"{path}:{number}", line) for number, line in read_lines(path) if not line.isspace())
    return _table(path, ((place, parse_json(line, place)) for place, line in lines), provider)


def _table(path: Path, results: Iterable[tuple[str, object]], provider: str | None) -> ScoreTable:
    rows = [_row(data, place) for place, data in results]
    selected = _selected(path, rows, provider)
    prompts = {_prompt(row) for row in selected}
    answers = _answers(selected, several_prompts=len(prompts) > 1)
    model = selected[0].provider[0] if selected else None
    table_path = Path(f"{path}#{provider}") if provider is not None else path
    return tabulate(table_path, "promptfoo", answers, complete=False, default_metric=DEFAULT_METRIC, model=model)


def _row(data: object, place: str) -> _Row:
    if not isinstance(data, dict):
        raise InputError(f"{place}: received {shown(data)}, expected a result of promptfoo")
    provider = data.get("provider")
    if isinstance(provider, dict):
        names = [one for one in (provider.get("label"), provider.get("id")) if one]
    else:  # a plain text in older versions
        names = [provider]
    return _Row(place, data, tuple(name(one, f"{place} provider") for one in names))


def _selected(path: Path, rows: list[_Row], provider: str | None) -> list[_Row]:
    known = list(dict.fromkeys(row.provider for row in rows))
    if any(not names for names in known):
        raise InputError(f"{path}: a result names no provider; expected `provider.id`")
    # pathlib folds the slashes of a provider like https://…, so both sides are folded
    wanted = None if provider is None else str(Path(provider))
    matching = [names for names in known if wanted is None or wanted in {str(Path(one)) for one in names}]
    if len(matching) == 1 or not rows:
        return [row for row in rows if row.provider == matching[0]]
    listed = ", ".join(f"{path}#{names[0]}" for names in known)
    if not matching:
        raise InputError(f"{path}: received provider {shown(provider)}; the file has {listed}")
    message = f"{path}: holds {len(matching)} providers that could be meant; name one of {listed}"
    raise InputError(message)


def _answers(rows: list[_Row], *, several_prompts: bool) -> Iterator[ScoredAnswer]:
    contents: dict[str, str] = {}
    for row in rows:
        test = row.data.get("testCase")
        if not isinstance(test, dict):
            test = {"vars": row.data.get("vars")}
        content = _content(test, row.place)
        case = _case(test, content, row.place)
        if contents.setdefault(case, content) != content:
            message = (
                f"{row.place} testCase.metadata.id: received {shown(case)} for two different tests; "
                "give each test an id of its own, or none"
            )
            raise InputError(message)
        cluster = _metadata(test).get("cluster")
        if several_prompts and cluster is None:  # the test is what its cases share
            cluster = case
        prompt = _prompt(row)
        yield _answer(row, test, f"{case}/{prompt}" if prompt else case, cluster)


def _content(test: dict[str, object], place: str) -> str:
    values = test.get("vars")
    if isinstance(values, dict):
        values = {key: value for key, value in values.items() if key not in _SET_BY_THE_RUN}
    return fingerprint([values, test.get("assert")], f"{place} testCase")


def _case(test: dict[str, object], content: str, place: str) -> str:
    if (stated := _metadata(test).get("id")) is not None:
        return name(stated, f"{place} testCase.metadata.id")
    values = test.get("vars")
    own = values.get("id") if isinstance(values, dict) else None
    if isinstance(own, str | int) and not isinstance(own, bool) and own != "":
        return f"{name(own, f'{place} testCase.vars.id')}@{content}"
    return content


def _metadata(test: dict[str, object]) -> dict[str, object]:
    metadata = test.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _answer(row: _Row, test: dict[str, object], case: str, cluster: object) -> ScoredAnswer:
    data, place = row.data, row.place
    prompt, response = data.get("prompt"), data.get("response")
    asked = prompt.get("raw") if isinstance(prompt, dict) else None
    return ScoredAnswer(
        case=case,
        repeat=name(data.get("testIdx", 0), f"{place} testIdx"),
        place=place,
        scores=_scores(data, place),
        error=_error(data),
        error_metrics=tuple(_named_metrics(test.get("assert"))),
        cluster=None if cluster is None else name(cluster, f"{place} testCase.metadata.cluster"),
        cost=cost_value(data.get("cost") or None, f"{place} cost"),  # 0 is what it writes where it knows no price
        truncated=isinstance(response, dict) and response.get("finishReason") == "length",
        request=None if asked is None else fingerprint([asked, test.get("assert")], f"{place} prompt.raw"),
    )


def _prompt(row: _Row) -> str:
    """What tells the prompt, whatever other prompts there are; nothing where the file does not say which it was."""
    if (stated := row.data.get("promptId")) is not None:
        return name(stated, f"{row.place} promptId")[:_PROMPT_CHARACTERS]
    prompt = row.data.get("prompt")
    label = prompt.get("label") if isinstance(prompt, dict) else None
    return fingerprint(label, f"{row.place} prompt.label")[:_PROMPT_CHARACTERS] if label else ""


def _scores(data: dict[str, object], place: str) -> dict[str, float | Refused]:
    if "score" not in data or "success" not in data:
        raise InputError(f"{place} score: missing; expected a result with `score` and `success`")
    scores = {DEFAULT_METRIC: score_value(data["score"]), "success": score_value(data["success"])}
    named = data.get("namedScores")
    if isinstance(named, dict):
        for metric, value in named.items():
            scores.setdefault(name(metric, f"{place} namedScores"), score_value(value))
    return scores


def _error(data: dict[str, object]) -> str | None:
    message = data.get("error")
    if "failureReason" in data:
        failed = data["failureReason"] == _FAILED
    else:  # older versions put an assertion's reason into `error` too, but then there is a grading
        failed = bool(message) and not data.get("gradingResult")
    return error_text(message or "error") if failed else None


def _named_metrics(assertions: object) -> Iterator[str]:
    """Yield the metrics that a test's assertions name; those of a failed answer are in no `namedScores`."""
    for assertion in _objects(assertions):
        for one in (assertion, *_objects(assertion.get("assert"))):  # an assert-set holds assertions
            metric = one.get("metric")
            if isinstance(metric, str) and metric and "{{" not in metric:
                yield metric


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
