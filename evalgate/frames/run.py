"""One run, as frames: what the board says at once, what stands behind it when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.errors import InputError, MissingStoreError
from evalgate.formats.documents import did_you_mean
from evalgate.formats.files import DEFAULT_STORE
from evalgate.frames import answers as behind
from evalgate.frames import evidence, files
from evalgate.frames.columns import TABLES, documented
from evalgate.frames.evidence import Row
from evalgate.frames.make import Rows
from evalgate.gate import Board, OperationBoard
from evalgate.store import Store, open_to_read
from evalgate.store.past import board_of, run_names
from evalgate.suite import Suite
from evalgate.suite.find import find_suite

if TYPE_CHECKING:
    import pandas as pd

OF_THE_BOARD = ("verdicts", "metrics", "course", "flips")
BEHIND_IT = ("cases", "answers", "scores")
ALL = (*BEHIND_IT, *OF_THE_BOARD)  # first what may be missing, so that nothing is half written
_SUITES = "name the folder with the suites of this run (suites=, --suites), or do without answers (--no-answers)"
SHOWN = 5  # runs that an error names


@dataclass(frozen=True, repr=False)
class Run:
    """A run that was loaded. `suites` is the folder in which its suites are looked for, beside where the check found
    them; they are needed for `cases`, `answers` and `scores` alone.
    """

    board: Board
    store: str
    suites: Path = Path("suites")
    _found: dict[str, Suite] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        verdicts = sum(len(each.verdicts) for each in self.board.operations)
        return f"<Run {self.name}: {len(self.operations)} operations, {verdicts} verdicts>"

    @property
    def name(self) -> str:
        """Its name, by which `load_run` finds it."""
        return self.board.run

    @property
    def operations(self) -> list[str]:
        """What was judged."""
        return [each.operation for each in self.board.operations]

    @documented
    def verdicts(self) -> pd.DataFrame:
        """What was concluded: a row for each variant on each operation."""
        return self._frame("verdicts", evidence.verdicts(self.board))

    @documented
    def metrics(self) -> pd.DataFrame:
        """The evidence on every metric: a row for each metric of each verdict."""
        return self._frame("metrics", evidence.metrics(self.board))

    @documented
    def course(self) -> pd.DataFrame:
        """How the evidence came in: a row for each point of each metric that decides."""
        return self._frame("course", evidence.course(self.board))

    @documented
    def flips(self) -> pd.DataFrame:
        """What broke and what was fixed: a row for each case on which a variant scored differently."""
        return self._frame("flips", evidence.flips(self.board))

    @documented
    def cases(self, operation: str | None = None) -> pd.DataFrame:
        """What was asked (of one operation, or of all): a row for each case of the suite.

        Raises `InputError` when a suite is not there, or is not what it was.
        """
        return self._behind("cases", operation, lambda board, suite, _: behind.cases(board, suite))

    @documented
    def answers(self, operation: str | None = None) -> pd.DataFrame:
        """What was said (on one operation, or on all): a row for each answer that this run had.

        Raises `InputError` when a suite is not what it was or none of the answers is left, and warns
        (`MissingAnswersWarning`) when some are gone. Calls that failed brought none: `verdicts().failed` counts them.
        """
        at, run = self.board.at, self.name
        return self._behind(
            "answers", operation, lambda board, suite, store: behind.answers(board, suite, store, run, at)
        )

    @documented
    def scores(self, operation: str | None = None) -> pd.DataFrame:
        """How it was graded (on one operation, or on all): a row for each answer and metric.

        The built-in metrics (`availability`, `untruncated`, …) are not among them: `answers` says what they rest on.
        Raises and warns as `answers` does.
        """
        at, run = self.board.at, self.name
        return self._behind(
            "scores", operation, lambda board, suite, store: behind.scores(board, suite, store, run, at)
        )

    def frame(self, name: str) -> pd.DataFrame:
        """One of the frames by the name of its method."""
        if name not in ALL:
            raise InputError(f"no frame {name!r}{did_you_mean(name, {*ALL})}")
        made: pd.DataFrame = getattr(self, name)()
        return made

    def to_parquet(self, folder: Path | str, frames: Iterable[str] = ALL) -> list[Path]:
        """Write the frames to `folder`, a file `NAME.parquet` each; returns the files. See `frames.to_parquet`."""
        return list(self.write(folder, "parquet", frames))

    def to_csv(self, folder: Path | str, frames: Iterable[str] = ALL) -> list[Path]:
        """Write the frames to `folder`, a file `NAME.csv` each; returns the files. See `frames.to_csv`."""
        return list(self.write(folder, "csv", frames))

    def write(self, folder: Path | str, form: str, frames: Iterable[str]) -> Iterator[Path]:
        """Write one frame after the other, as `parquet` or `csv`; yields each file when it is there."""
        to_file = files.to_parquet if form == "parquet" else files.to_csv
        for name in frames:
            path = Path(folder) / f"{name}.{form}"
            to_file(self.frame(name), path)
            yield path

    def _frame(self, name: str, rows: Iterable[Row]) -> pd.DataFrame:
        made = Rows(TABLES[name])
        for row in rows:
            made.add(**row)
        return made.frame()

    def _behind(
        self, name: str, operation: str | None, of: Callable[[OperationBoard, Suite, Store], Iterator[Row]]
    ) -> pd.DataFrame:
        if operation is not None and operation not in self.operations:
            raise InputError(
                f"run {self.name}: no operation {operation!r}{did_you_mean(operation, {*self.operations})}"
            )
        boards = [each for each in self.board.operations if operation in (None, each.operation)]
        with _opened(self.store) as store:
            return self._frame(name, (row for each in boards for row in of(each, self._suite(each, store), store)))

    def _suite(self, board: OperationBoard, store: Store) -> Suite:
        if board.operation not in self._found:
            suite = find_suite(Path(board.suite), board.operation, board.suite_hash, self.suites, else_=_SUITES)
            self._found[board.operation] = behind.asked_order(board, suite, store)
        return self._found[board.operation]


def load_run(run: str = "last", store: Path | str = DEFAULT_STORE, *, suites: Path | str = "suites") -> Run:
    """Load a run by its name, or how its name begins; by default the last one.

    `store` is a path or a database URL, `suites` the folder with the suites of the run. Raises `InputError` with what
    there is when there is no such run, and `StoreError` when the store cannot be read.
    """
    from pydantic import ValidationError

    with _opened(str(store)) as opened:
        name = _chosen(run_names(opened), run, opened.name)
        try:
            board = Board.from_json(board_of(opened, name))
        except ValidationError:
            message = f"store {opened.name}: run {name} was written by a release that this one cannot read"
            raise InputError(f"{message}; check anew: evalgate check") from None
    return Run(board, str(store), Path(suites))


@documented
def runs(store: Path | str = DEFAULT_STORE) -> pd.DataFrame:
    """The runs in the store, the newest first."""
    made = Rows(TABLES["runs"])
    with _opened(str(store)) as opened:
        for name in run_names(opened):
            board = board_of(opened, name)
            operations = [each for each in _list(board.get("operations")) if isinstance(each, dict)]
            outcomes = [
                verdict.get("outcome")
                for each in operations
                for verdict in _list(each.get("verdicts"))
                if isinstance(verdict, dict)
            ]
            counts = {outcome: outcomes.count(outcome) for outcome in ("green", "red", "inconclusive")}
            told = {"at": board.get("at", 0.0), "requests": board.get("requests", 0), "operations": len(operations)}
            made.add(run=name, **told, **counts)
    return made.frame()


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _chosen(names: list[str], run: str, store: str) -> str:
    if not names:
        raise InputError(f"store {store}: no run yet; start with: evalgate check")
    if run in names:
        return run
    alike = names[:1] if run == "last" else [name for name in names if run and name.startswith(run)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise InputError(f"store {store}: {len(alike)} runs begin with {run!r}: {', '.join(alike[:SHOWN])}")
    raise InputError(f"store {store}: no run {run!r}; the newest are {', '.join(names[:SHOWN])}")


def _opened(name: str) -> Store:
    try:
        return open_to_read(name)
    except MissingStoreError as failure:
        raise InputError(f"{failure}; nothing was checked yet: evalgate check") from None
