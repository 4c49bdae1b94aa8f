"""The signal document, `evalgate.signal/v1`: a full snapshot of all current verdicts, as routers read it.

The models say what the format is (their JSON Schema is published). A router imports this to read the signal, so nothing
here imports what judges: `issue` makes a document from a board.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from evalgate.errors import SignalError
from evalgate.formats.canonical import canonical, digest

HEARTBEAT = timedelta(minutes=10)  # how soon a publisher must be heard of again

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


class SignalWithdrawal(_Format):
    """Why a variant that was proven is not eligible any more: `red` proven worse, `unknown` only suspended.

    It stands until enough certifications have passed; one counts whose answers were all given at `at` or later.
    """

    state: Literal["red", "unknown"]
    at: AwareDatetime
    reason: str = ""


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
    certified: AwareDatetime | None = Field(
        default=None, description="when the oldest of the answers behind the verdict was given"
    )
    watched: AwareDatetime | None = Field(
        default=None, description="when the newest evidence was given that it has stayed green, beside the verdict"
    )
    withdrawn: SignalWithdrawal | None = None


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
        """The canonical bytes: what is published, hashed and signed."""
        return canonical(self.model_dump(mode="json", by_alias=True))

    def entry(self, operation: str, variant: str) -> SignalEntry | None:
        """The entry for a variant on an operation, if there is one."""
        matching = (each for each in self.entries if (each.operation, each.variant.id) == (operation, variant))
        return next(matching, None)


def parse(payload: bytes) -> SignalDocument:
    """The document in the payload of an envelope, or in an unsigned file.

    Raises `SignalError`, which says what is not as it should be, and where.
    """
    try:
        return SignalDocument.model_validate_json(payload)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SignalError(f"not a signal document: {where}{': ' if where else ''}{first['msg']}") from None


def renewed(document: SignalDocument, *, now: datetime) -> SignalDocument:
    """The heartbeat: the same verdicts in the next document. It proves nothing anew, so no entry gets any younger."""
    now = now.astimezone(UTC).replace(microsecond=0)
    following = {"seq": document.seq + 1, "prev": digest(document.encode()), "issued_at": now}
    return document.model_copy(update={**following, "expires_at": now + HEARTBEAT})


def json_schema() -> Mapping[str, object]:
    """The format's JSON Schema."""
    return SignalDocument.model_json_schema(by_alias=True)
