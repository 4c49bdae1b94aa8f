from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalgate.gate import Before, Board, FailOn
from evalgate.report.ci import COMMENT_BYTES, MARKER, SUMMARY_BYTES, broken_summary, comment, summary
from evalgate.report.drift.changes import OperationChanges, changes
from evalgate.report.drift.past import Before as Earlier
from tests.report.board_factory import HOSTILE


def route(operation: str) -> str:
    return f"traffic of {operation} goes to lab-f16"


def rows(text: str, title: str = "") -> list[list[str]]:
    """The cells of the table's rows, without its head; of the first one, or of the one below `title`."""
    below = text.partition(f"#### {title}\n")[2] if title else text
    lines = re.findall(r"^\| .*", re.split(r"\n\n(?!\|)", below[below.index("|") :])[0], re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[1:]]


@pytest.fixture(scope="module")
def earlier(board: Board) -> Board:
    """The same with the verdicts of the first operation in another order, so that some of them changed."""
    first, *others = board.operations
    swapped = [replace(each, outcome="green" if each.outcome == "red" else "red") for each in first.verdicts]
    return replace(board, run="earlier", operations=(replace(first, verdicts=tuple(swapped)), *others))


def since(board: Board, before: Board) -> list[OperationChanges]:
    return changes(board, {each.operation: Earlier(before.run, before.at, each) for each in before.operations})


@pytest.fixture(scope="module")
def huge(board: Board) -> Board:
    """16,800 verdicts."""
    many = [
        replace(each, operation=f"{each.operation}-{number:03}") for number in range(600) for each in board.operations
    ]
    return replace(board, operations=tuple(many))


def test_the_first_line_answers_and_the_worst_come_first(board: Board) -> None:
    text = summary(board, FailOn(), route)
    words = [cells[0].split()[1] for cells in rows(text)]
    order = ["RED", "worse", "inconclusive", "green"]

    assert text.startswith("### evalgate: failed · ")
    assert words == sorted(words, key=order.index)
    assert len(words) == 28


def test_each_row_says_how_sure_it_is_and_what_is_saved(board: Board) -> None:
    verdict = board.operations[0].verdicts[0]
    row = next(cells for cells in rows(summary(board, FailOn(), route)) if cells[2] == f"`{verdict.variant.id}`")
    assert re.fullmatch(r"\[[−+]?[\d.]+, [−+]?[\d.]+\]", row[5])
    assert row[-1].endswith("%\\*")
    assert "illustrative prices" in summary(board, FailOn(), route)


def test_what_was_published_stands_beside_what_is(board: Board) -> None:
    operation = board.operations[0]
    before = {
        (operation.operation, each.variant.id): Before(each.variant.config, "green") for each in operation.verdicts
    }
    text = summary(replace(board, operations=(operation,)), FailOn(before=before), route)
    assert {cells[3] for cells in rows(text)} == {"green"}


def test_what_broke_is_told_below(board: Board) -> None:
    text = summary(board, FailOn(), route)
    assert "next: evalgate show extract_order lab-f16-short --broke" in text
    assert (
        text.count("<details>")
        == text.count("</details>")
        == sum(cells[0].split()[1] != "green" for cells in rows(text))
    )


@pytest.mark.parametrize("limit", [4096, 20_000, COMMENT_BYTES, SUMMARY_BYTES])
def test_a_limit_is_kept_and_what_has_no_room_is_counted(huge: Board, limit: int) -> None:
    text = summary(huge, FailOn(), route, limit=limit)
    shown = rows(text)

    assert len(text.encode()) <= limit
    assert {cells[0].split()[1] for cells in shown[:5]} == {"RED"}
    hidden = re.search(r"… and ([\d,]+) more verdicts: ", text)
    assert hidden is not None
    assert int(hidden[1].replace(",", "")) + len(shown) == 28 * 600


def test_the_comment_begins_with_the_marker_and_fits(huge: Board) -> None:
    text = comment(huge, FailOn(), route)
    assert text.startswith(f"{MARKER}\n### evalgate")
    assert len(text.encode()) <= COMMENT_BYTES < 65_536


def test_what_changed_is_told_the_worst_first(board: Board, earlier: Board) -> None:
    text = summary(board, FailOn(), route, since(board, earlier))
    told = text.partition("#### What changed\n")[2].partition("####")[0]

    assert re.search(r"^\d+ changes since the run before, \d+ for the worse\.$", text, re.MULTILINE)
    assert told.index("green → worse") < told.index("worse → green")


@pytest.mark.parametrize(
    ("compared", "said"), [(True, "Nothing changed since the run before."), (False, "no earlier run to compare with")]
)
def test_that_nothing_changed_or_could_have_is_told(board: Board, compared: bool, said: str) -> None:
    text = summary(board, FailOn(), route, since(board, board) if compared else ())
    assert said in text
    assert "#### What changed" not in text


def test_each_operation_says_what_it_saves_and_where_its_traffic_goes(board: Board) -> None:
    saved = rows(summary(board, FailOn(), route), "What it saves")
    assert [cells[0] for cells in saved] == [f"`{each.operation}`" for each in board.operations]
    assert all("traffic of" in cells[3] for cells in saved)
    assert all("itself" in cells[4] for cells in saved)


def test_open_verdicts_say_what_would_settle_them(board: Board) -> None:
    operation = board.operations[0]
    opened = replace(operation.verdicts[0], outcome="inconclusive", cause="open")
    one = replace(operation, verdicts=(opened, *operation.verdicts[1:]))
    text = summary(replace(board, operations=(one,)), FailOn(), route)
    assert f"`{opened.variant.id}` on `{operation.operation}`" in text.partition("#### What next")[2]
    assert "Next: `more cases in" in text


def test_hostile_names_are_cells_of_their_own_and_nothing_else(hostile_board: Board) -> None:
    other = replace(hostile_board.operations[0], verdicts=hostile_board.operations[0].verdicts[:2])
    past = since(hostile_board, replace(hostile_board, operations=(other,)))
    text = comment(hostile_board, FailOn(), lambda operation: f"@everybody {HOSTILE[0]}", past)
    told = re.sub(r"<pre>.*?</pre>|`[^`]*`|<code>.*?</code>", "", text, flags=re.DOTALL)

    assert all(len(cells) == 9 for cells in rows(text))
    assert all(len(cells) == 5 for cells in rows(text, "What it saves"))
    assert "#### What changed" in text
    assert "@" not in told
    assert "<script" not in text
    assert "<img" not in text
    assert set(re.findall(r"</?(\w+)", told)) <= {"details", "summary"}
    assert text.count("<!--") == 1
    assert text.replace("\n", "").isprintable()


def test_a_name_cannot_mention_anybody_nor_end_its_cell(board: Board) -> None:
    operation = board.operations[0]
    who = replace(operation.verdicts[0].variant, id="a | b `c` @team #1 https://evil.example <b>")
    one = replace(operation, verdicts=(replace(operation.verdicts[0], variant=who),))
    (cells,) = rows(summary(replace(board, operations=(one,)), FailOn(), route))
    assert len(cells) == 9
    assert re.fullmatch(r"<code>[^@#|`<>:]*</code>", re.sub(r"&#\d+;", "", cells[2]))


def test_nothing_judged_is_said() -> None:
    assert summary(Board("", 0.0, 0, ()), FailOn(), route).startswith("### evalgate: nothing was judged")


def test_what_ended_a_check_cannot_leave_its_block() -> None:
    text = broken_summary("refused</pre><script>x</script>\x1b[2J" + "y" * 10_000_000)
    assert text.count("</pre>") == 1
    assert "<script" not in text
    assert len(text) < 3_000
