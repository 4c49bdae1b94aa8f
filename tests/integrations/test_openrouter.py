"""The `provider` object that holds OpenRouter to the signal."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.integrations.openrouter import provider_object
from tests.integrations.signals import decide, openrouter_catalog, signal, world


def test_the_cheapest_green_one_is_first_the_baseline_last_and_nobody_else_is_asked(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "green", "cheapest": "red"})
    assert provider_object(decide(document, catalog)[0]) == {
        "order": ["deepinfra/fp8", "novita/bf16"],
        "only": ["deepinfra/fp8", "novita/bf16"],
        "allow_fallbacks": False,
        "quantizations": ["bf16", "fp8"],
    }


def test_a_tag_that_stands_for_a_whole_host_keeps_out_its_other_endpoints_by_name(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red", "cheapest": "green"})
    found = provider_object(decide(document, catalog)[0])
    assert (found["order"], found["ignore"]) == (["deepinfra", "novita/bf16"], ["deepinfra/fp8"])


def test_when_nothing_is_green_only_the_baseline_is_asked(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red", "cheapest": "unknown"})
    assert provider_object(decide(document, catalog)[0])["only"] == ["novita/bf16"]


def test_when_nobody_there_may_be_asked_no_object_is_made(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path, baseline_is_there=False)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red"})
    with pytest.raises(InputError, match="send it to the baseline, baseline"):
        provider_object(decide(document, catalog)[0])
