from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evalgate.errors import InfrastructureError
from evalgate.gate import Board
from evalgate.report.html import render_report, write_report
from tests.report.board_factory import pairs

VOID = {"meta", "br", "img", "link", "input", "hr", "path", "use", "rect", "circle"}
ADDRESSES = {"href", "src", "action", "data", "poster", "srcset", "background", "formaction", "xlink:href"}


class Page(HTMLParser):
    """What a report is made of: tags, attributes, text, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def page(report: str) -> Page:
    return Page(report)


@pytest.mark.parametrize("name", ["report", "hostile_report"])
def test_the_report_refers_to_nothing_outside_itself(name: str, request: pytest.FixtureRequest) -> None:
    text: str = request.getfixturevalue(name)
    page = Page(text)

    addresses = [value for _, key, value in page.attributes if key in ADDRESSES]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert not {"script", "link", "iframe", "object", "embed", "img", "base", "form"} & set(page.tags)
    assert not [key for _, key, _ in page.attributes if key.startswith("on")]
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@import" not in style
    assert "url(" not in style
    assert all("url(#" in value for value in page.values("style") if "url(" in value)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page.values("content")


@pytest.mark.parametrize("name", ["report", "hostile_report"])
def test_the_markup_is_whole_and_ids_are_unique(name: str, request: pytest.FixtureRequest) -> None:
    page = Page(request.getfixturevalue(name))
    ids = page.values("id")

    assert page.open == []
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in page.values("href")} <= set(ids)


def test_hostile_texts_are_shown_and_not_obeyed(hostile_report: str) -> None:
    page = Page(hostile_report)

    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(2)>' in page.text
    assert "{{ 7*7 }} {% raw %}" in page.text
    assert "␛[2J␛[31mred␛]0;title␇" in page.text
    assert "‹U+202E›gnp.exe" in page.text
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", hostile_report
    )
    assert "w" * 2_100 not in hostile_report


def test_the_board_on_top_has_a_cell_for_each_operation_and_variant(board: Board, page: Page, report: str) -> None:
    assert (
        page.text.index("11 of 28 verdicts green") < page.text.index("Verdict board") < page.text.index("The evidence")
    )
    assert len(re.findall(r'<td class="is-(?:green|red|worse|inconclusive)">', report)) == 28
    headers = {value for tag, key, value in page.attributes if tag == "th" and key == "scope"}
    assert headers == {"col", "row"}
    for shape in ("● green", "✕ red", "◇ inconclusive"):
        assert shape in page.text


def test_each_operation_says_what_it_was_held_to_and_shows_two_pictures(board: Board, page: Page) -> None:
    assert page.tags.count("svg") == 2 * len(board.operations)
    assert page.values("role") == ["img"] * 8
    labels = page.values("aria-label")
    assert any(label.startswith("extract_order: difference to the baseline") for label in labels)
    for said in ("5 % false green, 5 % false red", "family of 7", "traffic", "600 available"):
        assert said in page.text


def test_every_metric_has_its_numbers(board: Board, page: Page) -> None:
    metric = board.operations[2].verdicts[0].metrics[1]

    assert f"valid_json {metric.baseline_score:.3f} → {metric.variant_score:.3f}" in page.text


def test_the_first_flips_stand_side_by_side_and_the_rest_is_counted(small: Board) -> None:
    operation = small.operations[0]
    verdict = operation.verdicts[1]
    broke = sum(flip.variant_score < flip.baseline_score for flip in verdict.flips)

    text = Page(render_report(replace(small, operations=(replace(operation, verdicts=(verdict,)),)), pairs)).text

    assert text.count(" broke score 1 → 0") == 8
    assert text.count(" fixed score 0 → 1") == 4
    assert f"… and {broke - 8} more cases that broke" in text
    assert "variant lab-q4_0" in text


def test_flips_are_counted_where_the_answers_are_not_at_hand(small: Board) -> None:
    text = Page(render_report(small, lambda *_: [])).text

    assert "55 cases that broke; the answers are not at hand" in text


def test_answers_cut_off_at_the_token_limit_are_called_that(page: Page) -> None:
    assert "cut off at the token limit" in page.text
    assert "94 % of answers truncated (baseline 1 %)" in page.text


def test_illustrative_prices_are_called_that(page: Page) -> None:
    assert "* illustrative prices: nobody sells at them" in page.text
    assert "47 %*" in page.text


def test_the_report_stays_small(report: str) -> None:
    assert len(report.encode()) < 3_000_000


def test_variants_of_two_models_get_two_tables(small: Board) -> None:
    other = replace(small.operations[0], model="another-model")
    text = render_report(replace(small, operations=(*small.operations, other)), lambda *_: [])

    assert text.count('<table class="matrix">') == 2


def test_the_file_is_replaced_whole(small: Board, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "report.html"

    write_report(small, path, pairs)
    first = path.read_bytes()
    write_report(small, path, pairs)

    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


def test_a_report_that_cannot_be_written_is_an_error_that_names_it(small: Board, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(InfrastructureError, match=r"taken/report.html: the report cannot be written"):
        write_report(small, tmp_path / "taken" / "report.html", pairs)
