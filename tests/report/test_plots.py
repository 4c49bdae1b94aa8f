from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

from evalgate.gate import Board
from evalgate.report import plots
from evalgate.report.svg import inline_svg
from tests.report.board_factory import operation_board


def test_the_same_board_gives_the_same_picture(board: Board) -> None:
    assert plots.forest(board.operations[1]) == plots.forest(operation_board("add_numbers"))


def test_the_forest_names_every_variant_with_its_verdict(board: Board) -> None:
    operation = board.operations[0]
    text = " ".join(ElementTree.fromstring(plots.forest(operation)).itertext())

    for verdict in operation.verdicts:
        assert verdict.variant.id in text
    assert text.count("inconclusive") == 2
    assert "margin" in text


def test_an_inline_picture_takes_colours_and_font_from_the_page(board: Board) -> None:
    svg = inline_svg(plots.forest(board.operations[0]), "one", 'says "<what>"')
    root = ElementTree.fromstring(svg)

    assert root.attrib["aria-label"] == 'says "<what>"'
    assert "var(--green)" in svg
    assert not any(mark in svg for mark in ("#00785a", "font-family", "<style", "<metadata", "xlink", "xmlns"))
    assert "width" not in root.attrib


def test_ids_of_several_pictures_do_not_clash_and_lead_somewhere(board: Board) -> None:
    seen: set[str] = set()
    for prefix in ("one", "two"):
        svg = inline_svg(plots.courses(board.operations[2]), prefix, "x")
        ids = {value for each in ElementTree.fromstring(svg).iter() if (value := each.attrib.get("id"))}
        referenced = {part.split(")")[0] for part in svg.split("url(#")[1:]}
        assert referenced
        assert referenced <= ids
        assert not ids & seen
        seen |= ids


def test_hostile_labels_are_drawn_as_text(hostile_board: Board) -> None:
    operation = hostile_board.operations[0]

    for picture in (plots.forest(operation), plots.courses(operation)):
        text = " ".join(ElementTree.fromstring(picture).itertext())
        assert "<script>alert(1)</script>" in text
        assert "‹U+202E›" in text
        assert "\u202e" not in text


def test_a_variant_that_was_not_judged_on_an_operation_leaves_its_row_empty(board: Board) -> None:
    one, two = board.operations[0], board.operations[1]
    partial = replace(board, operations=(one, replace(two, verdicts=two.verdicts[:2])))

    assert plots.overview_figure(partial).startswith(b"<?xml")


def test_the_overview_is_a_png_on_demand(board: Board) -> None:
    assert plots.overview_figure(replace(board, operations=board.operations[:2]), "png").startswith(b"\x89PNG")


def test_matplotlib_and_pandas_are_not_imported_before_something_is_drawn() -> None:
    modules = ", ".join(f"evalgate.report.{name}" for name in ("plots", "html", "terminal", "side_by_side"))
    code = f"import sys, {modules}; print([m for m in ('matplotlib', 'pandas') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
