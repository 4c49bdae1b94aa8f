"""Finding what an earlier run concluded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from evalgate.errors import InputError, MissingStoreError
from evalgate.formats.documents import did_you_mean
from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.plan import Contest, StoreMemory
from evalgate.store import Store, open_to_read
from evalgate.suite import Suite
from evalgate.suite.find import find_suite

REMEMBERED = 20  # runs that are looked through for what is known of a variant


def open_checked(name: str) -> Store:
    """Open the store of an earlier check to look at it; raises `InputError` with what to do where there is none."""
    try:
        return open_to_read(name)
    except MissingStoreError as failure:
        raise InputError(f"{failure}; nothing was checked yet: evalgate check") from None


def earlier_boards(name: str) -> dict[str, list[OperationBoard]]:
    """What the last runs in the store concluded, by operation, the newest first; nothing where there is none."""
    found: dict[str, list[OperationBoard]] = {}
    try:
        with open_to_read(name) as store:
            for data in islice(store.boards(), REMEMBERED):
                for board in Board.from_json(data).operations:
                    found.setdefault(board.operation, []).append(board)
    except MissingStoreError:
        return {}
    return found


def recalled(contests: Sequence[Contest], name: str) -> list[Contest]:
    """The contests with what the store remembers of earlier certifications; as they are where there is none."""
    try:
        with open_to_read(name) as store:
            return [contest.recalling(StoreMemory(store)) for contest in contests]
    except MissingStoreError:
        return list(contests)


def suite_of(board: OperationBoard, folder: Path = Path("suites")) -> Suite:
    """The suite of a verdict, found by its hash: where the check found it, or else among those of `folder`.

    Raises `InputError` with the way out when it is nowhere, or is not what it was.
    """
    return find_suite(Path(board.suite), board.operation, board.suite_hash, folder)


def last_board(store: Store) -> Board:
    """The board of the last run; raises `InputError` when there was none."""
    for data in store.boards():
        return Board.from_json(data)
    raise InputError(f"store {store.name}: no run yet; start with: evalgate check")


def last_verdict(store: Store, operation: str, variant: str) -> tuple[OperationBoard, Verdict]:
    """The newest verdict on a variant; raises `InputError` with what there is instead."""
    operations: set[str] = set()
    variants: set[str] = set()
    for data in store.boards():
        for board in Board.from_json(data).operations:
            operations.add(board.operation)
            if board.operation == operation:
                for verdict in board.verdicts:
                    if verdict.variant.id == variant:
                        return board, verdict
                    variants.add(verdict.variant.id)
    if operation not in operations:
        known = f"{did_you_mean(operation, operations)}" if operations else "; nothing was checked yet: evalgate check"
        raise InputError(f"store {store.name}: no verdict on operation {operation!r}{known}")
    raise InputError(
        f"store {store.name}: no verdict on {variant!r} for {operation!r}{did_you_mean(variant, variants)}"
    )
