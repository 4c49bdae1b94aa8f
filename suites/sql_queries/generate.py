"""Questions about six databases: some of their own, and forms that fit all of them, each with a query that answers it.

Every query is run: it has to find something, and something else than all other queries on the same database, because
otherwise a wrong query would pass for the right one.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

SOURCES = Path(__file__).parent / "sources"
PARENTS, CHILDREN, TRIES = 14, 26, 60
TWICE = {"filter", "join", "aggregate", "window"}  # kinds of forms that are asked about two different values


def cases() -> Iterator[dict[str, Any]]:
    databases = yaml.safe_load((SOURCES / "databases.yaml").read_text(encoding="utf-8"))
    forms = yaml.safe_load((SOURCES / "forms.yaml").read_text(encoding="utf-8"))
    rows = [row for name, each in databases.items() for row in _of(name, each, forms)]
    yield from random.Random("20250101-sql_queries").sample(rows, len(rows))


def _of(name: str, database: dict[str, Any], forms: list[Any]) -> Iterator[dict[str, Any]]:
    """Of the first rows on which all of the database's own questions have an answer of their own."""
    for attempt in range(TRIES):
        rng = random.Random(f"20250101-sql_queries-{name}-{attempt}")
        tables, setup = _made(rng, database)
        found = Found(setup)
        if all(found.something_new(query) for _, query in database["asked"]):
            break
    else:
        msg = f"{name}: no rows on which its own questions have different answers"
        raise ValueError(msg)

    def row(kind: str, question: str, query: str) -> dict[str, Any]:
        return {
            "input": {"tables": tables, "question": question[0].upper() + question[1:]},
            "target": {"setup": setup, "query": query},
            "metadata": {"database": name, "kind": kind},
        }

    yield from (row("own", question, query) for question, query in database["asked"])
    for number, (kind, texts, form) in enumerate(forms):
        for way in range(2 if kind in TWICE and number % 3 else 1):
            for _ in range(TRIES):
                values = _values(rng, database)
                query = form.format(**values)
                if found.something_new(query):
                    yield row(kind, texts[(number + way + len(name)) % 2].format(**values), query)
                    break


class Found:
    """What queries have found in a database so far."""

    def __init__(self, setup: str) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.executescript(setup)
        self._known: set[str] = set()

    def something_new(self, query: str) -> bool:
        """Whether it finds something, the same in whichever order SQLite looks, and nothing that another one found."""
        both = [self._rows(query, backwards) for backwards in (0, 1)]
        if both[0] != both[1] or both[0] in ("[]", "['(None,)']") or both[0] in self._known:
            return False
        self._known.add(both[0])
        return True

    def _rows(self, query: str, backwards: int) -> str:
        self._connection.execute(f"PRAGMA reverse_unordered_selects = {backwards}")
        return repr(sorted(map(repr, self._connection.execute(query).fetchall())))


def _made(rng: random.Random, database: dict[str, Any]) -> tuple[str, str]:
    """The tables as they are shown, and the statements that make and fill them."""
    parent, child = database["P"], database["C"]
    numbers = [each for key in ("num", "num2") for each in [parent[key]]]
    columns = f"{parent['name']} TEXT, {parent['cat'][0]} TEXT, " + ", ".join(f"{each[0]} INTEGER" for each in numbers)
    tables = f"CREATE TABLE {parent['table']} (id INTEGER PRIMARY KEY, {columns});\n"
    fk, cat, num, day = child["fk"], child["cat"][0], child["num"][0], child["date"][0]
    tables += (
        f"CREATE TABLE {child['table']} (id INTEGER PRIMARY KEY, {fk} INTEGER REFERENCES {parent['table']}, "
        f"{cat} TEXT, {num} INTEGER, {day} DATE);"
    )
    drawn = [rng.sample(range(low, high + 1), PARENTS) for _, _, low, high in numbers]
    parents = [
        f"({n + 1}, {_quoted(name)}, '{rng.choice(parent['cat'][2])}', {', '.join(str(each[n]) for each in drawn)})"
        for n, name in enumerate(rng.sample(parent["names"], PARENTS))
    ]
    owners = rng.sample(range(1, PARENTS + 1), PARENTS - 3)  # three have no children
    days = [date(2023, 1, 1) + timedelta(days=rng.randrange(1090)) for _ in range(18)]
    children = [
        f"({n + 1}, {rng.choice(owners)}, '{rng.choice(child['cat'][2])}', {rng.randint(*child['num'][2:])}, "
        f"'{rng.choice(days)}')"
        for n in range(CHILDREN)
    ]
    filled = [
        f"INSERT INTO {table} VALUES {', '.join(rows)};"
        for table, rows in ((parent["table"], parents), (child["table"], children))
    ]
    return tables, "\n".join([tables, *filled])


def _values(rng: random.Random, database: dict[str, Any]) -> dict[str, Any]:
    """What a form is filled in with."""
    parent, child = database["P"], database["C"]
    num, num2 = rng.sample([parent["num"], parent["num2"]], 2)
    a, b = sorted(rng.sample(range(num[2], num[3]), 2))
    return {
        "P": parent["table"],
        "one": parent["one"],
        "many": parent["many"],
        "name": parent["name"],
        "C": child["table"],
        "cone": child["one"],
        "cmany": child["many"],
        "fk": child["fk"],
        "cat": parent["cat"][0],
        "cat_said": parent["cat"][1],
        "v": rng.choice(parent["cat"][2]),
        "ccat": child["cat"][0],
        "ccat_said": child["cat"][1],
        "w": rng.choice(child["cat"][2]),
        "num": num[0],
        "num_said": num[1],
        "num2": num2[0],
        "num2_said": num2[1],
        "a": a,
        "b": b,
        "cnum": child["num"][0],
        "cnum_said": child["num"][1],
        "x": rng.randint(*child["num"][2:]) // 2,
        "cdate": child["date"][0],
        "cdate_said": child["date"][1],
        "y": rng.choice([2023, 2024, 2025]),
        "k": rng.randint(1, 3),
        "k3": rng.randint(2, 5),
        "n": rng.choice([each for each in parent["names"] if "'" not in each]),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
