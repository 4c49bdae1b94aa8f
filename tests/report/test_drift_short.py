"""The short forms: a Markdown summary for a pull request, and a PDF."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pypdf
import pytest
from markdown_it import MarkdownIt

from evalgate.gate import Board
from evalgate.report.drift.markdown import MARKER, summary
from evalgate.report.drift.pdf import document
from tests.report.drift_reports import report_of


@pytest.fixture(scope="module")
def earlier(board: Board) -> Board:
    """The same with the verdicts of the first operation in another order, so that some of them changed."""
    first, *others = board.operations
    swapped = [replace(each, outcome="green" if each.outcome == "red" else "red") for each in first.verdicts]
    return replace(board, run="earlier", operations=(replace(first, verdicts=tuple(swapped)), *others))


@pytest.fixture(scope="module")
def large(board: Board) -> Board:
    return replace(
        board,
        operations=tuple(
            replace(each, operation=f"{each.operation}_{n:03}") for n in range(60) for each in board.operations
        ),
    )


def pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def test_the_summary_says_the_worst_first(board: Board, earlier: Board) -> None:
    text = summary(report_of(board, before=earlier))

    assert text.startswith(f"{MARKER}\n### 11 of 28 verdicts green")
    places = [text.index(f"#### {title}") for title in ("What broke", "What changed", "What next", "What it saves")]
    assert places == sorted(places)
    broke = text[places[0] : places[1]]
    assert broke.index("🔴 red") < broke.index("🟠 worse")


def test_the_summary_of_a_large_board_fits_into_a_comment_and_counts_what_is_left_out(large: Board) -> None:
    text = summary(report_of(large))

    assert 60_000 < len(text.encode()) <= 64 * 1024
    assert re.search(r"… and [\d,]+ more lines, which the HTML report has", text)
    assert "#### What broke" in text


def test_the_summary_is_whole_where_all_of_it_fits(board: Board) -> None:
    text = summary(report_of(board))

    assert "more lines" not in text
    assert text.count("| 🟢 green |") == 11


@pytest.mark.parametrize("before", [False, True])
def test_hostile_texts_stay_in_their_code_spans(hostile_board: Board, before: bool) -> None:
    other = replace(hostile_board.operations[0], verdicts=hostile_board.operations[0].verdicts[:2])
    past = replace(hostile_board, operations=(other,))
    text = summary(report_of(hostile_board, before=past if before else None, route="<img src=x> `|` @all #1"))

    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inline = [child for each in tokens for child in each.children or ()]
    assert [each.content for each in tokens if each.type == "html_block"] == [f"{MARKER}\n"]
    assert {each.type for each in inline} <= {"text", "code_inline", "softbreak"}
    spoken = " ".join(each.content for each in inline if each.type == "text")
    assert not any(mark in spoken for mark in ("<script", "<img", "@all", "{{", "www"))
    assert any("<script>alert(1)</script>" in each.content for each in inline if each.type == "code_inline")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_every_row_of_a_table_has_as_many_cells_as_its_head(hostile_board: Board) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", summary(report_of(hostile_board)), re.MULTILINE):
        assert len({row.count("|") for row in block.splitlines()}) == 1


def test_the_pdf_holds_text_that_can_be_searched(board: Board, earlier: Board) -> None:
    text = pdf_text(document(report_of(board, before=earlier)))

    assert "11 of 28 verdicts green" in text
    for said in ("What broke", "What changed since the run before", "What next", "extract_order", "lab-q4_k_m"):
        assert said in text
    assert "[−" in text


def test_the_same_report_gives_the_same_pdf(board: Board) -> None:
    assert document(report_of(board)) == document(report_of(board))


def test_hostile_texts_do_nothing_in_a_pdf(hostile_board: Board) -> None:
    data = document(report_of(hostile_board, route="中文 😀 \u202e"))
    reader = pypdf.PdfReader(io.BytesIO(data))

    text = pdf_text(data)
    assert "<script>alert(1)</script>" in text
    assert "‹U+202E›" in text
    assert "‹U+4E2D›" in text
    assert not any(page.get("/Annots") or page.get("/AA") for page in reader.pages)
    root = reader.trailer["/Root"]
    assert not {"/AA", "/AcroForm", "/Names"} & set(root)
    assert isinstance(root.get("/OpenAction", []), list)  # a place to open at; an action would be a dictionary
