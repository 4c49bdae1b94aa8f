"""What a suite asks of a model beside the prompt: what is sent, and what does not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.suite.generation import Generation
from evalgate.suite.load import load_suite
from tests.conftest import suite_file

SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", None]}}, "default": None}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA, "strict": True}}


def sent(**generation: object) -> dict[str, object]:
    return Generation.model_validate(generation).model_dump(mode="json", exclude_none=True)


def test_what_is_sent_is_what_was_written() -> None:
    written = {
        "temperature": 0.5,
        "max_completion_tokens": 9,
        "presence_penalty": -2.0,
        "frequency_penalty": 2.0,
        "logprobs": True,
        "top_logprobs": 5,
        "reasoning_effort": "low",
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
        "response_format": FORMAT,
    }
    assert sent(**written) == written


def test_a_key_that_is_not_given_is_not_sent() -> None:
    assert sent() == {"temperature": 0.0}


def test_a_model_that_takes_no_temperature_gets_none() -> None:
    assert sent(temperature=None, max_completion_tokens=5) == {"max_completion_tokens": 5}


def test_a_key_that_a_suite_does_not_use_leaves_its_hash_as_it_was() -> None:
    before = {"temperature": 0.0, "top_p": None, "max_tokens": None, "seed": None, "stop": None}
    assert Generation().model_dump(mode="json", by_alias=True) == before


@pytest.mark.parametrize(
    ("generation", "told"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 5}, "generation: max_tokens and max_completion_tokens are one"),
        ({"top_logprobs": 2}, "generation: top_logprobs needs logprobs: true"),
        ({"logprobs": True, "top_logprobs": 21}, "generation.top_logprobs: input should be less than or equal to 20"),
        ({"presence_penalty": 2.5}, "generation.presence_penalty: input should be less than or equal to 2"),
        ({"tools": []}, "generation.tools: empty; expected at least 1"),
        ({"tools": [TOOL, TOOL]}, "generation: two tools of one name"),
        ({"tools": [{"type": "function"}]}, "generation.tools.0.function: missing"),
        ({"tools": [{"type": "web_search"}]}, "generation.tools.0.type: input should be 'function'"),
        ({"tools": [{"function": {"name": "a b"}}]}, "generation.tools.0.function.name: string should match pattern"),
        ({"tools": [{"function": {"name": "a", "parameter": {}}}]}, "unknown key; did you mean 'parameters'?"),
        ({"tools": [{"function": {"name": "a", "parameters": {"type": "array"}}}]}, "a schema of type object"),
        ({"tool_choice": "auto"}, "generation: tool_choice needs tools"),
        ({"tools": [TOOL], "tool_choice": "always"}, "generation.tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"function": {"name": "f"}}}, "names the function 'f', which is none of"),
        (
            {"response_format": {"type": "json_schema"}},
            "generation.response_format: type json_schema needs a json_schema",
        ),
        ({"response_format": {**FORMAT, "type": "text"}}, "generation.response_format: type json_schema needs"),
        ({"response_format": {"type": "xml"}}, "generation.response_format.type: input should be 'text'"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "json_schema.schema: missing"),
        ({"reasoning_effort": "much"}, "generation.reasoning_effort: input should be 'none'"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, generation: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load_suite(suite_file(tmp_path, generation=generation))
    assert told in str(caught.value)
