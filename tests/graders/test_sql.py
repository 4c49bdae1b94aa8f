"""SQL: the same rows, and nothing that a hostile query could reach or use up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue
from evalgate.graders import bind
from evalgate.graders import sql as module
from evalgate.graders.sql import sql
from evalgate.suite import load_suite
from tests.conftest import suite_file

SETUP = """
CREATE TABLE lamps (id INTEGER PRIMARY KEY, name TEXT, price REAL, room TEXT);
INSERT INTO lamps VALUES (1, 'desk', 19.5, 'office'), (2, 'floor', 80.1, NULL), (3, 'desk', 20.0, 'office');
"""
NAMES = "SELECT name, COUNT(*) FROM lamps GROUP BY name"


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        (NAMES, {}, 1),
        (f"```sql\n{NAMES} ORDER BY name DESC;\n```", {}, 1),
        (f"{NAMES} ORDER BY name DESC", {"order": "given"}, 0),
        ("SELECT name AS n, SUM(1) AS c FROM lamps GROUP BY 1", {}, 1),
        ("SELECT COUNT(*), name FROM lamps GROUP BY name", {}, 0),
        ("SELECT DISTINCT name, 1 FROM lamps", {}, 0),
        (f"{NAMES} UNION ALL {NAMES}", {}, 0),
        ("SELECT name, COUNT(*) || '' FROM lamps GROUP BY name", {}, 0),
        ("SELECT name, COUNT(*) + 1e-12 FROM lamps GROUP BY name", {}, 1),
        ("SELECT name, COUNT(*) + 1e-3 FROM lamps GROUP BY name", {}, 0),
        ("SELECT name, COUNT(*) + 1e-3 FROM lamps GROUP BY name", {"tolerance": 0.01}, 1),
        ("SELECT printf('%s', name), COUNT(*) FROM lamps GROUP BY name", {}, 1),
        (f"{NAMES}; DROP TABLE lamps", {}, 0),
        (f"The query is {NAMES}", {}, 0),
        ("", {}, 0),
        ("-- nothing", {}, 0),
        ("DELETE FROM lamps RETURNING name, 1", {}, 0),
        ("SELECT nope FROM lamps", {}, 0),
    ],
)
def test_what_a_query_finds_is_what_counts(answer: str, options: dict[str, JsonValue], expected: int) -> None:
    assert sql(answer, NAMES, setup=SETUP, **options) == expected  # type: ignore[arg-type]


def test_the_target_may_be_rows_and_the_database_may_be_its_own() -> None:
    target: JsonValue = {"setup": SETUP, "rows": [["floor", None]]}
    assert sql("SELECT name, room FROM lamps WHERE room IS NULL", target) == 1
    assert sql("SELECT name, '' FROM lamps WHERE room IS NULL", target) == 0
    assert sql("SELECT name FROM lamps WHERE 0", {"setup": SETUP, "rows": []}) == 1


def test_with_a_tolerance_rows_find_their_partner_whatever_the_order() -> None:
    target: JsonValue = {"setup": SETUP, "rows": [[1.0], [1.4]]}
    assert sql("SELECT 1.3 UNION ALL SELECT 0.8", target, tolerance=0.5) == 1
    assert sql("SELECT 1.3 UNION ALL SELECT 9", target, tolerance=0.5) == 0


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH '{file}' AS x",
        "VACUUM INTO '{file}'",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('{file}')",
        "SELECT writefile('{file}', 'x')",
        "SELECT random()",
        "CREATE TABLE x (a)",
        "INSERT INTO lamps SELECT * FROM lamps",
        "SELECT * FROM pragma_database_list",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT COUNT(*) FROM r",
        "WITH RECURSIVE r(x) AS (SELECT hex(zeroblob(999)) UNION ALL SELECT x || '' FROM r) SELECT x FROM r ORDER BY 1",
        "SELECT hex(zeroblob(1000000000))",
        "SELECT printf('%.*c', 1000000000, 'x')",
        "SELECT format('%' || '.1000000000c', 'x')",
        "SELECT COUNT(*) FROM lamps a, lamps b, lamps c, lamps d, lamps e, lamps f, lamps g, lamps h, lamps i, lamps j,"
        " lamps k, lamps l, lamps m, lamps n, lamps o, lamps p, lamps q, lamps r",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT '\ud800'",
        "SELECT 1\0",
    ],
)
def test_a_hostile_query_is_wrong_and_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 200_000)
    assert sql(query.replace("{file}", str(tmp_path / "x")), NAMES, setup=SETUP) == 0
    assert not list(tmp_path.iterdir())


@given(st.text(max_size=60) | st.text(st.sampled_from("SELECT *FROMlamps();'\"-,01 "), max_size=60))
def test_any_text_is_scored(text: str) -> None:
    assert sql(text, NAMES, setup=SETUP) in (0, 1)


@given(st.permutations([["a", 1], ["b", 2.5], ["c", None], ["a", 1]]))
def test_the_order_of_rows_makes_no_difference(rows: list[JsonValue]) -> None:
    found = "SELECT 'a', 1 UNION ALL SELECT 'b', 2.5 UNION ALL SELECT 'c', NULL UNION ALL SELECT 'a', 1"
    assert sql(found, {"setup": SETUP, "rows": rows}) == 1


@pytest.mark.parametrize(
    ("target", "options", "told"),
    [
        (NAMES, {}, "expected a 'setup' (SQL that makes the tables)"),
        (None, {"setup": SETUP}, "there is no target"),
        ("SELECT nope FROM lamps", {"setup": SETUP}, "a query that SQLite can run (no such column: nope)"),
        ("SELECT 1 FROM lamps WHERE 0", {"setup": SETUP}, "a query that finds something"),
        (NAMES, {"setup": "CREATE TABEL x"}, "a setup that SQLite can run"),
        (NAMES, {"setup": "ATTACH 'x.db' AS y"}, "a setup that SQLite can run (too many attached databases"),
        ({"rows": [1]}, {"setup": SETUP}, "rows as lists of values"),
        ({"rows": [[{}]]}, {"setup": SETUP}, "rows as lists of texts, numbers and nulls"),
        ({"query": NAMES, "rows": []}, {"setup": SETUP}, "either query or rows"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused(
    tmp_path: Path, target: JsonValue, options: dict[str, JsonValue], told: str
) -> None:
    cases = [{"id": "a", "input": "x", "target": target}]
    with pytest.raises(InputError) as caught:
        bind(load_suite(suite_file(tmp_path, cases=cases, assert_=[{"type": "sql", **options}])))
    assert told in str(caught.value)


def test_a_suite_uses_it(tmp_path: Path) -> None:
    cases = [{"id": "a", "input": "x", "target": NAMES}]
    suite = load_suite(suite_file(tmp_path, cases=cases, assert_=[{"type": "sql", "setup": SETUP}]))
    assert bind(suite).grade(Answer(f"```sql\n{NAMES}\n```", "stop"), suite.cases[0]) == {"score": 1.0}
