"""What a catalogue file may say: models, their variants, who serves them, at which precision and price."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PlainSerializer, model_validator

from evalgate.formats.documents import Strict
from evalgate.formats.written import refuse_beyond_64_bits

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./:@-]*$", max_length=200)]


def _a_variable(value: object) -> object:
    # checked here and not by the pattern alone, whose error would show the key to somebody who wrote it in this place
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", value):
        message = "expected the name of an environment variable; the key itself never stands in a file"
        raise ValueError(message)
    return value


def without_credentials(value: object) -> object:
    """Raise `ValueError` for a URL with a user or a password in it."""
    if isinstance(value, str) and "@" in value.partition("://")[2].partition("/")[0]:
        message = "no user and password in a URL; name the key's environment variable in api_key_env"
        raise ValueError(message)
    return value


Variable = Annotated[str, BeforeValidator(_a_variable), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Url = Annotated[str, BeforeValidator(without_credentials), Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]


def _dollars(value: object) -> object:
    # 0.15 in YAML is a binary float; its shortest text is what the person wrote
    return str(value) if isinstance(value, float | int) and not isinstance(value, bool) else value


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars, json_schema_input_type=float | str),
    Field(ge=0, le=100_000, allow_inf_nan=False, decimal_places=6),
    PlainSerializer(_plain, return_type=str),
]


def _a_day(value: object) -> object:
    # pydantic would take 20261130 for seconds since 1970, and a time of day for a day
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    message = f"expected a day such as 2026-11-30, got {str(value)[:40]!r}"
    raise ValueError(message)


Day = Annotated[date, BeforeValidator(_a_day, json_schema_input_type=date)]


class Price(Strict):
    """USD per 1M tokens."""

    input: Dollars = Field(description="USD per 1M tokens of the prompt", examples=[0.23])
    output: Dollars = Field(description="USD per 1M tokens of the answer", examples=[0.4])
    as_of: Day | None = Field(default=None, description="the day on which it was looked up; nothing is decided by it")
    basis: Literal["listed", "illustrative"] = Field(
        default="listed", description="illustrative: nobody sells at this price, and every table says so"
    )

    def cost(self, input_tokens: float, output_tokens: float) -> Decimal:
        """USD for one call."""
        million = Decimal(1_000_000)
        return (self.input * Decimal(str(input_tokens)) + self.output * Decimal(str(output_tokens))) / million


class Quantization(Strict):
    """The precision that a provider declares; `undisclosed` is a value of its own, never a guess."""

    label: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$", max_length=40)] = Field(
        description="the precision's name", examples=["fp8"]
    )
    source: Literal["declared", "measured", "undisclosed"] = Field(default="declared", description="how it is known")
    bits_per_weight: Annotated[float, Field(gt=0, le=64)] | None = Field(default=None, description="of the real file")


def _quantization(value: object) -> object:
    if isinstance(value, str):
        return {"label": value, "source": "undisclosed" if value == "undisclosed" else "declared"}
    return value


ToolChoice = Literal["auto", "none", "required", "function"]


class Capabilities(Strict):
    """What a variant can serve; the router filters by it. What is not said is not known, and not relied on."""

    chat: bool = Field(default=True, description="conversations")
    completions: bool = Field(default=True, description="a text that is gone on with")
    tools: bool = Field(default=False, description="calls of tools")
    json_schema: bool = Field(default=False, description="answers by a JSON Schema")
    tool_choice: list[ToolChoice] | None = Field(
        default=None, description="the values of tool_choice that are obeyed; without: not known"
    )
    images: bool = Field(default=False, description="pictures in a prompt")
    context: Annotated[int, Field(ge=1)] | None = Field(default=None, description="tokens of prompt and answer")
    max_output: Annotated[int, Field(ge=1)] | None = Field(default=None, description="tokens of an answer")


DataPolicy = Literal["no_training", "zero_retention"]

PUBLIC_URLS = {"openrouter": "https://openrouter.ai/api/v1", "anthropic": "https://api.anthropic.com/v1"}


class Provider(Strict):
    """Who serves. The key is named, never written: `api_key_env` is the name of an environment variable."""

    id: Name = Field(description="by which variants name it", examples=["acme"])
    protocol: Literal["openai", "anthropic", "openrouter", "azure", "replay"] = Field(
        default="openai", description="what it speaks; replay: recorded answers"
    )
    base_url: Url | None = Field(
        default=None, description="openrouter and anthropic have one by default; azure: that of the resource"
    )
    api_version: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2}(-preview)?|v1|preview)$")] | None = Field(
        default=None, description="protocol azure: a date for the older API by deployment; default: /openai/v1"
    )
    api_key_env: Variable | None = Field(
        default=None,
        description="the environment variable that holds the key; default: none is sent",
        examples=["ACME_KEY"],
    )
    concurrency: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=8, description="calls at once, at most; how many it bears is found out"
    )
    timeout: Annotated[float, Field(gt=0, le=86_400)] = Field(default=60.0, description="seconds for a whole answer")
    connect_timeout: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=10.0, description="seconds until there is a connection, TLS included"
    )
    first_byte_timeout: Annotated[float, Field(gt=0, le=86_400)] | None = Field(
        default=None, description="seconds from then to the first byte, or to a stream's first event; default: timeout"
    )
    stream: bool = Field(default=False, description="ask for a stream, to measure the time to the first token")
    requests_per_minute: Annotated[int, Field(ge=1)] | None = Field(default=None, description="never more than these")
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = Field(default=None, description="of prompts and answers")
    retries: Annotated[int, Field(ge=0, le=20)] = Field(default=5, description="further attempts for each case")

    @model_validator(mode="before")
    @classmethod
    def _at_the_public_url(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("base_url") is None and isinstance(data.get("protocol"), str):
            return {**data, "base_url": PUBLIC_URLS.get(data["protocol"])}
        return data


def _that_can_be_hashed(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    refuse_beyond_64_bits(value)
    return value


Percentile = Annotated[float, Field(ge=0, lt=1e12, allow_inf_nan=False)]
Percentiles = Annotated[dict[Literal["p50", "p75", "p90", "p95", "p99"], Percentile], Field(min_length=1)]
Percentage = Annotated[float, Field(ge=0, le=100)]


class Observed(Strict):
    """What somebody else saw of their own traffic to a variant: shown with source, n and age, never routed by."""

    source: Name = Field(description="who saw it", examples=["openrouter"])
    at: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z$")] = Field(description="when it was looked up")
    requests: Annotated[int, Field(ge=0)] | None = Field(default=None, description="n: in the last 30 minutes")
    first_token_ms: Percentiles | None = Field(default=None, description="of the last 30 minutes")
    tokens_per_second: Percentiles | None = Field(default=None, description="of the last 30 minutes")
    uptime: Annotated[dict[Literal["5m", "30m", "1d"], Percentage], Field(min_length=1)] | None = Field(
        default=None, description="100 × successful ÷ (successful + error); rate-limited calls are not counted"
    )
    degraded: bool | None = Field(default=None, description="whether the source itself says so")


class Imported(Strict):
    """What an import wrote, so that the next one knows its own values from those that a person wrote."""

    as_of: Day = Field(description="the day of the source's list")
    wrote: dict[str, Annotated[str, Field(pattern="^v[0-9a-f]{8}$")]] = Field(
        description="by field, a short hash of the value that was written; a value of another hash is a person's"
    )


class Variant(Strict):
    """One way to get a model: provider + path + quantization + serving configuration + price."""

    id: Name = Field(description="what is typed wherever the variant is meant", examples=["budget-fp8"])
    provider: Name = Field(description="the id of who serves it", examples=["budget"])
    path: str = Field(default="direct", description="by which way it is reached, where there are several")
    tag: str | None = Field(
        default=None, description="tells two endpoints of one provider apart; protocol openrouter: deepinfra/fp8"
    )
    answers_as: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="other names of who answers: of the model, or at openrouter of the tag's provider"
    )
    served_as: str | None = Field(default=None, description="the model's name at the provider; default: the model's id")
    quantization: Annotated[Quantization, BeforeValidator(_quantization, json_schema_input_type=str | Quantization)] = (
        Field(description="the precision; `undisclosed` where nobody says", examples=["fp8", "undisclosed"])
    )
    serving: Annotated[dict[str, JsonValue], AfterValidator(_that_can_be_hashed)] = Field(
        default={}, description="engine, context, weights: a change is a new variant"
    )
    recording: str | None = Field(default=None, description="protocol replay: the file of recorded answers")
    price: Price = Field(description="USD per 1M tokens", examples=[{"input": 0.23, "output": 0.4}])
    batch_discount: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="what its batch API takes off the price, such as 0.5; without: it has none"
    )
    capabilities: Capabilities = Field(
        default=Capabilities(), description="what it can serve", json_schema_extra={"default": {}}
    )
    data_policy: DataPolicy | None = Field(
        default=None,
        description="what is promised of the callers' data; zero_retention is the stricter; without: nothing",
    )
    observed: Observed | None = Field(default=None, description="what somebody else saw; shown, never routed by")
    imported: dict[Name, Imported] = Field(default={}, description="by source; written by evalgate catalog import")

    @property
    def aliases(self) -> list[str]:
        """The names in `answers_as`."""
        return [self.answers_as] if isinstance(self.answers_as, str) else self.answers_as or []


class Popularity(Strict):
    """How much a model is used, as one source counts it."""

    requests: Annotated[int, Field(ge=0)] = Field(description="in 30 minutes, at all providers of the source")
    source: Name = Field(description="who counts")
    as_of: Day = Field(description="when")


class Model(Strict):
    """What is asked for, and every way to get it."""

    id: Name = Field(
        description="what suites and callers ask for, and what is sent unless served_as says otherwise",
        examples=["meta-llama/llama-3.1-70b-instruct"],
    )
    name: str = Field(default="", description="for people")
    aliases: list[Name] = Field(default=[], description="other names under which benchmark reports know it")
    author: str | None = Field(default=None, description="who made it")
    family: str | None = Field(default=None, description="llama, qwen, gpt: those that are built on one another")
    released: Day | None = Field(default=None, description="the day", examples=["2024-07-23"])
    open_weights: bool | None = Field(default=None, description="shown; nothing is computed from it")
    context: Annotated[int, Field(ge=1)] | None = Field(default=None, description="tokens, at native serving")
    popularity: Popularity | None = Field(default=None, description="how much it is used; written by an import")
    baseline: Name | None = Field(
        default=None, description="the variant that takes the calls of operations without a suite; default: the suites'"
    )
    imported: dict[Name, Imported] = Field(default={}, description="by source; written by evalgate catalog import")
    variants: Annotated[list[Variant], Field(min_length=1)] = Field(description="every way to get it")


class CatalogFile(Strict):
    """`catalog.yaml`."""

    version: Literal[1] = Field(default=1, description="of this format")
    providers: Annotated[list[Provider], Field(min_length=1)] = Field(description="who serves")
    models: Annotated[list[Model], Field(min_length=1)] = Field(description="what is served")
