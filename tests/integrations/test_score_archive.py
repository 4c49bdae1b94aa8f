"""Zip files from strangers: damaged, lying about their size, or compressed in a way that this Python does not know."""

from __future__ import annotations

import importlib
import json
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.integrations.logs import archive
from evalgate.integrations.scores import read_scores

REAL = Path(__file__).parents[1] / "fixtures" / "logs" / "inspect-0.3.285" / "baseline.eval"
HEADER = json.dumps({"version": 2, "status": "success", "eval": {"model": "m"}})
SAMPLE = json.dumps({"id": "a", "epoch": 1, "input": "x", "scores": {"match": {"value": "C"}}})


def write_log(path: Path, members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as log:
        for name, content in members.items():
            log.writestr(name, content)
    return path


def write_member(path: Path, name: str, *, stored: bytes, method: int, size: int, checksum: int) -> Path:
    """Write a log with a member whose stored bytes and directory entry are made by hand."""
    write_log(path, {"header.json": HEADER, name: stored}, zipfile.ZIP_STORED)
    whole = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        begin = whole.rindex(signature)
        whole[begin + at : begin + at + 2] = method.to_bytes(2, "little")
        whole[begin + at + 6 : begin + at + 10] = checksum.to_bytes(4, "little")
        whole[begin + at + 14 : begin + at + 18] = size.to_bytes(4, "little")
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_members_are_read(tmp_path, method):
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER, "samples/a_epoch_1.json": SAMPLE}, method)
    assert read_scores(path).metrics == {"match": {"a": 1.0}}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused(tmp_path, method):
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER}, method)
    with pytest.raises(InputError, match=r"compressed by method 1[24]; expected stored, deflate or Zstandard"):
        read_scores(path)


def test_inspect_compresses_with_zstandard():
    with zipfile.ZipFile(REAL) as log:
        assert {member.compress_type for member in log.infolist()} == {93}


def test_without_a_zstandard_decoder_the_message_says_what_to_do(monkeypatch):
    real = importlib.import_module

    def without(name: str, package: str | None = None):
        if name in {"compression.zstd", "backports.zstd", "zstandard"}:
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(archive.importlib, "import_module", without)
    with pytest.raises(InputError, match=r"install `backports.zstd`, or convert the log with `inspect log convert"):
        read_scores(REAL)


@pytest.mark.parametrize("kept", [4, 30, 1000, 50_000, -1, -22, -100])
def test_a_truncated_log_is_an_error(tmp_path, kept):
    path = tmp_path / "run.eval"
    path.write_bytes(REAL.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"damaged zip file: .*; was it copied or downloaded to the end"):
        read_scores(path)


def test_a_flipped_bit_is_found(tmp_path):
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER, "samples/a.json": SAMPLE}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b'"C"', b'"I"'))
    with pytest.raises(InputError, match=r"samples/a.json: damaged: its checksum is wrong"):
        read_scores(path)


def test_a_member_that_says_it_is_huge_is_not_inflated(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1000)
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER, "samples/a.json": b" " * 1001})
    with pytest.raises(InputError, match=r"samples/a.json: larger than"):
        read_scores(path)


def test_the_log_as_a_whole_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 10_000)
    samples = {f"samples/{index}.json": SAMPLE.replace('"a"', str(index)) for index in range(1000)}
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER, **samples})
    with pytest.raises(InputError, match="or the log than"):
        read_scores(path)


def _deflate_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()


def _zstandard_bomb() -> bytes:
    # magic, window of 8 MiB, then blocks of 128 KiB that repeat one byte: 4 bytes each
    block, last = ((128 << 10) << 3 | 0b010).to_bytes(3, "little"), ((128 << 10) << 3 | 0b011).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + b"\x00\x68" + (block + b"\0") * 1600 + last + b"\0"


@pytest.mark.parametrize(("method", "bomb"), [(8, _deflate_bomb), (93, _zstandard_bomb)])
def test_a_bomb_that_lies_about_its_size_is_stopped_in_time(tmp_path, monkeypatch, method, bomb):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 4 << 20)
    path = write_member(tmp_path / "run.eval", "samples/a.json", stored=bomb(), method=method, size=1000, checksum=0)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"samples/a.json: larger than"):
            read_scores(path)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("method", "stored"), [(8, b"\xff" * 50), (8, b""), (93, b"\xff" * 50), (93, b"\x28\xb5\x2f\xfd")]
)
def test_a_damaged_member_is_an_error(tmp_path, method, stored):
    path = write_member(tmp_path / "run.eval", "samples/a.json", stored=stored, method=method, size=50, checksum=1)
    with pytest.raises(InputError, match=r"samples/a.json: damaged"):
        read_scores(path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER}, zipfile.ZIP_STORED)
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"header.json: encrypted"):
        read_scores(path)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"a.txt": "x"}, "header.json: missing: not an Inspect log"),
        ({"_journal/start.json": "{}"}, "header.json: missing: the run was not finished; finish it with"),
        ({"header.json": "[]"}, "header.json: received a list, expected an object"),
        ({"header.json": "{"}, "header.json: malformed JSON"),
        ({"header.json": "[" * 100_000}, "header.json: JSON nested too deep"),
        ({"header.json": HEADER}, "holds no cases"),
        ({"header.json": HEADER, "samples/\x1b.json": "{"}, r"samples/\x1b.json"),
    ],
)
def test_a_zip_file_that_is_no_log_is_refused(tmp_path, members, told):
    with pytest.raises(InputError) as raised:
        read_scores(write_log(tmp_path / "run.eval", members))
    assert told in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_a_member_twice_is_an_error(tmp_path):
    path = tmp_path / "run.eval"
    with zipfile.ZipFile(path, "w") as log:
        log.writestr("header.json", HEADER)
        log.writestr("samples/a.json", SAMPLE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            log.writestr("samples/a.json", SAMPLE.replace("C", "I"))
    with pytest.raises(InputError, match=r"samples/a.json: duplicate sample"):
        read_scores(path)


def test_zstandard_is_only_loaded_for_a_log_that_needs_it(tmp_path):
    path = write_log(tmp_path / "run.eval", {"header.json": HEADER, "samples/a.json": SAMPLE})
    loaded = {name for name in ("zstandard", "backports.zstd", "compression.zstd") if name in sys.modules}
    read_scores(path)
    assert {name for name in ("zstandard", "backports.zstd", "compression.zstd") if name in sys.modules} == loaded
