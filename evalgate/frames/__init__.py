"""Runs as pandas frames, to look at them with what everybody knows already.

    run = evalgate.load_run()                    # the last one; or by its name: evalgate.runs() lists them
    run.verdicts()[["operation", "variant", "outcome", "delta", "lower", "upper", "saving"]]
    run.answers().groupby(["operation", "variant"]).latency_ms.median()
    run.to_parquet("frames/")

Every frame has the columns of its table in `frames.columns`, each always of the same dtype, also where there are no
rows. pandas is imported when the first frame is made.
"""

from evalgate.frames.answers import MissingAnswersWarning
from evalgate.frames.columns import TABLES, Column, Table, documentation
from evalgate.frames.files import to_csv, to_parquet
from evalgate.frames.run import Run, load_run, runs

__all__ = [
    "TABLES",
    "Column",
    "MissingAnswersWarning",
    "Run",
    "Table",
    "documentation",
    "load_run",
    "runs",
    "to_csv",
    "to_parquet",
]
