"""What a suite file may say; keys follow what users know from other evaluation tools wherever those have one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from evalgate.exchange import JsonValue
from evalgate.formats.documents import Strict
from evalgate.formats.written import refuse_beyond_64_bits
from evalgate.suite.dataset import Dataset
from evalgate.suite.examples import Examples
from evalgate.suite.generation import Generation, Tool
from evalgate.suite.turns import ChatMessage
from evalgate.suite.written import Written

_DURATION = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: object) -> timedelta:
    """`90s`, `30m`, `24h`, `7d`, `2w` → timedelta; raises `ValueError` for anything else, zero, and over ten years."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        message = f"expected a duration such as 30m, 24h or 7d, got {value!r}"
        raise ValueError(message)
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if duration > timedelta(days=3650):
        message = f"expected at most ten years (3650d), got {value!r}"
        raise ValueError(message)
    return duration


def _days(number: int) -> dict[str, JsonValue]:
    """Of a default in the schema: as people write it. Pydantic would have ISO 8601, which no suite may say."""
    return {"default": f"{number}d"}


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(lambda value: int(value.total_seconds()), return_type=int),
]


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:@-]*$", max_length=200)]


class After(Strict):
    """What stands behind the last occurrence of a text; nothing where it does not occur."""

    after: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="that text", examples=["Label:"])


class Matched(Strict):
    """The last match of a pattern: its first group, or the whole without one; nothing where it is not found."""

    regex: Annotated[str, Field(min_length=1, max_length=10_000)] = Field(
        description="the pattern", examples=["answer: (\\w+)"]
    )


Transform = Literal["extract_code", "first_line", "last_line", "json_repair"] | After | Matched


