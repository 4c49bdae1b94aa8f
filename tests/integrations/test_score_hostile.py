"""Files that no tool wrote: whatever the bytes are, the answer is a table or an `InputError`, in bounded memory."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.logs import files
from evalgate.integrations.logs.archive import Archive
from evalgate.integrations.scores import ScoreTable, pair, read_scores

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
REAL = sorted(path for path in LOGS.glob("*/*") if path.suffix in {".eval", ".jsonl"} or path.name == "hard.json")
HYPOTHESIS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)

WORDS = """
    id score metric cluster cost error repeat doc_id doc doc_hash filter metrics acc resps eval status samples scores
    value epoch results provider label testCase vars assert metadata namedScores success promptId prompt raw
"""
KEYS = st.sampled_from(WORDS.split())
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["C", "success", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


def read_or_refuse(path: Path) -> ScoreTable | None:
    """Read; the only error that may come is `InputError`, and it must name the file and be fit for a terminal."""
    try:
        return read_scores(path)
    except InputError as failure:
        told = str(failure)
        assert path.name in told
        assert len(told) < 5000
        assert told.encode()  # no lone surrogates, which cannot be printed
        return None


def sound(table: ScoreTable | None) -> None:
    """Whatever was read can be paired with itself."""
    if table is not None:
        for metric, cases in table.metrics.items():
            assert all(0 <= score <= 1 for score in cases.values())
            assert set(pair(table, table, metric).differences) == {0.0}


@given(st.binary(max_size=200))
@example(b"PK\x03\x04")
@example(b"PK\x05\x06" + bytes(18))
@example(b"{" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"id": "a", "score": 1}\n' + b"[" * 100_000)
@example(b"\xef\xbb\xbf")
@example(b"\x00")
@HYPOTHESIS
def test_arbitrary_bytes(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    sound(read_or_refuse(path))


@given(st.text(st.sampled_from("id,score\n\r\"'01.-e{}[]: \x00nulltrue"), max_size=60))
@HYPOTHESIS
def test_text_that_looks_like_rows(tmp_path, content):
    path = tmp_path / "run.csv"
    path.write_text("id,score\n" + content, newline="")
    sound(read_or_refuse(path))


@given(st.lists(st.dictionaries(KEYS, JSON, min_size=1, max_size=8), min_size=1, max_size=4))
@HYPOTHESIS
def test_objects_with_the_right_words_in_the_wrong_places(tmp_path, rows):
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sound(read_or_refuse(path))


@given(JSON, JSON)
@HYPOTHESIS
def test_documents_with_the_right_frame_and_any_content(tmp_path, samples, sample):
    path = tmp_path / "run.json"
    documents = (
        {"status": "success", "eval": {"model": "m"}, "samples": samples},
        {"status": "success", "eval": samples, "samples": [sample]},
        {
            "status": "success",
            "eval": {},
            "samples": [{"id": "a", "scores": samples, "input": sample, "output": sample}],
        },
        {"results": {"results": samples}},
        {"results": {"results": [sample]}},
        {
            "results": {
                "results": [{"provider": "p", "score": 1, "success": True, "testCase": sample, "prompt": samples}]
            }
        },
    )
    for document in documents:
        path.write_text(json.dumps(document))
        sound(read_or_refuse(path))


@pytest.mark.parametrize("real", REAL, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_logs_with_damage(tmp_path, real):
    rnd = random.Random(real.name)
    content = real.read_bytes()
    path = tmp_path / f"damaged{real.suffix}"
    for _ in range(25):
        damaged = bytearray(content)
        for _ in range(rnd.choice((1, 1, 1, 20))):
            damaged[rnd.randrange(len(damaged))] = rnd.randrange(256)
        if rnd.random() < 0.3:
            begin = rnd.randrange(len(damaged))
            del damaged[begin : begin + rnd.randrange(1, 2000)]
        path.write_bytes(damaged)
        sound(read_or_refuse(path))


@pytest.mark.parametrize("end", [-70, -300])
def test_zip_files_with_a_damaged_directory(tmp_path, end):
    rnd = random.Random(end)
    path = tmp_path / "damaged.eval"
    with zipfile.ZipFile(path, "w") as log:
        log.writestr("header.json", '{"status": "success", "eval": {"model": "m"}}')
        log.writestr("samples/a.json", '{"id": "a", "scores": {"m": {"value": 1}}}')
    content = path.read_bytes()
    for _ in range(400):
        damaged = bytearray(content)
        damaged[rnd.randrange(len(damaged) + end, len(damaged))] = rnd.choice((0, 1, 8, 93, 255, rnd.randrange(256)))
        path.write_bytes(damaged)
        sound(read_or_refuse(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"gone.json: cannot be read: No such file or directory"):
        read_scores(tmp_path / "gone.json")


def test_a_name_that_no_file_can_have():
    with pytest.raises(InputError, match="cannot be read"):
        read_scores(Path("a\0b"))


def test_a_folder_is_refused_with_a_file_in_it(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "samples_x.jsonl").write_text("")
    with pytest.raises(InputError, match=r"is a folder; give the result file in it, such as 'task/samples_x.jsonl'"):
        read_scores(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a regular file; save the results to a file first"):
        read_scores(tmp_path / "pipe")


def test_a_file_over_two_gigabytes_is_refused_unread(tmp_path):
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.truncate((2 << 30) + 1)  # sparse: takes no room
    with pytest.raises(InputError, match="received 2147483649 bytes, expected at most 2 GiB"):
        read_scores(path)


def test_a_document_over_its_limit_is_refused_unparsed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_DOCUMENT_BYTES", 1 << 20)
    path = tmp_path / "run.json"
    path.write_text("{\n" + " " * (1 << 20))
    with pytest.raises(InputError, match="expected at most 1 MiB; for Inspect convert it with"):
        read_scores(path)


def test_a_line_over_its_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "run.jsonl"
    path.write_text('{"id": "a", "score": 1}\n' + '{"id": "' + "x" * 1000)
    with pytest.raises(InputError, match=r"run.jsonl:2: longer than"):
        read_scores(path)


@pytest.mark.parametrize(
    "content", ['{\n "a": 1\n}', '{"results": []}\n', '{"eval": 1,\n"status": 2}', '{"results":\n {"results": 1}}']
)
def test_a_document_of_another_kind_is_told_so(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(
        InputError, match=r"unknown format; expected JSONL or CSV with `id, score`, or a log|id: missing"
    ):
        read_scores(path)


def test_reading_does_not_import_what_it_does_not_need():
    script = (
        "import sys; from pathlib import Path; from evalgate.integrations.scores import read_scores; "
        f"read_scores(Path({str(LOGS / 'lm-eval-0.4.13' / 'baseline.jsonl')!r})); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "scipy", "pandas", "pydantic", "yaml", "aiohttp", "sqlalchemy"} & set(loaded)


def test_no_path_of_the_machine_that_made_the_logs_is_in_them():
    private = re.compile(rb"/(?:tmp|work|root|home|opt)/[\w.-]+")
    for path in (path for path in LOGS.rglob("*") if path.is_file()):
        if path.suffix == ".eval":
            with Archive(path) as archive:
                contents = [archive.read(name) for name in archive.names()]
        else:
            contents = [path.read_bytes()]
        assert not any(private.search(content) for content in contents), path
