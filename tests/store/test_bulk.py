"""Many rows go into PostgreSQL by COPY, and arrive as few rows do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from evalgate.exchange import Answer
from evalgate.store import Bought, Scored, Store, open_store
from evalgate.store.bulk import LEAST
from tests.store.conftest import Database, Server, bought

ODD = ["\t", "\\N", "\\.", "\n\r", "é\0", '"', "", "\\\\t", "\U0001f600"]


@pytest.fixture
def copied(store: Store) -> Iterator[list[str]]:
    """Of each statement that takes rows from COPY, the table."""
    seen: list[str] = []

    def look(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "FROM pg_temp." in statement and statement.startswith("INSERT INTO"):
            seen.append(statement.split()[2])

    sa.event.listen(store._engine, "before_cursor_execute", look)
    yield seen
    sa.event.remove(store._engine, "before_cursor_execute", look)


def test_only_many_rows_and_only_postgresql(store: Store, database: Database, copied: list[str]) -> None:
    for first, count in ((0, LEAST - 1), (LEAST, LEAST)):
        group = [bought(f"r{number}") for number in range(first, first + count)]
        store.add(group)
        store.add_scores(Scored(one.key, "g", "m", 1.0) for one in group)
    assert copied == ([] if database.is_sqlite else ["answers", "bodies", "scores"])
    assert [database.count(table) for table in ("answers", "bodies", "scores")] == [2 * LEAST - 1] * 3


def test_known_rows_and_rows_that_come_twice_are_left_alone(store: Store, database: Database) -> None:
    store.add([bought(f"r{number}", "first") for number in range(LEAST)])
    store.add([bought(f"r{number % (2 * LEAST)}", "then") for number in range(4 * LEAST)])
    store.add([bought(f"r{number}", "last") for number in range(3 * LEAST)])
    found = store.find([bought(f"r{number}").key for number in range(3 * LEAST)])
    texts = [found[bought(f"r{number}").key].text for number in range(3 * LEAST)]
    assert texts == ["first"] * LEAST + ["then"] * LEAST + ["last"] * LEAST
    assert database.count("answers") == 3 * LEAST


def test_whatever_was_said_arrives(store: Store) -> None:
    group = []
    for number in range(LEAST):
        odd = ODD[number % len(ODD)]
        tokens = None if number % 2 else 3
        answer = Answer(odd * 3, "stop", tokens, 4, 0.1 + 0.2, odd, {"x": odd}, answered_at=1.1)
        group.append(Bought(f"r{number}", "c", 0, f"v {odd}".replace("\0", ""), Decimal("0.000000000001"), answer))
    store.add(group)
    assert store.find([one.key for one in group]) == {one.key: one.answer for one in group}


def test_a_transaction_that_fails_leaves_nothing(store: Store, database: Database) -> None:
    wrong = replace(bought("wrong"), variant="nothing\0" if not database.is_sqlite else None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"NUL|NOT NULL"):
        store.add([*(bought(f"r{number}") for number in range(LEAST)), wrong])
    assert database.count("answers") == 0
    store.add([bought(f"r{number}") for number in range(LEAST)])
    assert database.count("answers") == database.count("bodies") == LEAST


def test_where_no_temporary_table_is_allowed_rows_arrive_all_the_same(postgresql: Server) -> None:
    database = postgresql.new_database()
    database.query("CREATE ROLE limited LOGIN")
    (schema,) = (name.rpartition("%3D")[2] for name in [database.name])
    database.query("REVOKE TEMP ON DATABASE postgres FROM PUBLIC")
    database.query(f"GRANT ALL ON SCHEMA {schema} TO limited")
    with open_store(database.name.replace("//postgres:", "//limited:")) as store:
        store.add([bought(f"r{number}") for number in range(2 * LEAST)])
    assert database.count("answers") == 2 * LEAST
