"""The steps of what a verdict rests on."""

from __future__ import annotations

import sqlalchemy as sa


def share_work_and_batches(connection: sa.Connection) -> None:
    """To version 2: several processes share a store, and batches are remembered while they are under way."""
    metadata = sa.MetaData()
    sa.Table(
        "workers",
        metadata,
        sa.Column("worker", sa.String(32), primary_key=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("beat", sa.Integer, nullable=False),
    )
    sa.Table(
        "claims",
        metadata,
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("worker", sa.String(32), nullable=False),
        sa.Index("claims_by_worker", "worker"),
    )
    sa.Table(
        "batches",
        metadata,
        sa.Column("batch", sa.String(200), primary_key=True),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("config", sa.String(71), nullable=False),
        sa.Column("submitted_at", sa.Float, nullable=False),
    )
    sa.Table(
        "batch_items",
        metadata,
        sa.Column("batch", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("request", sa.String(71), nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)


def leave_tokens_unknown(connection: sa.Connection) -> None:
    """To version 3: unknown tokens are null.

    They were 0 before, which no prompt has; so where the input was 0, nothing was counted. What was turned down has
    none, and keeps it.
    """
    if connection.dialect.name == "sqlite":  # it cannot change a column, so the table is made anew
        answers = _answers_of_version_3("answers_new", sa.MetaData())
        answers.create(connection, checkfirst=False)
        names = ", ".join(answers.columns.keys())
        connection.exec_driver_sql(f"INSERT INTO answers_new ({names}) SELECT {names} FROM answers")  # noqa: S608
        connection.exec_driver_sql("DROP TABLE answers")
        connection.exec_driver_sql("ALTER TABLE answers_new RENAME TO answers")
        connection.exec_driver_sql("CREATE INDEX answers_by_config ON answers (config)")
    else:
        for column in ("input_tokens", "output_tokens"):
            connection.exec_driver_sql(f"ALTER TABLE answers ALTER COLUMN {column} DROP NOT NULL")
    connection.exec_driver_sql(
        "UPDATE answers SET output_tokens = CASE WHEN output_tokens = 0 THEN NULL ELSE output_tokens END,"
        " input_tokens = NULL WHERE input_tokens = 0 AND finish_reason <> 'refused'"
    )


def remember_attempts(connection: sa.Connection) -> None:
    """To version 4: certifications that were begun, and the order in which cases were asked, are remembered."""
    metadata = sa.MetaData()
    sa.Table(
        "attempts",
        metadata,
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("baseline", sa.String(71), primary_key=True),
        sa.Column("key", sa.String(71), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("attempt", sa.LargeBinary, nullable=False),
    )
    sa.Table(
        "orders",
        metadata,
        sa.Column("operation", sa.String(200), primary_key=True),
        sa.Column("seed", sa.String(20), primary_key=True),
        sa.Column("cases", sa.LargeBinary, nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)


def remember_signals(connection: sa.Connection) -> None:
    """To version 5: every signal document that was published is remembered."""
    metadata = sa.MetaData()
    sa.Table(
        "signals",
        metadata,
        sa.Column("stream", sa.String(200), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("entries", sa.String(71), nullable=False),
        sa.Column("signatures", sa.LargeBinary),
    )
    sa.Table(
        "signal_entries",
        metadata,
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    metadata.create_all(connection, checkfirst=False)


def _answers_of_version_3(name: str, metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("request", sa.String(71), nullable=False),
        sa.Column("config", sa.String(71), nullable=False),
        sa.Column("repeat", sa.Integer, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("answered_at", sa.Float, nullable=False),
        sa.Column("finish_reason", sa.String(20), nullable=False),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("picodollars", sa.BigInteger, nullable=False),
    )
