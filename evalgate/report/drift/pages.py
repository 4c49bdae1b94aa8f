"""The pages: templates, and the one way in which anything gets into them.

A report is meant to be sent around and kept, so each page carries all that it shows: it opens in ten years, behind any
firewall, on any screen and on paper. Style and script are inline and named by their hashes in a content security
policy that refuses everything else. What models and datasets wrote is hostile: every text that a template puts out goes
through `wording.safe` and is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup

from evalgate._version import __version__
from evalgate.exchange import as_text
from evalgate.gate import OperationBoard, Verdict
from evalgate.report import next_step, templating, wording
from evalgate.report.drift import consequences, pictures
from evalgate.report.drift.places import Places
from evalgate.report.drift.report import A_PAGE, Operation, Report
from evalgate.report.drift.spread import TOLD_AS_RATES
from evalgate.report.side_by_side import FIELD_LIMIT, both_shown

ANSWER_LIMIT = 1_000  # characters of an answer; the command shows more
_COMPACT = 9  # variants from which on a cell of the board says less


class Pages:
    """Renders the pages of one report."""

    def __init__(self, report: Report, places: Places) -> None:
        self._report, self._places = report, places
        self._changes = report.changes
        self._further: dict[tuple[str, str], int] = {}
        self._environment = _environment()
        self._environment.globals.update(
            report=report,
            board=report.board,
            places=places,
            so=report.consequences,
            illustrative=any(wording.is_illustrative(*each) for each in _verdicts(report)),
            estimated=any(wording.is_estimated(verdict) for _, verdict in _verdicts(report)),
            at=datetime.fromtimestamp(report.board.at, UTC),
        )
        self._style = self._source("drift.css")
        self._script = self._source("drift.js")
        self._page = self._environment.get_template("page.html.j2")

    def page(self, text: str, name: str, rest: Sequence[str] = ()) -> str:
        """A whole page; `name` is empty for the board, `rest` are fragments that follow in the same file."""
        policy = f"default-src 'none'; style-src {_hash(self._style)}; script-src {_hash(self._script)}"
        return self._page.render(
            body=Markup("\n".join((text, *rest))),  # noqa: S704  # rendered by this environment
            here=name,
            policy=policy,
            style=Markup(self._style),  # noqa: S704
            script=Markup(self._script),  # noqa: S704
            version=__version__,
        )

    def of_board(self) -> str:
        """The fragment of the board: six questions on the first screen, and where each answer is.

        Comes after the operations, of which it tells how far the open verdicts are from a proof.
        """
        board = self._report.board
        verdicts = _verdicts(self._report)
        return self._environment.get_template("board.html.j2").render(
            here="",
            tables=_tables(self._report),
            tally=Counter(wording.outcome(verdict) for _, verdict in verdicts),
            total=len(verdicts),
            served=len({each.operation for each, verdict in verdicts if verdict.outcome == "green"}),
            worst=consequences.worst_first(board),
            steps=consequences.steps(board),
            unfit=[each for each in board.operations if each.baseline_check and each.baseline_check.outcome != "green"],
            compared=self._changes,
            changed=[change for each in self._changes for change in each.changes],
            compact=_COMPACT,
            further=self._further,
        )

    def of_operation(self, operation: Operation) -> Iterator[tuple[str, str]]:
        """The fragments of an operation and of its variants, by the names of their pages."""
        each, name = operation.board, self._places.operations[operation.board.operation]
        here = name if self._places.folder else ""
        template = self._environment.get_template("operation.html.j2")
        compared = next((one for one in self._changes if one.operation == each.operation), None)
        yield (
            name,
            template.render(
                here=here, name=name, operation=operation, each=each, by_slice=_by_slice(operation), compared=compared
            ),
        )
        variant_page = self._environment.get_template("variant.html.j2")
        for variant in operation.variants:
            anchor = self._places.variants[each.operation, variant.verdict.variant.id]
            if variant.further:
                self._further[each.operation, variant.verdict.variant.id] = variant.further
            pages = variant.pages
            for number, pairs in enumerate(pages, start=1):
                page = anchor if number == 1 else f"{anchor}-{number}"
                yield (
                    page,
                    variant_page.render(
                        here=page if self._places.folder else "",
                        name=page,
                        operation=operation,
                        each=each,
                        variant=variant,
                        verdict=variant.verdict,
                        pairs=pairs,
                        number=number,
                        numbers=len(pages),
                        first=(number - 1) * A_PAGE,
                        told_as_rates=TOLD_AS_RATES,
                        was=self._was(each, variant.verdict),
                    ),
                )

    def _was(self, board: OperationBoard, verdict: Verdict) -> Verdict | None:
        before = self._report.before.get(board.operation)
        earlier = before.operation.verdicts if before is not None else ()
        return next((each for each in earlier if each.variant.id == verdict.variant.id and each.metrics), None)

    def _source(self, name: str) -> str:
        loader = self._environment.loader
        assert loader is not None
        return loader.get_source(self._environment, name)[0].strip()


@dataclass(frozen=True, slots=True)
class Table:
    """The verdicts of one model: operations as rows, variants as columns; None where one was not judged."""

    model: str
    variants: Sequence[Verdict]
    rows: Sequence[tuple[OperationBoard, Sequence[Verdict | None]]]


def _tables(report: Report) -> list[Table]:
    """One table for each model; its columns are the variants of all its operations, by bits per weight."""
    tables = []
    for model in dict.fromkeys(each.model for each in report.board.operations):
        mine = [each for each in report.board.operations if each.model == model]
        every = {verdict.variant.id: verdict for each in mine for verdict in each.verdicts}
        columns = wording.by_precision(every.values())
        rows = []
        for each in mine:
            found = {verdict.variant.id: verdict for verdict in each.verdicts}
            rows.append((each, [found.get(column.variant.id) for column in columns]))
        tables.append(Table(model, columns, rows))
    return tables


def _verdicts(report: Report) -> list[tuple[OperationBoard, Verdict]]:
    return [(each, verdict) for each in report.board.operations for verdict in each.verdicts]


def _by_slice(operation: Operation) -> Mapping[str, Mapping[str, object]]:
    """By variant, its slices by their names: a row for each in the table of the operation."""
    return {each.verdict.variant.id: {one.name: one for one in each.slices} for each in operation.variants}


def _environment() -> jinja2.Environment:
    environment = templating.environment("evalgate.report", "templates/drift")
    environment.globals.update(
        wording=wording,
        pictures=pictures,
        consequences=consequences,
        next_step=next_step.next_step,
        both_shown=lambda pair: both_shown(pair, ANSWER_LIMIT),
    )
    environment.filters["field"] = lambda value: wording.safe(as_text(value), FIELD_LIMIT, multiline=True)
    environment.filters["day"] = lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC"
    environment.filters["moment"] = lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    environment.filters["usd"] = lambda dollars: f"{dollars:.4g}"
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["short"] = lambda number: f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
    return environment


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
