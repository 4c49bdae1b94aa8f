"""Assertions of promptfoo as graders: the same ones where there is one that says the same, and none otherwise.

What promptfoo passes or fails scores 1 or 0 here. Where a grader measures the same thing on another scale (a distance
in letters, say), it is taken, and the comment says what is different; where the two could disagree about an answer
without anybody noticing, it is not taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.exchange import JsonValue
from evalgate.formats.rewriting import plain
from evalgate.graders import registry
from evalgate.starting.draft import Unsaid

_LISTS = ("contains-any", "icontains-any", "contains-all", "icontains-all")
_KNOWN = {"type", "value", "threshold", "weight", "metric"}  # keys whose meaning is the same here
_RUBRICS = ("llm-rubric", "model-graded-closedqa")
_OF_TARGET = "The answer fulfils what the reference demands of it."
_NEEDS_A_JUDGE = "needs a judge: --judge URL,key=VARIABLE,as=MODEL; see the grader judge"
_ELSEWHERE = {
    "javascript": "code is not run; the grader python calls a function of yours",
    "python": "code is not run; the grader python calls a function of yours",
    "similar": "another embedding model would judge otherwise; see the grader embedding_similarity",
    **dict.fromkeys(_RUBRICS, _NEEDS_A_JUDGE),
    "factuality": "see the grader judge",
    "g-eval": "see the grader judge",
    "is-valid-openai-tools-call": "see the grader tool_schema, and put the tools into the suite",
    "is-valid-function-call": "see the grader tool_schema, and put the tools into the suite",
    "tool-call-f1": "see the grader tool_calls",
    "assert-set": "several assertions with a threshold of their own; write them one by one with weights",
    "is-sql": "see the grader sql, which compares what a query finds",
    "perplexity": "needs log probabilities of another model",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A grader with its options, and what it holds the answer against, which may be another for each test.

    `differs`: what is not quite the same as in promptfoo. `key` is where a value that is the same for all is
    written.
    """

    grader: Mapping[str, Any]
    value: JsonValue = None
    differs: str = ""
    key: str = "value"

    @property
    def of_target(self) -> Mapping[str, Any]:
        """The grader, where the value is each case's target."""
        return self.grader if self.key == "value" else {**self.grader, self.key: _OF_TARGET}

    @property
    def signature(self) -> str:
        """The same for two that differ in their value alone."""
        return json.dumps([self.grader, self.value is None], sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Given:
    """An assertion of promptfoo, read."""

    type: str
    value: Any
    threshold: float | None


class _Untranslatable(Exception):
    """Why there is no grader that says the same."""


def translated(assertion: Mapping[str, Any], load: Callable[[Any], Any], judge: str | None = None) -> Asked | Unsaid:
    """`load` gives what stands in a file that a value names, and fills templates; it may raise `InputError`.

    `judge` is the id of the variant that is asked about rubrics.
    """
    kind = str(assertion.get("type", ""))
    try:
        if kind in _RUBRICS and judge is not None:
            return _rubric(assertion, load, judge)
        return _translated(kind, assertion, load)
    except _Untranslatable as reason:
        return Unsaid.of(dict(assertion), str(reason))


def _translated(kind: str, assertion: Mapping[str, Any], load: Callable[[Any], Any]) -> Asked:
    negated, base = kind.startswith("not-"), kind.removeprefix("not-")
    make = _MAKERS.get(base)
    if make is None or (negated and base not in _NEGATED):
        raise _Untranslatable(_ELSEWHERE.get(base, "no grader says the same"))
    if others := sorted(assertion.keys() - _KNOWN):
        raise _Untranslatable(f"{others[0]} changes what is asserted, and has no equivalent")
    given = _Given(base, load(assertion.get("value")), _number(assertion.get("threshold"), "threshold"))
    asked = _NEGATED[base](given) if negated else make(given)
    _require_sound(asked)
    return Asked({**asked.grader, **_common(assertion)}, asked.value, asked.differs)


def _require_sound(asked: Asked) -> None:
    """What a grader here would refuse (a schema with a reference to elsewhere, say) must not stop all the rest."""
    grader = registry.find(str(asked.grader["type"]))
    options = {key: value for key, value in asked.grader.items() if key not in registry.COMMON}
    if problem := grader.problem_with(asked.value, grader.check_options(options)):
        raise _Untranslatable(problem)


def _rubric(assertion: Mapping[str, Any], load: Callable[[Any], Any], judge: str) -> Asked:
    if others := sorted(assertion.keys() - _KNOWN - {"provider"}):
        raise _Untranslatable(f"{others[0]} changes what is asserted, and has no equivalent")
    rubric = _text(_Given("llm-rubric", load(assertion.get("value")), None))
    told = f"{judge} says yes or no by another prompt, whatever provider or threshold is named there"
    return Asked({"type": "judge", "judge": judge, **_common(assertion)}, rubric, told, "rubric")


def _common(assertion: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    weight = _number(assertion.get("weight"), "weight")
    if weight is not None and not 0 < weight <= 1_000_000:
        raise _Untranslatable("a weight of 0 only shows a metric")
    if weight not in (None, 1.0):
        said["weight"] = weight
    if (metric := assertion.get("metric")) is not None:
        if not isinstance(metric, str) or "{{" in metric:
            raise _Untranslatable("a metric whose name is another one for each test")
        name = re.sub(r"[^A-Za-z0-9_./:@-]+", "_", metric).strip("_")[:200]
        if not name:
            raise _Untranslatable("a metric without a name that can be written here")
        said["metric"] = name
    return said


def _number(value: Any, key: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        raise _Untranslatable(f"{key} is no number") from None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def as_said(value: Any) -> str:
    """A value as JavaScript writes it: 3.10 in YAML is `3.1`, and 5.0 is `5`."""
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(given: _Given) -> str:
    if given.value is None or isinstance(given.value, dict | list) or as_said(given.value) == "":
        raise _Untranslatable("expected a text as value")
    return as_said(given.value)


def _equals(given: _Given) -> Asked:
    if isinstance(given.value, dict | list):
        return Asked({"type": "json_match", "extract": "strict", "normalise": "none"}, plain(given.value))  # type: ignore[arg-type]
    return Asked({"type": "exact", "normalise": "none"}, _text(given))


def _contains(given: _Given) -> Asked:
    ignore = {"ignore_case": True} if given.type.startswith("i") else {}
    return Asked({"type": "contains", "normalise": "none", **ignore}, _text(given))


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()#&~-])", r"\\\1", text)


def _case(given: _Given) -> dict[str, Any]:
    return {"ignore_case": True} if given.type.startswith("i") else {}


def _listed(given: _Given) -> list[str]:
    value = given.value
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list) or not parts or any(isinstance(each, dict | list | None) for each in parts):
        raise _Untranslatable("expected a list of texts as value")
    said = [as_said(each) for each in parts]
    if "" in said:
        raise _Untranslatable("an empty text is contained in every answer")
    return said


def _contains_several(given: _Given) -> Asked:
    words = [_escaped(word) for word in _listed(given)]
    if given.type.endswith("any"):
        return Asked({"type": "regex", **_case(given)}, "|".join(words))
    return Asked({"type": "regex", **_case(given)}, "(?s)\\A" + "".join(f"(?=.*{word})" for word in words))


def _starts_with(given: _Given) -> Asked:
    return Asked({"type": "regex"}, "\\A" + _escaped(_text(given)))


def _pattern(given: _Given) -> str:
    import regex

    pattern = _text(given)
    try:
        regex.compile(pattern)
    except (regex.error, ValueError, RecursionError):
        raise _Untranslatable("a regular expression that only JavaScript can read") from None
    return pattern


_PATTERNS_DIFFER = "\\d, \\w and \\s know all scripts here, and $ also stands before a last line end"


def _regex(given: _Given) -> Asked:
    pattern = _pattern(given)
    differs = _PATTERNS_DIFFER if re.search(r"\\[dwsDWS]|\$", pattern) else ""
    return Asked({"type": "regex"}, pattern, differs)


def _json(given: _Given) -> Asked:
    schema = given.value
    if isinstance(schema, str):
        try:
            schema = json.loads(schema) if schema.strip() else None
        except (ValueError, RecursionError):
            raise _Untranslatable("a schema that is no JSON") from None
    if schema is not None and not isinstance(schema, dict):
        raise _Untranslatable("expected a JSON schema as value")
    extract = "strict" if given.type == "is-json" else "anywhere"
    return Asked({"type": "json_schema", "extract": extract}, plain(schema or {}))  # type: ignore[arg-type]


def _levenshtein(given: _Given) -> Asked:
    most = 5 if given.threshold is None else given.threshold
    told = f"promptfoo passes at a distance of at most {most:g}; here the score is 1 - distance / length"
    return Asked({"type": "edit_distance", "normalise": "none"}, _text(given), told)


def _overlap(grader: str, usual: float, told: str) -> Callable[[_Given], Asked]:
    def make(given: _Given) -> Asked:
        threshold = usual if given.threshold is None else given.threshold
        if not 0 <= threshold <= 1:
            raise _Untranslatable("expected a threshold from 0 to 1")
        return Asked({"type": grader, "threshold": threshold}, _text(given), told)

    return make


def _most(grader: str, key: str, usual: str) -> Callable[[_Given], Asked]:
    def make(given: _Given) -> Asked:
        if given.threshold is None or given.threshold <= 0:
            raise _Untranslatable(f"expected a threshold: {usual}")
        # a metric of its own: a mean with it would let a variant be worse, if only it is faster or cheaper
        return Asked({"type": grader, "metric": grader, key: given.threshold})

    return make


def _refusal(given: _Given) -> Asked:
    return Asked({"type": "refusal"}, True, "another list of phrases decides what a refusal is")


def _not_matching(make: Callable[[_Given], str]) -> Callable[[_Given], Asked]:
    def negated(given: _Given) -> Asked:
        ignore = given.type.startswith("i")
        return Asked({"type": "forbidden", "ignore_case": ignore}, make(given))

    return negated


_MAKERS: Mapping[str, Callable[[_Given], Asked]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _contains,
    "starts-with": _starts_with,
    **dict.fromkeys(_LISTS, _contains_several),
    "regex": _regex,
    "is-json": _json,
    "contains-json": _json,
    "levenshtein": _levenshtein,
    "rouge-n": _overlap("rouge_l", 0.75, "promptfoo counts single words (ROUGE-1), here ROUGE-L"),
    "bleu": _overlap("bleu", 0.5, "sacrebleu's tokenisation and smoothing"),
    "latency": _most("latency", "most_ms", "milliseconds"),
    "cost": _most("cost", "most_usd", "dollars a call"),
    "is-refusal": _refusal,
}
_NEGATED: Mapping[str, Callable[[_Given], Asked]] = {
    "equals": _not_matching(lambda given: f"\\A{_escaped(_text(given))}\\Z"),
    "contains": _not_matching(lambda given: _escaped(_text(given))),
    "icontains": _not_matching(lambda given: _escaped(_text(given))),
    "contains-any": _not_matching(lambda given: "|".join(map(_escaped, _listed(given)))),
    "icontains-any": _not_matching(lambda given: "|".join(map(_escaped, _listed(given)))),
    "starts-with": _not_matching(lambda given: "\\A" + _escaped(_text(given))),
    "regex": _not_matching(_pattern),
    "is-refusal": lambda given: Asked({"type": "refusal"}, False, "another list of phrases decides what a refusal is"),
}
