"""What a router knows of a call before it chooses: the operation, the tier, what is needed, and what is not allowed.

`call_of` reads it from an OpenAI-shaped body and its headers. A label that cannot be understood (an unknown tier, two
different operations) sends the call to the baseline, and the decision says why; a *limit* that cannot be understood is
an error, because a caller who set one must not be served without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

from evalgate.catalog import DataPolicy, ToolChoice
from evalgate.errors import InputError

Tier = Literal["realtime", "standard", "batch"]
TIERS: tuple[Tier, ...] = get_args(Tier)
LONGEST_NAME = 200  # characters of an operation, a tier or a model
BYTES_PER_TOKEN = 3  # few, so that a prompt is rather taken for too long than for short enough
MOST_TOKENS = 100_000_000
LONGEST_NUMBER = 40  # characters
PICTURE_TOKENS = 2_000  # about what the largest pictures are billed as; their base64 says nothing of it
_PICTURES = ("image_url", "image", "input_image")
_MEDIA = ("input_audio", "audio", "video", "video_url", "file", "input_file", "document")
_CHOICES: tuple[ToolChoice, ...] = ("none", "required")  # but for the default, and one function by name


@dataclass(frozen=True, slots=True)
class MaxPrice:
    """The most that a caller pays, in USD per 1M tokens; None: any."""

    input: Decimal | None = None
    output: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as far as the choice depends on it.

    `operation` None: not tagged, so nothing is proven for it. `model` None: the only one that the operation has.
    `input_tokens` and `max_output` None: not known, not filtered by. `note` says what of its labels was not understood.
    """

    operation: str | None
    model: str | None = None
    tier: Tier = "standard"
    tools: bool = False
    json_schema: bool = False
    images: bool = False
    media: bool = False  # sound, films, files: nobody's catalogue says who takes them
    completions: bool = False
    input_tokens: int | None = None
    max_output: int | None = None
    max_price: MaxPrice | None = None
    data_policy: DataPolicy | None = None
    note: str = ""
    tool_choice: ToolChoice = "auto"


def call_of(body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Call:
    """The call that a request body of the OpenAI API, or of Anthropic's, and its headers (any case) describe.

    Operation: `x-evalgate-operation`, `metadata.operation_id`. Tier: `x-evalgate-tier`, `metadata.tier`, or
    `service_tier` where it is one of ours; any other value there is the provider's own. Limits: OpenRouter's
    `provider.max_price` (USD per 1M tokens), `provider.data_collection: deny` and `provider.zdr`.

    Raises `InputError` for a model or a limit that cannot be read.
    """
    metadata = _mapping(body.get("metadata"))
    provider = _mapping(body.get("provider"))
    answer = _mapping(body.get("response_format")) or _mapping(_mapping(body.get("output_config")).get("format"))
    said = _Said.by(body.get("messages", body.get("prompt")))
    call = Call(
        operation=None,
        model=_model(body.get("model")),
        tools=bool(body.get("tools") or body.get("functions")),
        json_schema=answer.get("type") == "json_schema",
        completions="messages" not in body and "prompt" in body,
        images=said.pictures > 0,
        media=said.media,
        input_tokens=said.size // BYTES_PER_TOKEN
        + said.pictures * PICTURE_TOKENS
        + _Said.by(body.get("tools")).size // BYTES_PER_TOKEN
        + _Said.by(body.get("system")).size // BYTES_PER_TOKEN,
        max_output=_limit(body),
        max_price=_max_price(provider.get("max_price")),
        data_policy=_data_policy(provider),
        tool_choice=_tool_choice(body.get("tool_choice")),
    )
    operation, unclear = _one_label(
        [*_header(headers, "x-evalgate-operation"), metadata.get("operation_id")], "operation"
    )
    if unclear:
        return replace(call, tier="realtime", note=unclear)
    asked, unclear = _one_label([*_header(headers, "x-evalgate-tier"), metadata.get("tier")], "tier")
    if asked is None and not unclear and body.get("service_tier") in TIERS:
        asked = str(body["service_tier"])
    tier = next((each for each in TIERS if each == (asked or "standard")), None)
    if tier is None or unclear:
        return replace(call, operation=operation, tier="realtime", note=unclear or f"no tier {asked!r}")
    return replace(call, operation=operation, tier=tier)


def _header(headers: Mapping[str, str] | None, name: str) -> list[object]:
    return [value for each, value in (headers or {}).items() if each.lower() == name]


def _one_label(found: list[object], what: str) -> tuple[str | None, str]:
    """The label that header and body agree on, and what is wrong where they do not."""
    given = list(dict.fromkeys(each for each in found if isinstance(each, str) and each))
    if any(each is not None and not isinstance(each, str) for each in found):
        return None, f"its {what} is not a text"
    if len(given) > 1:
        return None, f"header and body name different {what}s"
    if given and len(given[0]) > LONGEST_NAME:
        return None, f"its {what} is longer than {LONGEST_NAME} characters"
    return (given[0] if given else None), ""


def _model(value: object) -> str | None:
    """An error where it is no name: without it the call would be taken for one to the operation's own model."""
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= LONGEST_NAME):
        raise InputError(f"model: expected a name of 1 to {LONGEST_NAME} characters, got {str(value)[:40]!r}")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _limit(body: Mapping[str, object]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_TOKENS:
            return value
    return None


def _max_price(value: object) -> MaxPrice | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        message = f"provider.max_price: expected {{prompt, completion}} in USD per 1M tokens, got {str(value)[:40]!r}"
        raise InputError(message)
    return MaxPrice(_dollars(value, "prompt"), _dollars(value, "completion"))


def _dollars(given: Mapping[str, object], name: str) -> Decimal | None:
    value = given.get(name)
    if value is None:
        return None
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    try:
        dollars = Decimal(text) if len(text) <= LONGEST_NUMBER else Decimal("NaN")
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite() or dollars < 0:
        message = f"provider.max_price.{name}: expected USD per 1M tokens, such as 0.5, got {str(value)[:40]!r}"
        raise InputError(message)
    return dollars


def _data_policy(provider: Mapping[str, object]) -> DataPolicy | None:
    zero, collection = provider.get("zdr"), provider.get("data_collection")
    if zero is not None and not isinstance(zero, bool):
        raise InputError(f"provider.zdr: expected true or false, got {str(zero)[:40]!r}")
    if collection not in (None, "allow", "deny"):
        raise InputError(f"provider.data_collection: expected 'allow' or 'deny', got {str(collection)[:40]!r}")
    if zero:
        return "zero_retention"
    return "no_training" if collection == "deny" else None


def _tool_choice(value: object) -> ToolChoice:
    """What a variant must obey; a form that we do not know is passed on, and is the provider's to refuse."""
    if isinstance(value, dict):
        return "function"
    return next((each for each in _CHOICES if each == value), "auto")


@dataclass(slots=True)
class _Said:
    """What is in a JSON value: bytes of its texts without its pictures, their number, and whether there are media."""

    size: int = 0
    pictures: int = 0
    media: bool = False

    @classmethod
    def by(cls, value: object) -> _Said:
        """Looked through without recursion: the body is hostile."""
        said, waiting = cls(), [value]
        while waiting:
            each = waiting.pop()
            if isinstance(each, str):
                said.size += len(each) if each.isascii() else len(each.encode(errors="surrogatepass"))
            elif isinstance(each, dict):
                kind = each.get("type")
                if kind in _PICTURES:
                    said.pictures += 1
                else:
                    said.media = said.media or kind in _MEDIA
                    waiting.extend(each.values())
            elif isinstance(each, list | tuple):
                waiting.extend(each)
        return said
