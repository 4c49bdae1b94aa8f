"""A store in words and columns."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from evalgate.report.store import batches, render_statistics, render_waste, size, usd
from evalgate.store.gc import Selection, Tidied, Waste
from evalgate.store.statistics import Holding, Statistics

HELD = Holding("full", "sha256:0123456789", 1234, 1, 10, 2, Decimal("0.5"), 3, 0.0, 86_400.0)


def statistics(*held: Holding) -> str:
    console = Console(file=io.StringIO(), width=100)
    render_statistics(Statistics(2, 5_700_000, held, 1, 2, 1, 3), "x.db", console)
    return console.file.getvalue()


def waste(found: Waste, selection: Selection, tidied: Tidied | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    render_waste(found, selection, "x.db", console, tidied)
    return console.file.getvalue().splitlines()


def test_a_holding_is_a_line_and_their_sum_another() -> None:
    assert statistics(HELD).splitlines() == [
        "x.db · schema 2 · 5.7 MB",
        "  variant  answers  refused  tokens in  tokens out     USD  scores  oldest      newest",
        "  full       1,234        1         10           2  0.5000       3  1970-01-01  1970-01-02",
        "  total      1,234        1         10           2  0.5000       3  1970-01-01  1970-01-02",
        "  1 run · 2 questions being asked · 1 batch not fetched yet, of 3 questions",
    ]


def test_what_rests_on_an_estimate_is_marked() -> None:
    lines = statistics(replace(HELD, uncounted=7)).splitlines()
    assert "≈0.5000" in lines[2]
    assert "≈ tokens not counted by the server, but estimated" in " ".join(lines)


def test_the_configuration_is_shown_where_it_tells_two_lines_apart() -> None:
    assert "01234567  " in statistics(HELD, HELD)
    assert "01234567" not in statistics(HELD)


def test_an_empty_store_has_no_table() -> None:
    assert statistics().splitlines()[1].startswith("  no answers · 1 run")


def test_what_goes_is_said_kind_by_kind() -> None:
    found = Waste(2, Decimal("1.5"), 3, 1, 2, 1, 2)
    assert waste(found, Selection(before=1.0)) == [
        "x.db: this would go:",
        "  2 answers, bought for 1.5000 USD, with 3 scores",
        "  1 score without an answer",
        "  2 texts without an answer",
        "  1 run before those that are kept",
        "  2 workers that died while asking, with all claims",
        "nothing was deleted; with --yes it is",
    ]
    assert waste(found, Selection(before=1.0), Tidied(found, 1000))[-1] == "freed 1.0 kB"
    assert waste(found, Selection(before=1.0), Tidied(found, 0, "why not"))[-1] == "why not"


def test_nothing_to_tidy_up_says_why() -> None:
    nothing = Waste(0, Decimal(0), 0, 0, 0, 0, 0)
    assert waste(nothing, Selection())[1:] == [
        "  no answers: none are selected (--older-than 90d, --unused)",
        "nothing was deleted",
    ]
    assert waste(nothing, Selection(unless_of=frozenset()))[1] == "  no answers: all are younger, or in use"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (99_500, "100 kB"),
        (999_600, "1.0 MB"),
        (10**16, "10000 TB"),
    ],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("amount", "said"), [("0", "0.0000"), ("0.00012", "0.0001"), ("0.0000089", "8.9e-06"), ("12345.6", "12,345.6000")]
)
def test_amounts(amount: str, said: str) -> None:
    assert usd(Decimal(amount)) == said


def test_batches_have_a_plural_of_their_own() -> None:
    assert (batches(1), batches(1200)) == ("1 batch", "1,200 batches")
