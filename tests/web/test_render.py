"""Pages are complete without a script, carry all they show, and stay inert whatever anybody wrote."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from evalgate.catalog import Catalog
from evalgate.catalog.models import Model, Observed
from evalgate.intelligence import Intelligence, Part
from evalgate.web import Proofs, View
from evalgate.web.render import Served, fragments, policy, render_index, render_model
from tests.web.world import MODEL, NOW, catalog_in, entry_of, signal_for, view_in, without_live

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
HOSTILE = f"{SCRIPT}\"'&\x1b[31m\u202egnp.exe\0\ud800{{{{7*7}}}}"


class Seen(HTMLParser):
    """Which elements and attributes a page really has, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.texts[self.tags[-1]] = self.texts.get(self.tags[-1], "") + data

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def hostile_view(folder: Path) -> View:
    """Everything that anybody can write is hostile; a model's id, too, as no checked catalogue would have it."""
    catalog = catalog_in(folder)
    tag = HOSTILE.replace("\ud800", "")  # no configuration can be hashed with it, so none has it
    endpoints = catalog.endpoints(MODEL)
    entries = [
        entry_of(catalog, each, state, HOSTILE).model_copy(update={"reason": HOSTILE, "model": tag})
        for each, state in (("fp8", "green"), ("int4", "red"))
    ]
    document = signal_for(catalog).model_copy(update={"entries": tuple(entries), "stream": HOSTILE})
    part = Part(HOSTILE, HOSTILE, 1.0, 0.1, None, NOW.date(), (HOSTILE,), (HOSTILE,))  # type: ignore[arg-type]
    seen = Observed.model_construct(source=HOSTILE, at=HOSTILE, first_token_ms={HOSTILE: 1.0})
    written = {"tag": tag, "path": tag, "observed": seen}
    renamed = {
        name: replace(each, model=tag, variant=each.variant.model_copy(update=written))
        for name, each in endpoints.items()
    }
    about = Model.model_construct(id=tag, name=HOSTILE, author=HOSTILE, released=HOSTILE)
    proofs = Proofs(document, Catalog(catalog.document, {tag: renamed}, about={tag: about}))
    return replace(
        view_in(folder, catalog=catalog_in(folder)),
        proofs=proofs,
        trouble=HOSTILE,
        intelligence={tag: Intelligence(50.0, (1.0, 2.0), HOSTILE, (part,), HOSTILE)},  # type: ignore[arg-type]
    )


def pages_of(view: View) -> list[str]:
    model = next(iter(view.catalog.models))
    return [
        render_index(view),
        render_index(view, served=True),
        render_model(view, model),
        render_model(view, model, Served("events")),
        *fragments(view, model).values(),
    ]


def test_whatever_anybody_wrote_stays_text(tmp_path: Path) -> None:
    for page in pages_of(hostile_view(tmp_path)):
        seen = Seen(page)
        assert "img" not in seen.tags
        assert seen.tags.count("script") in (0, 1)
        assert not [name for name, _ in seen.attributes if name.startswith("on") or name == "style"]
        assert not [each for each in ("\x1b", "\u202e", "\0", "\ud800") if each in page]
        assert "49" not in page.replace("2049", "") or "{{7*7}}" in page
        page.encode("utf-8")


def test_every_link_of_a_hostile_page_is_one_of_ours(tmp_path: Path) -> None:
    for page in pages_of(hostile_view(tmp_path)):
        links = Seen(page).values("href")
        assert all(re.fullmatch(r"[A-Za-z0-9_.~/#?=-]+", link) for link in links)


def test_a_name_of_a_megabyte_makes_no_page_of_a_megabyte(tmp_path: Path) -> None:
    catalog = catalog_in(tmp_path)
    catalog.document.data = {"models": [{"id": MODEL, "name": "x" * 1_000_000, "author": "y" * 1_000_000}]}
    view = replace(view_in(tmp_path), proofs=Proofs(signal_for(catalog), catalog))
    assert all(len(page) < 100_000 for page in pages_of(view))


