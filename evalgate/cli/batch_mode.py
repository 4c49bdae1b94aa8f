"""What `--batch` means to a command, and what is said of batches while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalgate.cli.tell import tell
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.catalog import Endpoint
    from evalgate.collect import Batching
    from evalgate.providers.batch import BatchState
    from evalgate.store import Store


def batch_mode(endpoints: Sequence[Endpoint], store: Store, *, batch: bool, quiet: bool) -> Batching | None:
    """How batch APIs are used: not at all, unless asked for.

    Raises `InputError` when nobody has one; says so when an earlier run has left something there that is paid.
    """
    from evalgate.collect import Batching
    from evalgate.store.batches import open_batches

    with_batches = [endpoint for endpoint in endpoints if endpoint.variant.batch_discount is not None]
    if not batch:
        waiting = [name.name for endpoint in with_batches for name in open_batches(store, endpoint.config)]
        if waiting:
            what = f"{len(waiting)} batches of an earlier run are open at their providers ({', '.join(waiting[:3])})"
            tell(f"evalgate: {what}; --batch fetches them, without it the same is asked again")
        return None
    if not with_batches:
        names = ", ".join(repr(endpoint.id) for endpoint in endpoints)
        raise InputError(
            f"--batch: no batch API is known of {names}; set batch_discount of the variant in the catalogue"
        )
    told: dict[str, str] = {}

    def on_state(name: str, state: BatchState) -> None:
        line = f"  batch {name}: {state.status}, {state.finished:,} of {state.total:,}"
        if not quiet and told.get(name) != line:
            told[name] = line
            tell(line)

    def on_notice(notice: str) -> None:
        tell(f"evalgate: {notice}")

    return Batching(on_state=on_state, on_notice=on_notice)
