from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InfrastructureError
from evalgate.gate import Board
from evalgate.report.drift.pages import Pages
from evalgate.report.drift.places import ONE_FILE, Places
from evalgate.report.drift.report import A_PAGE, worst_flips, write_report
from tests.report.drift_reports import report_of

VOID = {"meta", "br", "img", "link", "input", "hr"}
ADDRESSES = {"href", "src", "action", "data", "poster", "srcset", "background", "formaction", "xlink:href"}


class Page(HTMLParser):
    """What a page is made of: tags, attributes, text, and whether every tag is closed."""

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
        if not self.open or self.open[-1] not in ("style", "script"):
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
def test_a_page_loads_nothing_and_runs_nothing_but_its_own_script(name: str, request: pytest.FixtureRequest) -> None:
    text: str = request.getfixturevalue(name)
    page = Page(text)

    addresses = [value for _, key, value in page.attributes if key in ADDRESSES]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert not {"link", "iframe", "object", "embed", "img", "base", "form"} & set(page.tags)
    assert not [key for _, key, _ in page.attributes if key.startswith("on") or key == "style"]
    assert page.tags.count("script") == page.tags.count("style") == 1
    hashes = []
    for tag in ("style", "script"):
        source = text[text.index(f"<{tag}>") + len(tag) + 2 : text.index(f"</{tag}>")]
        hashes.append(base64.b64encode(hashlib.sha256(source.encode()).digest()).decode())
        assert "url(" not in source
        assert "@import" not in source
    policy = "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'".format(*hashes)
    assert policy in page.values("content")


@pytest.mark.parametrize("name", ["report", "hostile_report"])
def test_the_markup_is_whole_and_every_link_leads_somewhere(name: str, request: pytest.FixtureRequest) -> None:
    page = Page(request.getfixturevalue(name))
    ids = page.values("id")

    assert page.open == []
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in page.values("href")} <= set(ids)
    assert {part for value in page.values("aria-labelledby") for part in value.split()} <= set(ids)


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


def test_the_first_screen_answers_six_questions(board: Board) -> None:
    earlier = replace(board, run="earlier", operations=(replace(board.operations[0], verdicts=()),))
    places = Places.of(board, Path("report"))
    text = Page(Pages(report_of(board, before=earlier), places).of_board()).text

    first = text[: text.index("Which are safe, and how sure is that")]
    assert "11 of 28 verdicts green" in first
    for question in ("Which are safe?", "How sure?", "What broke?", "What changed?", "What do I save?", "What next?"):
        assert question in first
    assert "7 changes since" in first
    assert "more cases in suites/classify_feedback.yaml" in first


def test_what_the_terminal_says_is_on_the_board_page_too(page: Page) -> None:
    assert "neither proven after all" in page.text
    assert "traffic goes to lab-q4_k_m" in page.text
    assert "Suspect how it is served (template, context, token limit), not its quantization" in page.text
    assert "equal to itself: differs from itself on 0 % of 72 cases" in page.text
    assert "94 % of answers truncated (baseline 1 %)" in page.text
    assert "* illustrative prices: nobody sells at them" in page.text
    assert "evalgate show" in page.text


def test_a_suite_that_cannot_judge_is_called_unfit_at_the_top(small: Board) -> None:
    operation = small.operations[0]
    assert operation.baseline_check is not None
    noisy = replace(operation, baseline_check=replace(operation.baseline_check, outcome="red", flip_rate=0.2))
    board = replace(small, operations=(noisy,))
    text = Page(Pages(report_of(board), Places.of(board, Path("report"))).of_board()).text

    assert re.search("1 suite unfit ?: classify_feedback cannot judge anybody", text)
    assert "suite unfit: differs from itself on 20 % of 72 cases, changed" in text


def test_variants_are_named_by_the_id_that_people_type(page: Page, board: Board) -> None:
    assert "lab-q4_0 on add_numbers" in page.text
    assert "@q4_0" not in page.text


def test_every_metric_has_its_score_interval_and_n(board: Board, page: Page) -> None:
    verdict = board.operations[2].verdicts[0]
    metric = verdict.metrics[1]

    assert f"valid_json {metric.baseline_score:.3f} → {metric.variant_score:.3f}" in page.text
    for said in ("5 % false green, 5 % false red", "family of 7", "traffic", "600 available"):
        assert said in page.text


def test_pictures_say_in_words_what_they_show(page: Page) -> None:
    labels = [value for tag, key, value in page.attributes if tag == "svg" and key == "aria-label"]

    assert len(labels) == page.values("role").count("img")
    assert any(label.startswith("Difference of lab-q8_0 to the baseline as cases came in") for label in labels)
    assert any(label.startswith("Cost per 1,000 successful calls") and "lab-q4_0" in label for label in labels)
    assert any(label.startswith("Share of answers up to each latency") for label in labels)


