"""What a catalogue file may say: models, their variants, who serves them, at which precision and price."""

from __future__ import annotations

import re
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


def _without_credentials(value: object) -> object:
    if isinstance(value, str) and "@" in value.partition("://")[2].partition("/")[0]:
        message = "no user and password in a URL; name the key's environment variable in api_key_env"
        raise ValueError(message)
    return value


Variable = Annotated[str, BeforeValidator(_a_variable), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Url = Annotated[str, BeforeValidator(_without_credentials), Field(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]


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


class Price(Strict):
    """USD per 1M tokens."""

    input: Dollars
    output: Dollars
    basis: Literal["listed", "illustrative"] = Field(
        default="listed", description="illustrative: nobody sells at this price, and every table says so"
    )

    def cost(self, input_tokens: float, output_tokens: float) -> Decimal:
        """USD for one call."""
        million = Decimal(1_000_000)
        return (self.input * Decimal(str(input_tokens)) + self.output * Decimal(str(output_tokens))) / million


class Quantization(Strict):
    """The precision that a provider declares; `undisclosed` is a value of its own, never a guess."""

    label: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$", max_length=40)]
    source: Literal["declared", "measured", "undisclosed"] = "declared"
    bits_per_weight: Annotated[float, Field(gt=0, le=64)] | None = Field(default=None, description="of the real file")


def _quantization(value: object) -> object:
    if isinstance(value, str):
        return {"label": value, "source": "undisclosed" if value == "undisclosed" else "declared"}
    return value


class Capabilities(Strict):
    """What a variant can serve; the router filters by it. None means: not known, so not relied on."""

    chat: bool = True
    completions: bool = True
    tools: bool = False
    json_schema: bool = False
    images: bool = False
    context: Annotated[int, Field(ge=1)] | None = None
    max_output: Annotated[int, Field(ge=1)] | None = None


DataPolicy = Literal["no_training", "zero_retention"]

PUBLIC_URLS = {"openrouter": "https://openrouter.ai/api/v1", "anthropic": "https://api.anthropic.com/v1"}


class Provider(Strict):
    """Who serves. The key is named, never written: `api_key_env` is the name of an environment variable."""

    id: Name
    protocol: Literal["openai", "anthropic", "openrouter", "azure", "replay"] = "openai"
    base_url: Url | None = Field(
        default=None, description="openrouter and anthropic have one by default; azure: that of the resource"
    )
    api_version: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2}(-preview)?|v1|preview)$")] | None = Field(
        default=None, description="protocol azure: a date for the older API by deployment; default: /openai/v1"
    )
    api_key_env: Variable | None = None
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 8
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


class Variant(Strict):
    """One way to get a model: provider + path + quantization + serving configuration + price."""

    id: Name
    provider: Name
    path: str = "direct"
    tag: str | None = Field(
        default=None, description="tells two endpoints of one provider apart; protocol openrouter: deepinfra/fp8"
    )
    answers_as: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="other names of who answers: of the model, or at openrouter of the tag's provider"
    )
    served_as: str | None = Field(default=None, description="the model's name at the provider; default: the model's id")
    quantization: Annotated[Quantization, BeforeValidator(_quantization, json_schema_input_type=str | Quantization)]
    serving: Annotated[dict[str, JsonValue], AfterValidator(_that_can_be_hashed)] = Field(
        default={}, description="engine, context, weights: a change is a new variant"
    )
    recording: str | None = Field(default=None, description="protocol replay: the file of recorded answers")
    price: Price
    batch_discount: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="what its batch API takes off the price, such as 0.5; None: it has none"
    )
    capabilities: Capabilities = Capabilities()
    data_policy: DataPolicy | None = Field(
        default=None, description="what is promised of the callers' data; zero_retention is the stricter; None: nothing"
    )

    @property
    def aliases(self) -> list[str]:
        """The names in `answers_as`."""
        return [self.answers_as] if isinstance(self.answers_as, str) else self.answers_as or []


class Model(Strict):
    """What is asked for, and every way to get it."""

    id: Name
    name: str = ""
    baseline: Name | None = Field(
        default=None, description="the variant that takes the calls of operations without a suite; default: the suites'"
    )
    variants: Annotated[list[Variant], Field(min_length=1)]


class CatalogFile(Strict):
    """`catalog.yaml`."""

    version: Literal[1] = 1
    providers: Annotated[list[Provider], Field(min_length=1)]
    models: Annotated[list[Model], Field(min_length=1)]
