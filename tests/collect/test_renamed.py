"""An endpoint by another name, or with its URL in another spelling, is not paid a second time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint, load_catalog
from evalgate.exchange import Answer
from evalgate.store import Bought, Store
from evalgate.store.statistics import statistics
from tests.collect.conftest import collect
from tests.conftest import Loopback, questions, variant, written


def served(folder: Path, name: str, url: str, **changes: object) -> Endpoint:
    """The one variant there is, of a provider called `name` at `url`."""
    variants = [variant(provider=name, **changes)]
    content = {"providers": [{"id": name, "base_url": url}], "models": [{"id": "toy", "variants": variants}]}
    return load_catalog(written(folder, "catalog.yaml", content)).endpoints("toy")["full"]


@pytest.mark.parametrize(
    ("name", "ending"), [("there", ""), ("here", "/"), ("there", "//"), ("HERE", "/"), ("here", "")]
)
def test_nothing_is_bought_again(server: Loopback, store: Store, tmp_path: Path, name: str, ending: str) -> None:
    first = collect(store, served(tmp_path, "here", server.url), questions(1200))
    again = collect(store, served(tmp_path, name, server.url + ending), questions(1200))
    assert (first.requests, again.requests) == (1200, 0)
    assert again.answers == first.answers


def test_nor_when_it_gets_its_first_name_back(server: Loopback, store: Store, tmp_path: Path) -> None:
    for name in ("one", "two", "three", "one", "three"):
        collect(store, served(tmp_path, name, server.url), questions(3))
    assert len(server.asked) == 3


def test_what_was_asked_last_goes_on_from_there(server: Loopback, store: Store, tmp_path: Path) -> None:
    for count, name in enumerate(("one", "two", "three", "one", "two"), start=1):
        assert collect(store, served(tmp_path, name, server.url), questions(count)).requests == 1


def test_an_answer_that_is_too_old_is_too_old_under_any_name(server: Loopback, store: Store, tmp_path: Path) -> None:
    collect(store, served(tmp_path, "one", server.url), questions(2), now=100.0)
    assert collect(store, served(tmp_path, "two", server.url), questions(2), now=200.0, max_age=50.0).requests == 2


@pytest.mark.parametrize("changes", [{"quantization": "fp8"}, {"served_as": "other"}, {"tag": "eu"}])
def test_another_endpoint_is_another(
    server: Loopback, store: Store, tmp_path: Path, changes: dict[str, object]
) -> None:
    collect(store, served(tmp_path, "one", server.url), questions(2))
    assert collect(store, served(tmp_path, "two", server.url, **changes), questions(2)).requests == 2


def test_a_copy_costs_nothing(server: Loopback, store: Store, tmp_path: Path) -> None:
    collect(store, served(tmp_path, "one", server.url), questions(2))
    paid = statistics(store).total.usd
    collect(store, served(tmp_path, "two", server.url), questions(2))
    assert statistics(store).total.usd == paid > 0


def test_what_was_bought_when_the_spelling_was_part_of_the_config_is_known(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = served(tmp_path, "here", server.url + "/")
    answer = replace(Answer("bought before", "stop"), answered_at=1000.0)
    (question,) = questions(1)
    store.add([Bought(question.request.hash, endpoint.former_config, 0, "full", endpoint.cost(1, 1), answer)])
    assert collect(store, endpoint, [question]).texts == ["bought before"]
    assert server.asked == []
