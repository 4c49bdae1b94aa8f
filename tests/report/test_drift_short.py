"""The report on paper: a PDF."""

from __future__ import annotations

import io
from dataclasses import replace

import pypdf
import pytest

from evalgate.gate import Board
from evalgate.report.drift.pdf import document
from tests.report.drift_reports import report_of


@pytest.fixture(scope="module")
def earlier(board: Board) -> Board:
    """The same with the verdicts of the first operation in another order, so that some of them changed."""
    first, *others = board.operations
    swapped = [replace(each, outcome="green" if each.outcome == "red" else "red") for each in first.verdicts]
    return replace(board, run="earlier", operations=(replace(first, verdicts=tuple(swapped)), *others))


def pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


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
