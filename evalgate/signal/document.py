"""The signal document, `evalgate.signal/v1`: a full snapshot of all current verdicts, as routers read it.

The models say what the format is (their JSON Schema is published); `issue` makes the next document from a board and the
document before it. Pure: time is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from evalgate.formats.canonical import canonical, digest
from evalgate.gate import Board, OperationBoard, Usage, VariantFacts, Verdict

HEARTBEAT = timedelta(minutes=10)  # how soon a publisher must be heard of again
PASSES_AFTER_RED = 2  # one proven failure withdraws at once; coming back takes two passes

State = Literal["green", "red", "unknown"]
Hash = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Format(BaseModel):
    # readers of v1 ignore keys that later versions add
    model_config = ConfigDict(frozen=True, extra="ignore")


class SignalQuantization(_Format):
    """What the provider declares; `undisclosed` is a value."""

    label: str
    source: str


class SignalPrice(_Format):
    """USD per 1M tokens, as decimal texts."""

    input: str
    output: str
    unit: Literal["USD/1M tokens"] = "USD/1M tokens"
    basis: str = "listed"


class SignalVariant(_Format):
    """Which endpoint is meant, down to the configuration: another `config` is another variant."""

    id: str
    provider: str
    path: str
    tag: str | None
    quantization: SignalQuantization
    config: Hash
    price: SignalPrice


class Tokens(_Format):
    """Means per answer; null where nothing is known. `basis`: counted by the server, or estimated."""

    input: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    basis: Literal["counted", "estimated", "unknown"] = "counted"


class SignalEvidence(_Format):
    """What the verdict rests on; `flips` is [broke, fixed], `interval` a confidence sequence of `level`."""

    suite: Hash
    baseline_config: Hash = Field(description="of the baseline that it was held against; another one proves nothing")
    cases: Annotated[int, Field(ge=0)]
    metric: str
    delta: float
    interval: tuple[float, float]
    level: float
    margin: float
    alpha: float
    control: str
    e_green: float
    e_red: float
    flips: tuple[int, int]
    success: Annotated[float, Field(ge=0, le=1)] = Field(description="share of calls that were answered")
    tokens: Tokens = Field(description="of the variant's answers, at the input that was counted for the baseline")
    baseline_tokens: Tokens | None = Field(default=None, description="of the baseline's answers to the same cases")
    kinds: dict[str, int] = Field(default={}, description="how many of the variant's answers were of which kind")
    attempt: Annotated[int, Field(ge=1)] = Field(default=1, description="which try this was, of those that are charged")
    charged: float | None = Field(default=None, description="the alpha that this try was charged")
    beyond_margin: bool = Field(default=False, description="of a red: the loss is proven to be more than the margin")
    run: str


class SignalEntry(_Format):
    """One variant on one operation; only `state: green` with a future `valid_until` makes it eligible."""

    operation: str
    model: str
    baseline: str
    variant: SignalVariant
    state: State
    verdict: Literal["green", "red", "inconclusive"]
    claim: str
    since: AwareDatetime
    green_runs: int
    valid_until: AwareDatetime
    reason: str
    evidence: SignalEvidence


class SignalDocument(_Format):
    """Everything that a router needs, in one document."""

    schema_: Literal["evalgate.signal/v1"] = Field(default="evalgate.signal/v1", alias="schema")
    stream: str
    seq: Annotated[int, Field(ge=1)]
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    prev: Hash | None
    policy: Hash
    entries: tuple[SignalEntry, ...]

    @model_validator(mode="after")
    def _one_entry_each(self) -> SignalDocument:
        seen: set[tuple[str, str]] = set()
        for entry in self.entries:
            key = (entry.operation, entry.variant.id)
            if key in seen:
                message = f"two entries for {entry.variant.id!r} on {entry.operation!r}"
                raise ValueError(message)
            seen.add(key)
        return self

    def encode(self) -> bytes:
        """The canonical bytes: what is published, hashed and (later) signed."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    def entry(self, operation: str, variant: str) -> SignalEntry | None:
        """The entry for a variant on an operation, if there is one."""
        matching = (each for each in self.entries if (each.operation, each.variant.id) == (operation, variant))
        return next(matching, None)


