"""The columns of every frame: name, dtype, unit and range, meaning. Docstrings, docs and dtypes all come from here.

`string` is pandas' own, with `pd.NA` for nothing; `Int64` has `pd.NA` as well. In `float64`, NaN is: not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

Dtype = Literal["string", "int64", "Int64", "float64", "bool", "datetime64[us, UTC]"]
Method = TypeVar("Method", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `values` says unit and range, or which values there are."""

    name: str
    dtype: Dtype
    values: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One frame: what a row of it is, and its columns in their order."""

    name: str
    row: str
    columns: tuple[Column, ...]


def _text(name: str, values: str, meaning: str) -> Column:
    return Column(name, "string", values, meaning)


def _count(name: str, values: str, meaning: str) -> Column:
    return Column(name, "int64", values, meaning)


def _number(name: str, values: str, meaning: str) -> Column:
    return Column(name, "float64", values, meaning)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "bool", "True, False", meaning)


def _time(name: str, meaning: str) -> Column:
    return Column(name, "datetime64[us, UTC]", "UTC", meaning)


_OPERATION = _text("operation", "", "the unit of work that a suite evaluates")
_VARIANT = _text("variant", "", "id in the catalogue")
_CASE = _text("case_id", "", "the case, by its id in the suite")
_POSITION = _count("position", "from 0", "place of the case in the order asked")
_ROLE = _text("role", "baseline, again, variant", "again: the baseline asked a second time, to be held against itself")
_REPEAT = _count("repeat", "from 0", "which of several answers of a variant to one case")
_COUNTED = _flag("counted", "a verdict of this run rests on it; False: asked beyond what the proof took")
_KEY = _text("key", "32 hex digits", "where the store keeps the answer; joins answers with scores")
_METRIC = _text("metric", "", "`score`, a grader's own name for it, or a built-in such as `untruncated`")
_EVIDENCE = (
    _number("baseline_score", "[0, 1]", "mean score of the baseline on the cases used"),
    _number("variant_score", "[0, 1]", "mean score of the variant on the same cases"),
    _number("delta", "[−1, 1]", "variant − baseline"),
    _number("lower", "[−1, 1]", "lower end of the confidence sequence of delta"),
    _number("upper", "[−1, 1]", "upper end"),
    _number("level", "(0, 1)", "the chance that the sequence holds, at every case at once"),
)
_FLIPPED = (
    _count("broke", "units", "units on which the variant scored lower"),
    _count("fixed", "units", "units on which it scored higher"),
)

_TABLES = (
    Table(
        "runs",
        "a run in the store, the newest first",
        (
            _text("run", "", "name of the run"),
            _time("at", "when it ended"),
            _count("operations", "", "operations that were judged"),
            _count("green", "", "verdicts: proven not worse than the margin"),
            _count("red", "", "verdicts: proven worse"),
            _count("inconclusive", "", "verdicts: neither"),
            _count("requests", "", "calls that were sent for it"),
        ),
    ),
    Table(
        "verdicts",
        "what was concluded of a variant on an operation; the evidence is that of the metric that decides",
        (
            _OPERATION,
            _VARIANT,
            _text("outcome", "green, red, inconclusive", "the verdict"),
            _flag("beyond_margin", "red by more than the margin is proven; other reds may be worse by less"),
            _text("cause", "proven, open, limited, budget, failures, …", "why the outcome is what it is"),
            _text("reason", "", "the same in words"),
            _text("note", "", "what else a reader should know"),
            _text("model", "", "what was asked for"),
            _text("baseline", "", "the variant that it was held against"),
            _text("provider", "", "who serves it"),
            _text("quantization", "", "its precision, as disclosed"),
            _number("bits_per_weight", "bits", "real bits, where they are known"),
            _METRIC,
            *_EVIDENCE,
            _number("margin", "(0, 1)", "how much worse still counts as as good"),
            _text("claim", "traffic, suite", "what was proven: of traffic like these cases, or of these cases"),
            _count("family", "from 1", "how many variants share the error rate"),
            _count("cases", "units", "units that the proof took"),
            _count("available", "units", "units that might have been asked"),
            _number("e_value", "from 0", "evidence for green"),
            _number("e_needed", "from 1", "evidence that green was asked for"),
            *_FLIPPED,
            _count("answers", "", "answers of the variant that were counted"),
            _count("failed", "", "those of them that were none"),
            _number("truncated", "[0, 1]", "share that the token limit cut off"),
            _number("baseline_truncated", "[0, 1]", "the same of the baseline"),
            _number("input_tokens", "tokens", "mean per answer"),
            _number("output_tokens", "tokens", "mean per answer"),
            _text("tokens", "counted, estimated, unknown", "where tokens and costs come from"),
            _number("cost_usd", "USD", "mean per answer, at the token mix that both are compared at"),
            _number("baseline_cost_usd", "USD", "the same of the baseline"),
            _number("saving", "up to 1", "share of the baseline's cost that is saved; negative: dearer"),
            _text("price_basis", "list, illustrative, …", "where the price comes from"),
            _number("latency_ms_p50", "ms", "median, of answers that came"),
            _number("baseline_latency_ms_p50", "ms", "the same of the baseline"),
            _text("baseline_check", "green, red, inconclusive", "the baseline held against itself; NA: it was not"),
            _number("baseline_flip_rate", "[0, 1]", "share of units on which the baseline differed from itself"),
            _text("suspicions", "", "what was noticed beside the scores, one a line"),
        ),
    ),
    Table(
        "metrics",
        "the evidence on one metric of a verdict",
        (
            _OPERATION,
            _VARIANT,
            _METRIC,
            _flag("decides", "the verdict rests on it; False: it is only shown, and has no interval"),
            _flag("absolute", "held against a least score instead of the baseline's"),
            *_EVIDENCE,
            _number("e_green", "from 0", "evidence that it is not worse than the margin"),
            _number("e_red", "from 0", "evidence that it is worse"),
            *_FLIPPED,
        ),
    ),
    Table(
        "course",
        "the estimate on one metric after so many cases, as evidence came in",
        (
            _OPERATION,
            _VARIANT,
            _METRIC,
            _count("cases", "units", "units so far"),
            _number("delta", "[−1, 1]", "variant − baseline so far"),
            _number("lower", "[−1, 1]", "lower end of the confidence sequence"),
            _number("upper", "[−1, 1]", "upper end"),
        ),
    ),
    Table(
        "flips",
        "a case that a variant scored differently on, by the first metric on which it did",
        (
            _OPERATION,
            _VARIANT,
            _CASE,
            _METRIC,
            _number("baseline_score", "[0, 1]", "score of the baseline's first answer"),
            _number("variant_score", "[0, 1]", "score of the variant's answer"),
            _flag("broke", "True: the variant scored lower, False: higher"),
        ),
    ),
    Table(
        "cases",
        "a case of a suite, in the order asked",
        (
            _OPERATION,
            _CASE,
            _POSITION,
            _count("unit", "from 0", "unit of the statistics that it is in; cases of one source share one"),
            _text("input", "", "what is asked; JSON where it is no text"),
            _text("target", "", "what is expected; JSON where it is no text"),
            _text("metadata", "JSON object", "what the suite says of the case: slices are made by it"),
        ),
    ),
    Table(
        "answers",
        "an answer that this run had, from whichever run it was bought in",
        (
            _OPERATION,
            _VARIANT,
            _ROLE,
            _CASE,
            _POSITION,
            _REPEAT,
            _COUNTED,
            _text("text", "", "what was said; hostile until shown otherwise"),
            _text("kind", "text, tool_calls, empty, refused, …", "what sort of answer it is"),
            _text("finish_reason", "stop, length, tool_calls, …", "why it ended; length: the token limit cut it off"),
            _flag("failed", "there is no answer to grade"),
            _text("error", "", "why there is none"),
            Column("input_tokens", "Int64", "tokens", "as the server counted them"),
            Column("output_tokens", "Int64", "tokens", "as the server counted them"),
            _number("latency_ms", "ms", "wall time to the last byte; NaN where it says nothing, as of a batch"),
            _number("cost_usd", "USD", "what was paid, or is estimated where nobody counted the tokens"),
            _time("answered_at", "when it was given"),
            _text("served_model", "", "the name that the server gave its model"),
            _text("details", "JSON object", "reasoning, tool calls, logprobs, fingerprints"),
            _KEY,
        ),
    ),
    Table(
        "scores",
        "the score of an answer on one metric, by this run's graders",
        (
            _OPERATION,
            _VARIANT,
            _ROLE,
            _CASE,
            _POSITION,
            _REPEAT,
            _COUNTED,
            _METRIC,
            _number("score", "[0, 1]", "1 is right"),
            _KEY,
        ),
    ),
)

TABLES = {table.name: table for table in _TABLES}


def documented(method: Method) -> Method:
    """Adds the columns of the frame that a method is named after to its docstring."""
    method.__doc__ = f"{method.__doc__}\n\n{markdown(TABLES[method.__name__])}"
    return method


def markdown(table: Table) -> str:
    """The columns as a table in Markdown."""
    rows = [("column", "dtype", "unit, range", "meaning"), ("---",) * 4]
    rows += [(f"`{each.name}`", f"`{each.dtype}`", each.values, each.meaning) for each in table.columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def documentation() -> str:
    """All frames with their columns, in Markdown."""
    parts = [f"### {table.name}\n\nA row is {table.row}.\n\n{markdown(table)}" for table in _TABLES]
    return "\n\n".join(parts) + "\n"