def test_the_policy_names_exactly_the_style_and_script_of_the_page(view: View) -> None:
    for page, served in ((render_model(view, MODEL), False), (render_index(view, served=True), True)):
        for tag in ("style", "script"):
            found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            assert found is not None
            digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy(served=served)


def test_a_file_carries_its_policy_and_asks_nothing_of_the_network(view: View) -> None:
    page = render_model(view, MODEL)
    seen = Seen(page)
    assert policy(served=False) in seen.values("content")
    assert not {"link", "img", "iframe", "object", "base"} & set(seen.tags)
    assert not [value for value in seen.values("src") + seen.values("href") if "//" in value or value.startswith("/")]


def test_a_page_has_one_title_one_main_and_headings_in_order(view: View) -> None:
    for page in (render_index(view), render_model(view, MODEL)):
        seen = Seen(page)
        assert [seen.tags.count(tag) for tag in ("title", "main", "h1", "header", "footer")] == [1] * 5
        levels = [int(tag[1]) for tag in seen.tags if re.fullmatch("h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_header_cell_says_what_it_heads(view: View) -> None:
    page = render_index(view) + render_model(view, MODEL)
    assert re.findall(r"<th(?! scope=)[ >]", page) == []


@pytest.mark.parametrize(
    "shown",
    [
        "Acme Llama 8B",
        "131K context",
        "$0.25*",
        "illustrative prices: nobody sells at them",
        "67 tok/s",
        "716 / 4,091 ms",
        "28 / 67 tok/s",
        "98.76 %",
        "93.80 %",
        "n = 812",
        "12 s ago",
        "undisclosed",
        "estimated, 60.1 to 73.1",
        "OpenRouter saw on its own traffic: first token p50 250 ms, speed p50 55 tok/s",
        "uptime 30 min 99.50 %, n = 81,060, 2026-11-26T09:00Z",
        "Not ours, and not used for routing",
        "the cheapest eligible variant: green: green for a reason",
        "n = 300 cases, 3 d ago, valid 4 d more",
        "since 2026-11-23, 1 run",
        "red: red for a reason",
        "9 broke, 6 fixed",
        "a further 50 % off",
        "signal seq 1 of a/b, issued 3 d ago",
        "As of 2026-11-26 10:00:00 UTC",
    ],
)
def test_a_model_page_says(view: View, shown: str) -> None:
    assert shown in render_model(view, MODEL)


@pytest.mark.parametrize(
    ("signal", "model", "shown"),
    [
        (False, MODEL, "evalgate check suites --publish signal.json"),
        (False, MODEL, "no signal"),
        (True, "solo", "The signal says nothing of this model"),
        (True, "nobody/knows", "name one with “baseline:” at the model"),
        (True, MODEL, "No live traffic is measured here"),
        (True, "solo", "Nobody filed a benchmark report"),
    ],
)
def test_an_empty_page_says_what_to_do_next(tmp_path: Path, signal: bool, model: str, shown: str) -> None:
    assert shown in render_model(without_live(view_in(tmp_path, signal=signal)), model)


def test_an_empty_catalogue_says_what_to_do_next(view: View) -> None:
    empty = replace(view, proofs=Proofs(None, Catalog(view.catalog.document, {})))
    assert "evalgate catalog import" in render_index(empty)


def test_a_publisher_that_is_silent_is_told(view: View) -> None:
    document = view.proofs.document
    assert document is not None
    late = replace(view, proofs=Proofs(document.model_copy(update={"expires_at": document.issued_at}), view.catalog))
    assert "The publisher is silent" in render_model(late, MODEL)


def test_rows_that_the_form_leaves_out_are_hidden_and_the_rest_is_counted(view: View) -> None:
    from evalgate.web.listing import Filter

    page = render_index(view, Filter.of({"green": "1"}), served=True)
    assert page.count("<tr hidden") == 2
    assert "1 of 3 models" in page


def test_the_parts_that_are_refreshed_are_those_of_the_page(view: View) -> None:
    page = render_model(view, MODEL, Served("events"))
    parts = fragments(view, MODEL)
    assert set(parts) == {"asof", "tiles", "today", "providers", "op-1", "op-2"}
    for name, text in parts.items():
        assert f'id="{name}"' in page
        assert text.strip() in page