def test_flips_are_paged_with_the_largest_loss_first(small: Board, tmp_path: Path) -> None:
    verdict = small.operations[0].verdicts[1]
    assert len(verdict.flips) > A_PAGE

    write_report(report_of(small), tmp_path / "report")
    first, second = ((tmp_path / "report" / f"classify_feedback--lab-q4_0{n}.html").read_text() for n in ("", "-2"))

    assert first.count('<article class="pair"') == A_PAGE
    assert second.count('<article class="pair"') == len(verdict.flips) - A_PAGE
    assert f"{A_PAGE + 1}–{len(verdict.flips)} of {len(verdict.flips)}" in Page(second).text
    assert first.index('data-way="broke"') < first.index("✕ broke")
    assert 'href="classify_feedback--lab-q4_0-2.html"' in first
    assert 'href="classify_feedback--lab-q4_0.html"' in second


def test_where_not_all_flips_fit_both_ways_are_shown(small: Board) -> None:
    verdict = small.operations[0].verdicts[1]

    shown = worst_flips(verdict, 12)

    assert [flip.variant_score < flip.baseline_score for flip in shown] == [True] * 8 + [False] * 4


def test_links_of_a_folder_lead_to_its_pages_and_back(small: Board, tmp_path: Path) -> None:
    places = write_report(report_of(small), tmp_path / "report")

    pages = {path.name: Page(path.read_text()) for path in (tmp_path / "report").iterdir()}
    assert places.root.name in pages
    for name, page in pages.items():
        for address in page.values("href"):
            file, _, anchor = address.partition("#")
            assert anchor in {"", *pages[file or name].values("id")}, address
    assert "index.html" in {address for page in pages.values() for address in page.values("href")}


def test_a_large_board_in_a_file_gets_its_pages_in_a_folder_beside_it(small: Board, tmp_path: Path) -> None:
    one = small.operations[0]
    many = [replace(one, operation=f"operation {n}", verdicts=(one.verdicts[0],)) for n in range(ONE_FILE + 1)]
    board = replace(small, operations=tuple(many))

    write_report(report_of(board), tmp_path / "report.html")

    text = (tmp_path / "report.html").read_text()
    assert 'href="report/operation-3--lab-q4_k_m.html"' in text
    assert 'href="../report.html"' in (tmp_path / "report" / "operation-3.html").read_text()


def test_the_board_page_of_a_thousand_verdicts_stays_below_half_a_megabyte(board: Board) -> None:
    template = board.operations[0]
    verdicts = [
        replace(each, variant=replace(each.variant, id=f"provider-{n:02}-{each.variant.id}"), flips=each.flips[:3])
        for n, each in enumerate((*template.verdicts, *template.verdicts, *template.verdicts[:6]))
    ]
    operations = [replace(template, operation=f"operation_{n:02}", verdicts=tuple(verdicts)) for n in range(50)]
    large = replace(board, operations=tuple(operations))
    pages = Pages(report_of(large), Places.of(large, Path("report")))

    assert len(pages.page(pages.of_board(), "").encode()) <= 500_000


def test_variants_of_two_models_get_two_tables(small: Board) -> None:
    other = replace(small.operations[0], operation="another", model="another-model")
    board = replace(small, operations=(*small.operations, other))
    text = Pages(report_of(board), Places.of(board, Path("report"))).of_board()

    assert text.count('<table class="matrix">') == 2


def test_why_answers_are_not_shown_is_told(small: Board, tmp_path: Path) -> None:
    write_report(replace(report_of(small), look=lambda _: "the suite is gone"), tmp_path / "report.html")

    text = Page((tmp_path / "report.html").read_text()).text
    assert "Answers are not shown: the suite is gone" in text
    assert "55 broke" in text


def test_the_same_report_gives_the_same_file_and_leaves_nothing_beside_it(small: Board, tmp_path: Path) -> None:
    path = tmp_path / "reports" / "report.html"

    write_report(report_of(small), path)
    first = path.read_bytes()
    write_report(report_of(small), path)

    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["report.html", "report"])
def test_a_report_that_cannot_be_written_is_an_error_that_names_it(name: str, small: Board, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(InfrastructureError, match=rf"taken/{name}: the report cannot be written"):
        write_report(report_of(small), tmp_path / "taken" / name)


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=5, unique=True))
def test_every_name_makes_a_file_of_its_own_in_the_folder(small: Board, names: list[str]) -> None:
    one = small.operations[0]
    board = replace(small, operations=tuple(replace(one, operation=name) for name in names))
    places = Places.of(board, Path("report"))

    files = [places.file(each) for each in (*places.operations.values(), *places.variants.values())]
    assert len({file.name.lower() for file in files}) == len(names) * 3
    assert all(file.parent == Path("report") and len(file.name) < 200 for file in files)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", file.name) and not file.name.startswith(".") for file in files)