def issue(board: Board, previous: SignalDocument | None, *, stream: str, now: datetime) -> SignalDocument:
    """The next document: the board's verdicts, and the previous entries that it says nothing about.

    What an older suite proved of a variant that was not judged this time is not kept.
    """
    suites = {each.operation: each.suite_hash for each in board.operations}
    told = {(each.operation, verdict.variant.id) for each in board.operations for verdict in each.verdicts}
    kept = [
        entry
        for entry in (previous.entries if previous else ())
        if (entry.operation, entry.variant.id) not in told
        and suites.get(entry.operation, entry.evidence.suite) == entry.evidence.suite
    ]
    made = [
        _entry(board, operation, verdict, previous.entry(operation.operation, verdict.variant.id) if previous else None)
        for operation in board.operations
        for verdict in operation.verdicts
    ]
    entries = sorted((*kept, *made), key=lambda entry: (entry.operation, entry.variant.id))
    policy = [[e.operation, e.evidence.margin, e.evidence.alpha, e.evidence.control, e.claim] for e in entries]
    now = now.astimezone(UTC).replace(microsecond=0)
    return SignalDocument(
        stream=stream,
        seq=previous.seq + 1 if previous else 1,
        issued_at=now,
        expires_at=now + HEARTBEAT,
        prev=digest(previous.encode()) if previous else None,
        policy=digest(policy),
        entries=tuple(entries),
    )


def _entry(board: Board, operation: OperationBoard, verdict: Verdict, previous: SignalEntry | None) -> SignalEntry:
    if previous is not None and previous.variant.config != verdict.variant.config:
        previous = None  # another configuration is another variant; its past says nothing about this one
    # a green is as old as all of its evidence; what a wrong clock dated into the future is no younger than the run
    told = [usage.oldest for usage in (verdict.usage, verdict.baseline_usage) if usage.answers]
    oldest = min([*told, board.at])
    answered = datetime.fromtimestamp(int(oldest), UTC)
    valid_until = answered + timedelta(seconds=operation.policy.valid_seconds)
    fresh = previous is None or previous.valid_until != valid_until
    state, passes = _state(verdict, previous, fresh=fresh)
    unchanged = previous is not None and previous.state == state
    return SignalEntry(
        operation=operation.operation,
        model=operation.model,
        baseline=operation.baseline.id,
        variant=_variant(verdict.variant),
        state=state,
        verdict=verdict.outcome,
        claim=operation.analysis,
        since=previous.since if previous is not None and unchanged else datetime.fromtimestamp(int(board.at), UTC),
        green_runs=passes,
        valid_until=valid_until,
        reason=verdict.reason,
        evidence=_evidence(board.run, operation, verdict),
    )


def _state(verdict: Verdict, previous: SignalEntry | None, *, fresh: bool) -> tuple[State, int]:
    """State and passes in a row. One red withdraws at once; after a red, one pass is not yet enough.

    A pass counts only on fresh answers: checking again what is in the store proves nothing again.
    """
    if verdict.outcome == "red":
        return "red", 0
    withdrawn = previous is not None and (
        previous.state == "red" or (previous.state == "unknown" and previous.green_runs > 0)
    )
    if verdict.outcome == "inconclusive":
        return ("red" if withdrawn else "unknown"), 0  # what was proven worse stays so until it passes
    passes = (previous.green_runs if previous is not None else 0) + int(fresh)
    if withdrawn and passes < PASSES_AFTER_RED:
        return "unknown", passes
    return "green", passes


def _variant(facts: VariantFacts) -> SignalVariant:
    return SignalVariant(
        id=facts.id,
        provider=facts.provider,
        path=facts.path,
        tag=facts.tag,
        quantization=SignalQuantization(label=facts.quantization, source=facts.quantization_source),
        config=facts.config,
        price=SignalPrice(input=facts.price_input, output=facts.price_output, basis=facts.price_basis),
    )


def _evidence(run: str, operation: OperationBoard, verdict: Verdict) -> SignalEvidence:
    metric, usage = verdict.worst, verdict.usage
    return SignalEvidence(
        suite=operation.suite_hash,
        baseline_config=operation.baseline.config,
        cases=verdict.cases,
        metric=metric.metric,
        delta=metric.delta,
        interval=metric.interval,
        level=metric.level,
        margin=operation.policy.margin,
        alpha=operation.policy.alpha,
        control=operation.policy.control,
        e_green=metric.e_green,
        e_red=metric.e_red,
        flips=(metric.broke, metric.fixed),
        success=1 - usage.failed / usage.answers if usage.answers else 0.0,  # a spent budget asks nothing
        tokens=_tokens(usage),
        baseline_tokens=_tokens(verdict.baseline_usage),
        kinds=dict(usage.kinds.items()),
        attempt=verdict.trying.number,
        charged=verdict.trying.level,
        beyond_margin=verdict.beyond_margin,
        run=run,
    )


def _tokens(usage: Usage) -> Tokens:
    return Tokens(input=usage.input_tokens, output=usage.output_tokens, basis=usage.tokens)


def json_schema() -> Mapping[str, object]:
    """The format's JSON Schema."""
    return SignalDocument.model_json_schema(by_alias=True)
