"""What a model is asked to do with a prompt: sampling, tools, the form of its answer.

Names are those of the OpenAI API. They go to baseline and variants alike; a protocol that has other words for them
translates, and one that has none for a key refuses the suite.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from evalgate.formats.documents import Strict, first_wrong
from evalgate.formats.written import refuse_beyond_64_bits


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str])]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]


def _that_can_be_sent(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    refuse_beyond_64_bits(value)
    return value


Schema = Annotated[dict[str, JsonValue], AfterValidator(_that_can_be_sent)]

_ALWAYS_DUMPED = {"temperature", "top_p", "max_tokens", "seed", "stop"}


class Function(Strict):
    """What the model may call; `parameters` is a JSON Schema of its arguments."""

    name: Label = Field(description="by which it is called", examples=["get_weather"])
    description: str | None = Field(default=None, description="for the model")
    parameters: Schema | None = Field(
        default=None,
        description="a JSON Schema of its arguments, of type object",
        examples=[{"type": "object", "properties": {"city": {"type": "string"}}}],
    )
    strict: bool | None = Field(default=None, description="have the server hold arguments to the schema")

    @field_validator("parameters")
    @classmethod
    def _an_object(cls, value: Schema | None) -> Schema | None:
        if value and value.get("type", "object") != "object":
            message = f"arguments are an object, so expected a schema of type object, got {value['type']!r}"
            raise ValueError(message)
        return value


class Tool(Strict):
    """One tool; functions are the only kind."""

    type: Literal["function"] = Field(default="function", description="the only kind")
    function: Function = Field(description="what may be called")


Tools = Annotated[list[Tool], Field(min_length=1, max_length=128)]
_TOOLS = TypeAdapter(Tools)
_TWICE = "two tools of one name"


def problem_with_tools(tools: object) -> str | None:
    """Why a case cannot bring these as its own; None when it can. The same is asked of them as of a suite's."""
    try:
        names = tool_names(tools)
    except ValidationError as failure:
        return first_wrong(failure)
    return f": {_TWICE}" if len(set(names)) < len(names) else None


def tool_names(tools: object) -> list[str]:
    """The names of a case's functions; raises `ValidationError` for what is none."""
    return [tool.function.name for tool in _TOOLS.validate_python(tools)]


def tools_as_sent(tools: object) -> list[JsonValue]:
    """The tools of a case in the form in which a suite's are sent; raises `ValidationError` for what is none."""
    sent: list[JsonValue] = _TOOLS.dump_python(_TOOLS.validate_python(tools), mode="json", exclude_none=True)
    return sent


class NamedFunction(Strict):
    """A function by its name."""

    name: Label = Field(description="one of the tools'")


class NamedTool(Strict):
    """The one tool that must be called."""

    type: Literal["function"] = Field(default="function", description="the only kind")
    function: NamedFunction = Field(description="which one")


class JsonSchema(Strict):
    """The form of an answer; `name` is a label."""

    name: Label = Field(description="a label", examples=["order"])
    description: str | None = Field(default=None, description="for the model")
    schema_: Schema = Field(alias="schema", description="the JSON Schema", examples=[{"type": "object"}])
    strict: bool | None = Field(default=None, description="have the server hold the answer to it")

    @model_serializer(mode="wrap")
    def _under_its_own_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        return {key.rstrip("_"): value for key, value in handler(self).items()}


class ResponseFormat(Strict):
    """Text (the default everywhere), some JSON object, or JSON by a schema."""

    type: Literal["text", "json_object", "json_schema"] = Field(description="text, any JSON object, or by a schema")
    json_schema: JsonSchema | None = Field(default=None, description="with type json_schema, and only there")

    @model_validator(mode="after")
    def _a_schema_where_there_is_to_be_one(self) -> ResponseFormat:
        if (self.json_schema is not None) != (self.type == "json_schema"):
            message = "type json_schema needs a json_schema, and no other type takes one"
            raise ValueError(message)
        return self


class Generation(Strict):
    """Sampling parameters, sent as they are to baseline and variants alike."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        default=0.0, description="null: not sent, for models that take none (many reasoning models)"
    )
    top_p: Annotated[float, Field(gt=0, le=1)] | None = Field(default=None, description="nucleus sampling")
    max_tokens: Tokens | None = Field(
        default=None, description="of an answer; protocol anthropic: 4096 where none is given", examples=[64]
    )
    max_completion_tokens: Tokens | None = Field(
        default=None, description="instead of max_tokens, for models that reason: reasoning counts"
    )
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = Field(
        default=None, description="of sampling, where the server knows one; gate.seed is that of the order"
    )
    stop: Words | None = Field(default=None, description="where an answer ends", examples=[["\n\n"]])
    presence_penalty: Penalty | None = Field(default=None, description="against what was said at all")
    frequency_penalty: Penalty | None = Field(default=None, description="against what was said often")
    logprobs: bool | None = Field(default=None, description="keep the log probability of every token")
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = Field(
        default=None, description="and those of so many others in its place"
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        default=None, description="how much a model that reasons does so"
    )
    tools: Tools | None = Field(default=None, description="what the model may call; a case may bring its own")
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = Field(
        default=None, description="whether it has to call one, or which"
    )
    response_format: ResponseFormat | None = Field(
        default=None, description="the form of an answer", examples=[{"type": "json_object"}]
    )

    @model_validator(mode="after")
    def _that_fit_together(self) -> Generation:
        names = [tool.function.name for tool in self.tools or []]
        named = self.tool_choice.function.name if isinstance(self.tool_choice, NamedTool) else None
        message = None
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            message = "max_tokens and max_completion_tokens are one limit by two names; give one of them"
        elif self.top_logprobs is not None and not self.logprobs:
            message = "top_logprobs needs logprobs: true"
        elif len(set(names)) < len(names):
            message = _TWICE
        elif self.tool_choice is not None and not names:
            message = "tool_choice needs tools"
        elif named is not None and named not in names:
            message = f"tool_choice names the function {named!r}, which is none of the tools"
        if message is not None:
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        # a key that a suite does not use must not change the suite's hash when it comes to be known
        return {k: v for k, v in handler(self).items() if v is not None or k in _ALWAYS_DUMPED}
