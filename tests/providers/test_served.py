"""Who answered: another name than asked is told, and an honest one is not accused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer
from evalgate.providers import answered_by
from tests.conftest import Loopback, catalog, completion, variant
from tests.providers.asking import ask


def endpoint(folder: Path, served_as: str, **changes: object) -> Endpoint:
    return catalog(folder, variant(served_as=served_as, **changes)).endpoints("toy")["full"]


def told(asked: Endpoint, said: object) -> str | None:
    return answered_by(asked, Answer("a", "stop", details={"served_model": said}))


SAME = [
    ("llama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct"),
    ("meta-llama/llama-3.1-8b-instruct", "llama-3.1-8b-instruct"),
    ("accounts/acme/models/llama-v3p1-8b", "llama-v3p1-8b"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4o-2024-08-06", "gpt-4o"),
    ("gpt-4", "gpt-4-0613"),
    ("claude-sonnet-4", "us.anthropic.claude-sonnet-4-20250514-v1:0"),
    ("mistral-large", "mistral-large-2411"),
    ("deepseek/deepseek-r1", "deepseek/deepseek-r1:free"),
    ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
    ("llama3.1", "llama3.1:latest"),
    ("qwen2.5-7b", "/models/qwen2.5-7b.gguf"),
    ("qwen2.5-7b", "Qwen2.5-7B-BF16"),
    ("qwen2.5-7b", "toy"),
    ("qwen2.5-7b", ""),
    ("qwen2.5-7b", None),
    ("qwen2.5-7b", 7),
]
OTHERS = [
    ("llama-3.1-70b-instruct", "llama-3.1-8b-instruct"),
    ("llama-3", "llama-3-8b"),
    ("gpt-4o", "gpt-4o-mini"),
    ("gpt-4o", "some-other-model-mini"),
    ("gpt-4o-2024-08-06", "gpt-4o-2024-05-13"),
    ("llama-3", "llama-31"),
    ("qwen2.5-7b", "qwen2.5-7b-int4"),
    ("mistral-7b-instruct", "mistral-7b-instruct-v0.2"),
]


@pytest.mark.parametrize(("asked", "said"), SAME)
def test_an_honest_name_is_not_told(tmp_path: Path, asked: str, said: object) -> None:
    assert told(endpoint(tmp_path, asked), said) is None


@pytest.mark.parametrize(("asked", "said"), OTHERS)
def test_another_name_is_told(tmp_path: Path, asked: str, said: str) -> None:
    assert told(endpoint(tmp_path, asked), said) == said


@pytest.mark.parametrize("alias", ["some-other-model-mini", ["x", "Some-Other-Model-Mini"]])
def test_an_alias_is_declared_in_the_catalogue(tmp_path: Path, alias: object) -> None:
    declared = endpoint(tmp_path, "gpt-4o", answers_as=alias)
    assert told(declared, "some-other-model-mini") is None
    assert told(declared, "a-third") == "a-third"
    assert declared.config == endpoint(tmp_path, "gpt-4o").config


def test_the_name_is_kept_with_every_answer(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: completion("a", model="some-other-model-mini", system_fingerprint="fp_1")
    asked = server.endpoint(tmp_path)
    answer = ask(asked)
    assert answer.details == {"served_model": "some-other-model-mini", "system_fingerprint": "fp_1"}
    assert answered_by(asked, answer) == "some-other-model-mini"


@given(st.text(max_size=300))
def test_any_name_is_read_and_what_is_told_is_short(tmp_path_factory: pytest.TempPathFactory, said: str) -> None:
    asked = endpoint(tmp_path_factory.mktemp("house"), "gpt-4o")
    name = told(asked, said)
    assert name is None or (name == said[:80] and said.strip())
