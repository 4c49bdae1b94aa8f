"""Shows `evalgate plan --watch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from evalgate.cli.output import write_json
from evalgate.gate import OperationBoard
from evalgate.plan import Contest
from evalgate.plan.watching import Wish, watch_forecast
from evalgate.report.layout import console_for_output
from evalgate.report.watching import render_watch_forecast


def show(
    contests: Sequence[Contest],
    earlier: Mapping[str, Sequence[OperationBoard]],
    wish: Wish | None,
    json_path: str | None,
) -> int:
    """Print what watching takes, operation by operation."""
    told = [watch_forecast(contest, earlier.get(contest.suite.operation, ()), wish) for contest in contests]
    if json_path is not None:
        write_json({"operations": [_plain(asdict(each)) for each in told]}, json_path)
    if json_path != "-":
        console = console_for_output()
        for each in told:
            render_watch_forecast(each, console)
    return 0


def _plain(value: object) -> object:
    """With texts for keys, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
