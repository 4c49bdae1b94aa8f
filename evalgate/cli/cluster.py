"""`--ray [ADDRESS]`: who works for a command, this process or a cluster."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.cluster import Fleet

Function = TypeVar("Function", bound=Callable[..., Any])

_LOCAL = "local"
_ADDRESS = re.compile(r"auto|local|(\[[0-9a-fA-F:]+\]|[^\s/:]+):\d{1,5}")


class OnCluster(click.Command):
    """A command whose `--ray` may stand before an argument that is no address."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        for at, word in enumerate(args):
            follows = args[at + 1] if at + 1 < len(args) else ""
            if word == "--":
                break
            if word == "--ray" and not _ADDRESS.fullmatch(follows) and not follows.startswith("ray://"):
                args = [*args[:at], f"--ray={_LOCAL}", *args[at + 1 :]]
                break
        return super().parse_args(ctx, args)


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _ADDRESS.fullmatch(value):
        message = f"expected auto or host:port, got {value!r}; without an address Ray is started here"
        if value.startswith("ray://"):
            message = (
                "Ray's client (ray://) cannot do this; run it on the cluster: ray job submit -- evalgate … --ray auto"
            )
        raise click.BadParameter(message, context, parameter)
    return value


def ray_options(function: Function) -> Function:
    """`--ray [ADDRESS]` and `--ray-workers N`."""
    text = "Let a Ray cluster ask and grade: auto or host:port; without an address, one that is started here."
    address = click.option("--ray", "ray_address", metavar="[ADDRESS]", callback=_address, help=text)
    text = "Processes of the cluster that ask; default: one for each core."
    workers = click.option("--ray-workers", type=click.IntRange(min=1, max=10_000), metavar="N", help=text)
    return address(workers(function))


@contextlib.contextmanager
def on_cluster(
    address: str | None,
    workers: int | None,
    *,
    store: str,
    catalog: Path,
    batch: bool = False,
    max_cases: int | None = None,
) -> Iterator[Fleet | None]:
    """The cluster, if one was asked for; raises as `Fleet` does."""
    if address is None:
        if workers is not None:
            raise InputError("--ray-workers: says how many processes of a cluster ask; there is none without --ray")
        yield None
        return
    if batch:
        raise InputError("--batch and --ray: a batch API needs no cluster to wait for it; leave one of them out")
    from evalgate.cli.tell import tell
    from evalgate.cluster import Fleet

    with Fleet(address, store=store, catalog=catalog, workers=workers, max_cases=max_cases, tell=tell) as fleet:
        yield fleet