def _several(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


class Assertion(BaseModel):
    """One grader and what it is held against; keys beyond these are the grader's own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="the grader; `evalgate graders` names them all", examples=["exact"])
    value: Written = Field(default=None, description="what is expected; by default the case's target")
    threshold: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="when given, the score counts as 1 from here on and as 0 below", examples=[0.8]
    )
    weight: Annotated[float, Field(gt=0, le=1_000_000)] = Field(default=1.0, description="share in its metric")
    metric: Name = Field(default="score", description="assertions of one metric are averaged; each metric is gated")
    reasoning: Literal["strip", "keep"] = Field(
        default="strip", description="whether a block such as <think>…</think> at the answer's beginning is graded too"
    )

    allow_empty: bool = Field(
        default=False, description="whether an answer without any content is graded at all; otherwise it scores 0"
    )

    transform: Annotated[
        list[Transform],
        Field(max_length=10),
        BeforeValidator(_several, json_schema_input_type=Transform | list[Transform]),
    ] = Field(default=[], description="what is taken out of the answer before it is graded, one step after the other")

    @model_serializer(mode="wrap")
    def _without_what_was_not_said(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """A suite that says nothing of these keeps the hash that it had before there was a word for them."""
        written: dict[str, object] = write(self)
        if self.reasoning == "strip":
            written.pop("reasoning", None)
        if not self.allow_empty:
            written.pop("allow_empty", None)
        if not self.transform:
            written.pop("transform", None)
        return written

    @property
    def options(self) -> dict[str, object]:
        """The keys that only this grader knows."""
        return dict(self.model_extra or {})

    @property
    def identity(self) -> dict[str, object]:
        """All that could change a score, to be hashed: `value` with the text of its numbers."""
        return self.model_dump(mode="json") | {"value": self.value}

    @model_validator(mode="after")
    def _options_that_can_be_hashed(self) -> Assertion:
        refuse_beyond_64_bits(self.options)
        return self


Detector = Literal[
    "scores",
    "flips",
    "first_tokens",  # of one-token calls at temperature 0: is it the same model that answers?
    "other_metrics",  # those that are shown and do not decide, such as whether an answer fits its schema
    "length",
    "refusal",
    "truncation",
    "prompt_tokens",
    "served_model",
    "fingerprint",
]


class Watch(Strict):
    """How a green is kept proven, from day to day (`evalgate watch`)."""

    cases_per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="cases that each green variant, and the baseline beside it, is asked anew each day; default: a"
        " tenth of those that its certification took, at least 10 and at most 50",
    )
    every: Duration = Field(
        default=timedelta(days=1),
        description="how often: once in so long",
        examples=["12h"],
        json_schema_extra=_days(1),
    )
    run_length: Annotated[float, Field(ge=10, le=1_000_000)] = Field(
        default=1000.0, description="days between two false alarms of a variant that has not changed, at least"
    )
    detectors: Annotated[list[Detector], Field(min_length=1)] | None = Field(
        default=None,
        description="what is looked at; default: all. Only scores can make red, the others suspend",
        examples=[["scores", "flips"]],
    )
    certify_every: Duration = Field(
        default=timedelta(days=90),
        description="the longest time for which watching prolongs one certification",
        json_schema_extra=_days(90),
    )


class Gate(Strict):
    """What has to be proven, and what the proof may cost."""

    margin: Annotated[float, Field(ge=1e-5, lt=1)] = Field(
        description="how much worse still counts as as good; below 0.00001 nothing can be proven", examples=[0.02]
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(default=0.05, description="allowed share of false green")
    beta: Annotated[float, Field(gt=0, lt=0.5)] = Field(default=0.05, description="allowed share of false red")
    claim: Literal["traffic", "suite"] = Field(
        default="traffic", description="what the proof is about: the operation's traffic, or this finite suite itself"
    )
    red_margin: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.0, description="red only beyond this")
    metrics: Annotated[list[Name], Field(min_length=1)] | None = Field(
        default=None,
        description="which metrics decide; default: all that are asserted. Others are only shown",
        examples=[["score", "valid_json"]],
    )
    min_score: dict[Name, Annotated[float, Field(gt=0, le=1)]] = Field(
        default={},
        description="least mean score of the variant itself, by metric; 1.0: a single failure is red",
        examples=[{"valid_json": 0.99}],
    )
    baseline_check: bool = Field(
        default=True, description="hold the baseline against itself; a suite that fails this cannot judge anyone"
    )
    control_variate: bool = Field(
        default=True,
        description="claim suite: use the baseline's scores on all cases where its answers are known already",
    )
    control: Literal["family", "verdict"] = Field(
        default="family", description="family: any false green among the operation's variants; verdict: each on its own"
    )
    max_cases: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="at most so many cases a variant", examples=[500]
    )
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] = Field(
        default=1, description="fixes the random order in which cases are asked"
    )
    valid_for: Duration = Field(
        default=timedelta(days=7), description="how long a green stays valid", json_schema_extra=_days(7)
    )
    on_inconclusive: Literal["fail", "pass"] = Field(
        default="fail", description="exit code 3 or 0; an inconclusive variant is never eligible either way"
    )
    green_after: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="certifications in a row that make a variant eligible; after a red at least two"
    )
    watch: Watch = Field(
        default=Watch(), description="how a green is kept proven from day to day", json_schema_extra={"default": {}}
    )


class Budget(Strict):
    """What one run may spend on new answers; what is open then stays inconclusive."""

    usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="USD; the check ends before it would spend more"
    )
    calls: Annotated[int, Field(ge=1)] | None = Field(default=None, description="attempts, also those that fail")


def _budget(value: object) -> object:
    return {"usd": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


def _listed(value: object) -> object:
    return {"cases": value} if isinstance(value, list) else value


Shown = Annotated[Examples, BeforeValidator(_listed, json_schema_input_type=Examples | list[dict[str, object]])]


class Defaults(Strict):
    """What every case has that says nothing else; metadata is filled in key by key."""

    input: Written = Field(default=None, description="what the prompt is made of")
    target: Written = Field(default=None, description="what graders expect")
    metadata: dict[str, Written] = Field(
        default={}, description="filled in key by key", examples=[{"source": "helpdesk"}]
    )


Slice = Annotated[str, Field(pattern=r"^metadata\.[^.\s]+$")]


class SuiteFile(Strict):
    """`suites/*.yaml`: how one operation is evaluated."""

    version: Literal[1] = Field(default=1, description="of this format")
    operation: Name = Field(
        description="what production traffic of this kind is tagged with", examples=["classify_ticket"]
    )
    description: str = Field(default="", description="for people; nothing is decided by it")
    tags: list[str] = Field(
        default=[], description="for people, and for `pytest -k`", examples=[["helpdesk", "nightly"]]
    )
    model: Name = Field(
        description="the model of the catalogue that is asked", examples=["meta-llama/llama-3.1-70b-instruct"]
    )
    baseline: Name = Field(
        description="the variant that the others are held against: full precision", examples=["acme-bf16"]
    )
    variants: list[Name] | None = Field(
        default=None, description="who is judged; default: all variants of the model", examples=[["budget-fp8"]]
    )
    extends: str | None = Field(
        default=None,
        description="another suite's file, of which this one says only what is different",
        examples=["../base.yaml"],
    )
    cases: str | list[dict[str, Written]] | None = Field(
        default=None,
        description="a JSONL, CSV or Parquet file beside the suite, or the cases: id, input, target, metadata,"
        " messages, tools",
        examples=["tickets.jsonl", [{"id": "t1", "input": "Where is my order?", "target": "shipping"}]],
    )
    dataset: str | list[dict[str, Written]] | Dataset | None = Field(
        default=None,
        description="in place of cases; of a file or the hub, with columns that are called otherwise",
        examples=[{"path": "tickets.parquet", "columns": {"input": "text", "target": "queue"}}],
    )
    defaults: Defaults | None = Field(default=None, description="what every case has that says nothing else")
    prompt: str | list[ChatMessage] = Field(
        description="Jinja2: a text for completions, a list for chat; file://NAME: what is in the file",
        examples=[[{"role": "user", "content": "{{ input }}"}], "file://prompt.txt"],
    )
    examples: Shown | None = Field(
        default=None,
        description="solved cases that are put before what is asked (few-shot)",
        examples=[{"count": 3, "seed": 1}],
    )
    tools: Annotated[list[Tool], Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="what the model may call; the same as generation.tools"
    )
    generation: Generation = Field(
        default=Generation(),
        description="how it is asked: sampling, limits, tools, form",
        json_schema_extra={"default": {}},
    )
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="how often each case is asked; a case's score is the mean, and it stays one case"
    )
    cluster_by: Annotated[str, Field(pattern=r"^metadata\.[^.\s]+$")] | None = Field(
        default=None,
        description="metadata.KEY: cases that share its value share a source and count as one",
        examples=["metadata.customer"],
    )
    cluster_weight: Literal["cases", "equal"] = Field(
        default="cases", description="what the mean is over: cases, so that large clusters count more, or clusters"
    )
    near_duplicates: Literal["cluster", "refuse", "allow"] = Field(
        default="cluster",
        description="cases that ask nearly the same count as one, or are refused, or are not looked for",
    )
    slices: Annotated[list[Slice], Field(max_length=20)] = Field(
        default=[],
        description="metadata.KEY: scores are also told for each value of it; they decide nothing",
        examples=[["metadata.lang"]],
    )
    budget: Annotated[Budget, BeforeValidator(_budget, json_schema_input_type=float | Budget)] = Field(
        default=Budget(),
        description="USD that one run may spend on new answers, or {usd: …, calls: …}; default: no limit",
        examples=[2.5, {"usd": 2.5, "calls": 5000}],
        json_schema_extra={"default": {}},
    )
    answer_ttl: Duration | None = Field(
        default=None, description="older answers are bought anew; default: half of gate.valid_for", examples=["3d"]
    )
    baseline_ttl: Duration | None = Field(default=None, description="the same for the baseline; default: answer_ttl")
    assertions: list[Assertion] = Field(
        alias="assert",
        min_length=1,
        description="the graders; [graders-reference.md](graders-reference.md) has the options of each",
        examples=[[{"type": "exact"}]],
    )
    gate: Gate = Field(description="what has to be proven, and what the proof may cost", examples=[{"margin": 0.02}])

    @property
    def source(self) -> str | list[dict[str, JsonValue]] | Dataset:
        """Where the cases are."""
        found = self.cases if self.cases is not None else self.dataset
        assert found is not None
        return found

    @model_validator(mode="after")
    def _that_fit_together(self) -> SuiteFile:
        if (self.cases is None) == (self.dataset is None):
            message = "a suite has its cases either under cases or under dataset"
            raise ValueError(message)
        return self

    def max_age(self, variant: str) -> float:
        """Seconds for which an answer of `variant` counts as known.

        By default half of what a verdict is valid for, so that a check made in time renews the proof before it expires.
        """
        answers = self.answer_ttl or self.gate.valid_for / 2
        return (self.baseline_ttl or answers if variant == self.baseline else answers).total_seconds()
