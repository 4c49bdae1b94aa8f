"""What is in a store: what was bought from whom, what it cost, and what is under way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal

import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.pages import dollars
from evalgate.store.store import Store


@dataclass(frozen=True, slots=True)
class Holding:
    """All answers of one configuration of a variant; `oldest` and `newest` are in seconds since the epoch.

    `refused` ones are those that the provider turned away, `uncounted` those of which it did not say all tokens: these
    have none here, and `usd` has an estimate for them. `scores` counts one for each metric of each grading.
    """

    variant: str
    config: str
    answers: int
    refused: int
    input_tokens: int
    output_tokens: int
    usd: Decimal
    scores: int
    oldest: float
    newest: float
    uncounted: int = 0


@dataclass(frozen=True, slots=True)
class Statistics:
    """All holdings, by variant and the oldest first; `size` is in bytes on disk.

    `claims` counts the questions that are being asked at this moment, `batches` those that were handed to a provider
    and not fetched yet, with `batch_items` questions in them.
    """

    schema: int
    size: int
    holdings: tuple[Holding, ...]
    runs: int
    claims: int
    batches: int
    batch_items: int

    @property
    def total(self) -> Holding:
        """The sum of all holdings; `variant` and `config` are empty."""
        held = self.holdings
        return Holding(
            variant="",
            config="",
            answers=sum(each.answers for each in held),
            refused=sum(each.refused for each in held),
            input_tokens=sum(each.input_tokens for each in held),
            output_tokens=sum(each.output_tokens for each in held),
            uncounted=sum(each.uncounted for each in held),
            usd=sum((each.usd for each in held), Decimal(0)),
            scores=sum(each.scores for each in held),
            oldest=min((each.oldest for each in held), default=0.0),
            newest=max((each.newest for each in held), default=0.0),
        )

    def to_json(self) -> dict[str, JsonValue]:
        """As JSON; amounts are decimal text, so that no reader rounds them."""
        total = _plain(self.total)
        del total["variant"], total["config"]
        return {
            "schema": self.schema,
            "bytes": self.size,
            "total": total,
            "variants": [_plain(each) for each in self.holdings],
            "runs": self.runs,
            "claims": self.claims,
            "batches": self.batches,
            "batch_items": self.batch_items,
        }


def statistics(store: Store) -> Statistics:
    """Look at the whole store, at one moment."""
    with store.snapshot() as connection:
        look = sa.inspect(connection)

        def count(table: sa.Table) -> int:
            query = sa.select(sa.func.count()).select_from(table)
            return connection.execute(query).scalar_one() if look.has_table(table.name) else 0  # an older store

        version = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.name == "schema")).scalar_one()
        return Statistics(
            schema=int(version),
            size=dialect.size(connection, schema.metadata.tables),
            holdings=_holdings(connection),
            runs=count(schema.runs),
            claims=count(schema.claims),
            batches=count(schema.batches),
            batch_items=count(schema.batch_items),
        )


def _holdings(connection: sa.Connection) -> tuple[Holding, ...]:
    a, total = schema.answers.c, sa.func.sum
    bought = sa.select(
        a.variant,
        a.config,
        sa.func.count().label("answers"),
        total(sa.case((a.finish_reason == "refused", 1), else_=0)).label("refused"),
        total(a.input_tokens).label("input_tokens"),
        total(a.output_tokens).label("output_tokens"),
        total(sa.case((a.input_tokens.is_(None) | a.output_tokens.is_(None), 1), else_=0)).label("uncounted"),
        total(a.picodollars).label("picodollars"),
        sa.func.min(a.answered_at).label("oldest"),
        sa.func.max(a.answered_at).label("newest"),
    ).group_by(a.variant, a.config)
    scored = (
        sa.select(a.variant, a.config, sa.func.count())
        .join(schema.scores, schema.scores.c.key == a.key)
        .group_by(a.variant, a.config)
    )
    scores = {(variant, config): count for variant, config, count in connection.execute(scored)}
    found = [
        Holding(
            variant=row.variant,
            config=row.config,
            answers=row.answers,
            refused=int(row.refused),
            input_tokens=int(row.input_tokens or 0),
            output_tokens=int(row.output_tokens or 0),
            uncounted=int(row.uncounted),
            usd=dollars(row.picodollars),
            scores=scores.get((row.variant, row.config), 0),
            oldest=row.oldest,
            newest=row.newest,
        )
        for row in connection.execute(bought)
    ]
    return tuple(sorted(found, key=lambda each: (each.variant, each.oldest, each.config)))


def _plain(holding: Holding) -> dict[str, JsonValue]:
    return asdict(holding) | {"usd": f"{holding.usd:f}"}
