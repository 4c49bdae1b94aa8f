"""An export is the store as other programs read it: every answer, every column, exact."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from evalgate.errors import InputError, StoreError
from evalgate.exchange import Answer, FinishReason
from evalgate.store import Bought, Scored, Store
from evalgate.store.export import BODY, Format, export, variants
from tests.conftest import JSON
from tests.store.conftest import Database, bought

FORMS = get_args(Format)
AT = datetime(2026, 11, 23, 15, 7, 58, 123456, UTC)
ANSWER = Answer("é\0<b>", "length", 3, 4, 0.1 + 0.2, "why", {"call": {"id": 2**60}}, answered_at=AT.timestamp())
ONE = Bought("sha256:r", "sha256:c", 2, "full", Decimal("0.000000000001"), ANSWER)
ROW = {
    "key": ONE.key,
    "request": "sha256:r",
    "config": "sha256:c",
    "repeat": 2,
    "variant": "full",
    "answered_at": AT,
    "finish_reason": "length",
    "input_tokens": 3,
    "output_tokens": 4,
    "latency_ms": 0.1 + 0.2,
    "cost_usd": Decimal("0.000000000001"),
    "text": "é\0<b>",
    "error": "why",
    "details": {"call": {"id": 2**60}},
    "scores": [{"grading": "g", "metric": "m", "score": 1 / 3}, {"grading": "h", "metric": "m", "score": 1.0}],
}


def exported(store: Store, form: Format, **options: Any) -> list[dict[str, Any]]:
    file = io.BytesIO()
    count = export(store, file, form, **options)
    if form == "parquet":
        rows = parquet.read_table(io.BytesIO(file.getvalue())).to_pylist()
        rows = [row | {"details": json.loads(row["details"])} if "details" in row else row for row in rows]
    else:
        data = file.getvalue() if form == "jsonl" else gzip.decompress(file.getvalue())
        rows = [json.loads(line) for line in data.splitlines()]
        for row in rows:
            row["answered_at"], row["cost_usd"] = datetime.fromisoformat(row["answered_at"]), Decimal(row["cost_usd"])
    assert count == len(rows)
    return rows


@pytest.mark.parametrize("form", FORMS)
def test_a_row_says_all_that_is_known_of_an_answer(store: Store, form: Format) -> None:
    store.add([ONE])
    store.add_scores([Scored(ONE.key, "h", "m", 1.0), Scored(ONE.key, "g", "m", 1 / 3)])
    (row,) = exported(store, form)
    assert row == ROW
    assert list(row) == list(ROW)


@pytest.mark.parametrize("form", FORMS)
def test_without_text_nothing_that_was_said_is_in_it(store: Store, form: Format) -> None:
    store.add([ONE])
    (row,) = exported(store, form, text=False)
    assert row == {name: value for name, value in ROW.items() if name not in BODY} | {"scores": []}


@pytest.mark.parametrize("form", FORMS)
def test_thousands_of_rows_come_in_the_order_of_their_keys(store: Store, form: Format) -> None:
    store.add([bought(f"r{number}") for number in range(1300)])
    keys = [row["key"] for row in exported(store, form)]
    assert len(keys) == 1300
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("form", FORMS)
def test_one_variant_only(store: Store, form: Format) -> None:
    store.add([bought(f"r{number}") for number in range(3)] + [ONE, replace(ONE, request="x", variant="cheap")])
    assert variants(store) == {"full", "cheap"}
    assert [row["request"] for row in exported(store, form, variant="cheap")] == ["x"]


@pytest.mark.parametrize("variant", [None, "cheap"])
def test_every_answer_has_its_own_scores_whatever_lies_between_them(store: Store, variant: str | None) -> None:
    answers = [replace(bought(f"r{number}"), variant="cheap" if number % 3 else "full") for number in range(1100)]
    store.add(answers)
    scored = {one.key: {"a": number / 1100, "b": 1.0} for number, one in enumerate(answers) if number % 2}
    store.add_scores(Scored(key, "g", metric, score) for key, each in scored.items() for metric, score in each.items())
    store.add_scores(Scored(bought(f"lost{number}").key, "g", "a", 0.5) for number in range(700))
    rows = exported(store, "jsonl", variant=variant)
    assert len(rows) == (1100 if variant is None else 733)
    for row in rows:
        assert {each["metric"]: each["score"] for each in row["scores"]} == scored.get(row["key"], {})


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ANSWERS = st.builds(
    Answer,
    text=TEXT,
    finish_reason=st.sampled_from(get_args(FinishReason)),
    error=st.none() | TEXT,
    details=st.dictionaries(TEXT, JSON, max_size=2),
    answered_at=st.floats(0, 4e9),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(answer=ANSWERS, form=st.sampled_from(FORMS), pico=st.integers(0, 2**63 - 1))
def test_whatever_was_said_comes_out(store: Store, answer: Answer, form: Format, pico: int) -> None:
    one = Bought("r", "c", 0, "v", Decimal(pico).scaleb(-12), answer)
    store.add([replace(one, since=5e9)])
    (row,) = exported(store, form)
    assert (row["text"], row["error"], row["details"]) == (answer.text, answer.error, answer.details)
    assert row["answered_at"] == datetime.fromtimestamp(answer.answered_at, UTC)
    assert row["cost_usd"] == one.cost


def test_the_columns_of_parquet_have_their_types(store: Store) -> None:
    store.add([ONE])
    file = io.BytesIO()
    export(store, file, "parquet")
    types = {field.name: str(field.type) for field in parquet.read_schema(io.BytesIO(file.getvalue()))}
    assert types["cost_usd"] == "decimal128(38, 12)"
    assert types["answered_at"] == "timestamp[us, tz=UTC]"
    assert types["scores"] == "list<element: struct<grading: string, metric: string, score: double>>"


def test_the_same_store_is_the_same_file(store: Store) -> None:
    store.add([bought(f"r{number}") for number in range(10)])
    for form in FORMS:
        files = [io.BytesIO(), io.BytesIO()]
        for file in files:
            export(store, file, form)
        assert files[0].getvalue() == files[1].getvalue()


def test_a_damaged_answer_is_a_store_error(store: Store, database: Database) -> None:
    store.add([bought()])
    database.query("UPDATE bodies SET body = ?", b"{")
    with pytest.raises(StoreError, match="damaged"):
        export(store, io.BytesIO(), "jsonl")


def test_without_pyarrow_the_extra_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    file = io.BytesIO()
    with pytest.raises(InputError, match=r"pip install 'evalgate-harness\[parquet\]'"):
        export(store, file, "parquet")
    assert file.getvalue() == b""


MEASURING = """
import re, sys
from pathlib import Path
from evalgate.store import open_to_read
from evalgate.store.export import export
def peak():
    # not getrusage, which counts what the parent had before it started us
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
with open_to_read(sys.argv[1]) as store, open("/dev/null", "wb") as file:
    export(store, file, "jsonl", variant="none")
    before = peak()
    export(store, file, "jsonl")
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_large_store_needs_little_memory(store: Store, database: Database) -> None:
    size = 60_000_000
    texts = [bytes([65 + number % 26]).decode() * (size // 12_000) for number in range(12_000)]
    store.add([bought(f"r{number}", text) for number, text in enumerate(texts)])
    command = [sys.executable, "-c", MEASURING, database.name]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < size / 2
