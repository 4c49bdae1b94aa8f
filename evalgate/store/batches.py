"""What was handed to a provider's batch API and is not fetched yet: paid for, so it must not be forgotten.

Between a provider's taking a batch and our knowing its id lies a moment in which we may be killed. So a batch is first
written down as an *intent*, under a token that goes along to the provider; whoever finds the intent later can ask the
provider for the batch of that token. The intent names the worker who wrote it: while that one lives, it is not anybody
else's business.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.store import LOOKUP, Store

_INTENT = "intent:"  # no provider's id has a colon in this place


@dataclass(frozen=True, slots=True)
class Item:
    """A question in a batch; `key` is where its answer is kept, and what the provider knows it by."""

    key: str
    request: str
    repeat: int


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not fetched yet. `name` is the provider's id, or that of an intent."""

    name: str
    provider: str
    config: str
    submitted_at: float

    @property
    def token(self) -> str | None:
        """What an intent is known by at the provider; None for a batch whose id we know."""
        return self.name.removeprefix(_INTENT) if self.name.startswith(_INTENT) else None

    @property
    def worker(self) -> str | None:
        """Who wrote the intent."""
        return self.token and self.token.partition("-")[0]


def new_intent(worker: str, provider: str, config: str, at: float) -> OpenBatch:
    """A batch that `worker` is about to hand in."""
    return OpenBatch(f"{_INTENT}{worker}-{secrets.token_hex(8)}", provider, config, at)


def intend(store: Store, intent: OpenBatch, items: Sequence[Item], *, since: float) -> set[str]:
    """Write down what is about to be handed in, and claim it; returns the keys that are in the batch now.

    Left out is what was answered since then, what others have claimed, and what is in another open batch already. When
    nothing is left, there is no intent.
    """
    rows = {item.key: {"key": item.key, "request": item.request, "repeat": item.repeat} for item in items}

    def work(connection: sa.Connection) -> set[str]:
        ours = rows.keys() - _taken(connection, list(rows), intent, since)
        if ours:
            for table, new in (
                (schema.batches, [_row(intent)]),
                (schema.batch_items, [{"batch": intent.name, **rows[key]} for key in ours]),
                (schema.claims, [{"key": key, "worker": intent.worker} for key in ours]),
            ):
                dialect.insert_unknown(connection, table, new)
        return ours

    return store.write(work)


def free(store: Store, intent: OpenBatch, keys: Sequence[str], *, since: float) -> set[str]:
    """Which of `keys` an intent like this one would get at this moment."""
    return set(keys) - store.read(lambda connection: _taken(connection, keys, intent, since))


def remember(store: Store, intent: OpenBatch, batch: str, items: Iterable[Item]) -> OpenBatch:
    """The provider took it: put its own id in the intent's place. Twice is as good as once."""
    known = replace(intent, name=batch)
    rows = [{"batch": batch, "key": item.key, "request": item.request, "repeat": item.repeat} for item in items]

    def work(connection: sa.Connection) -> None:
        dialect.insert_unknown(connection, schema.batches, [_row(known)])
        if rows:
            dialect.insert_unknown(connection, schema.batch_items, rows)
        _delete(connection, intent.name)

    store.write(work)
    return known


def forget(store: Store, batch: str) -> None:
    """All that it brought is durable, or it never came to be."""
    store.write(lambda connection: _delete(connection, batch))


def open_batches(store: Store, config: str | None = None) -> list[OpenBatch]:
    """What is open, of one endpoint's configuration or of all; intents among them, the oldest first."""
    b = schema.batches.c
    query = sa.select(b.batch, b.provider, b.config, b.submitted_at).order_by(b.submitted_at, b.batch)
    if config is not None:
        query = query.where(b.config == config)
    return store.read(lambda connection: [OpenBatch(*row) for row in connection.execute(query)])


def items_of(store: Store, batch: str) -> dict[str, Item]:
    """The questions in a batch, by key."""
    i = schema.batch_items.c
    query = sa.select(i.key, i.request, i.repeat).where(i.batch == batch)
    return store.read(lambda connection: {row.key: Item(*row) for row in connection.execute(query)})


def living(store: Store) -> set[str]:
    """The workers that have not taken leave and are not buried (`Claims.bury_the_dead`)."""
    return store.read(lambda connection: set(connection.scalars(sa.select(schema.workers.c.worker))))


def _taken(connection: sa.Connection, keys: Sequence[str], intent: OpenBatch, since: float) -> set[str]:
    answers, claims, batches, items = (
        table.c for table in (schema.answers, schema.claims, schema.batches, schema.batch_items)
    )
    others = sa.select(items.key).join(schema.batches, items.batch == batches.batch)
    others = others.where(batches.config == intent.config, batches.batch != intent.name)
    # a batch that was handed in before brings answers that are too old to count
    taken = set(connection.scalars(others.where(batches.submitted_at >= since)))
    for start in range(0, len(keys), LOOKUP):
        some = keys[start : start + LOOKUP]
        answered = sa.select(answers.key).where(
            dialect.among(connection, answers.key, some), answers.answered_at >= since
        )
        claimed = sa.select(claims.key).where(claims.key.in_(some), claims.worker != intent.worker)
        taken.update(connection.scalars(answered), connection.scalars(claimed))
    return taken


def _row(batch: OpenBatch) -> dict[str, object]:
    return {
        "batch": batch.name,
        "provider": batch.provider,
        "config": batch.config,
        "submitted_at": batch.submitted_at,
    }


def _delete(connection: sa.Connection, batch: str) -> None:
    for table in (schema.batches, schema.batch_items):
        connection.execute(table.delete().where(table.c.batch == batch))
