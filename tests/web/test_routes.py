"""The pages as a server has them, over HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from evalgate.web import View
from tests.web.serving import served

PAGE = "/models/acme/llama-8b"
EVENTS = "/models/-/events?page=acme/llama-8b"


class World:
    """A view that is one second later at each look; counts how often it is looked at."""

    def __init__(self, view: View) -> None:
        self.view, self.looks, self._lock = view, 0, threading.Lock()

    def __call__(self) -> View:
        with self._lock:
            self.looks += 1
            return replace(self.view, now=self.view.now + timedelta(seconds=self.looks))


@pytest.fixture(scope="module")
def client(view: View) -> Iterator[httpx.Client]:
    with served(World(view)) as address, httpx.Client(base_url=address, timeout=10) as client:
        yield client


def events(answer: httpx.Response) -> Iterator[tuple[str, dict[str, str]]]:
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_pages_come_with_a_policy_that_lets_nothing_else_run(client: httpx.Client) -> None:
    for path in ("/models/", PAGE, "/models/solo"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/models/none", "/models/..%2f..%2fetc/passwd", "/models/acme", "/models/acme/llama-8b/", EVENTS + "x"]
)
def test_what_is_no_page_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_list_without_its_slash_is_the_list(client: httpx.Client) -> None:
    assert client.get("/models", follow_redirects=True).url.path == "/models/"


def test_the_form_is_answered_without_a_script(client: httpx.Client) -> None:
    page = client.get("/models/", params={"green": "1", "text": "<b>"}).text
    assert "0 of 3 models" in page
    assert 'value="&lt;b&gt;"' in page


def test_a_viewer_is_sent_all_parts_and_then_those_that_changed(client: httpx.Client) -> None:
    with client.stream("GET", EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer)
        kind, first = next(found)
        _, second = next(found)
    assert kind == "parts"
    assert set(first) == {"asof", "tiles", "today", "providers", "op-1", "op-2"}
    assert "asof" in second
    assert "op-1" not in second  # whose ages are told in days


def test_many_viewers_cost_one_rendering_an_interval(view: View) -> None:
    world = World(view)
    with served(world, every=600) as address, contextlib.ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(base_url=address, timeout=10, limits=httpx.Limits(max_connections=40))
        )
        answers = [stack.enter_context(client.stream("GET", EVENTS)) for _ in range(20)]
        watching = [events(answer) for answer in answers]
        assert all(next(each)[1] for each in watching)
        rendered = world.looks - len(answers)  # each asked once which model its page is of
    assert rendered == 1


def test_a_crowd_that_asks_for_a_page_costs_one_rendering_a_second(view: View) -> None:
    world = World(view)
    with served(world) as address, httpx.Client(base_url=address, timeout=10) as client:
        texts = {client.get(PAGE).text for _ in range(10)}
    assert len(texts) == world.looks < 10


def test_more_viewers_than_allowed_are_turned_away_until_one_leaves(view: View) -> None:
    with served(World(view), viewers=1) as address, httpx.Client(base_url=address, timeout=10) as client:
        with client.stream("GET", EVENTS) as first:
            watching = events(first)  # kept: an iterator that is thrown away closes the line
            next(watching)
            with client.stream("GET", EVENTS) as second:
                assert second.status_code == 503
        for _ in range(100):
            with client.stream("GET", EVENTS) as again:
                if again.status_code == 200:
                    break
        assert again.status_code == 200


def test_a_server_that_stops_lets_go_who_is_looking(view: View) -> None:
    with httpx.Client(timeout=10) as client, contextlib.ExitStack() as stack:
        with served(World(view)) as address:
            answer = stack.enter_context(client.stream("GET", address + EVENTS))
            found = events(answer)
            next(found)
        assert [kind for kind, _ in found if kind != "parts"] == []  # to its end, which a line that is cut off has not
