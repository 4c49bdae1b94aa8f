"""The grader for formulas: are two expressions equal, whatever their form?

Answers are hostile, and a computer algebra system is not made for that: a short formula can take hours or all memory.
So it works in a process of its own, without keys in its environment and with limits that the system enforces: seconds
of processor time for each answer, memory, no files written. (Windows has no such limits, and is refused.) An answer on
which it dies scores 0, and the next one has a new process. Seconds are of its processor time and not of a clock, so
that a busy machine gives the same scores.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from evalgate.exchange import Answer, JsonValue, as_text
from evalgate.graders import ideal
from evalgate.graders.expectations import a_scalar
from evalgate.graders.registry import Prepared, grader

MAX_FORMULA = 10_000  # characters, of which the last ones are read: models conclude at the end
SECONDS = 3.0  # of processor time, for each comparison
PATIENCE = 60.0  # seconds of a clock, for a process that waits for something instead of working
_START = 120.0  # to import the library on a busy machine


def _has_library(options: Mapping[str, object], folder: Path) -> Prepared | None:
    del options, folder
    if sys.platform == "win32":
        raise ValueError("type", "grader 'maths' needs limits that Windows cannot set; use Linux or macOS")
    if find_spec("math_verify") is None:
        raise ValueError("type", "grader 'maths' needs a library: pip install 'evalgate-harness[maths]'")
    return None


class _Worker:
    """The process that compares, one pair at a time; it is started anew whenever it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, expected: str, text: str | None) -> bool | None:
        """Whether both are equal, or with no text whether `expected` can be read; None when it died of the question."""
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self.stop()  # somebody ended it; that says nothing of this question
            process = self._process or self._start()
            question = json.dumps([expected, text]).encode() + b"\n"
            try:
                assert process.stdin is not None
                process.stdin.write(question)
                process.stdin.flush()
            except BrokenPipeError:
                self.stop()
                return None
            answer = self._line(process, PATIENCE)
            if answer is None:
                self.stop()
                return None
            return bool(json.loads(answer))

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        known = {"PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV"}
        environment = {key: value for key, value in os.environ.items() if key in known}
        # by its path, for it needs nothing of the house; -P: nothing is imported from where somebody happens to stand
        command = [sys.executable, "-P", str(Path(__file__).with_name("maths_worker.py")), str(SECONDS)]
        process = subprocess.Popen(  # noqa: S603  # this Python and our own file
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is no formula that took too long; without us it ends by itself
        )
        if self._line(process, _START) != b"ready\n":
            process.kill()
            told = process.communicate()[1].decode(errors="replace").strip().splitlines()
            message = f"the process that compares formulas does not start: {told[-1] if told else 'no reason given'}"
            raise RuntimeError(message)
        self._process = process
        return process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], seconds)[0]:
            return None
        return process.stdout.readline() or None


@functools.cache
def _worker() -> _Worker:
    worker = _Worker()
    atexit.register(worker.stop)
    return worker


@functools.lru_cache(maxsize=4096)
def _is_readable(expected: str) -> bool:
    return bool(_worker().ask(expected, None))


def _a_formula(expected: JsonValue) -> str | None:
    if problem := a_scalar(expected):
        return problem
    written = as_text(expected)
    if isinstance(expected, bool) or len(written) > MAX_FORMULA or find_spec("math_verify") is None:
        return "expected a number or a formula as target"
    return None if _is_readable(written) else f"expected a number or a formula as target, got {written[:60]!r}"


def _formula(expected: JsonValue) -> Answer:
    """The formula, marked as one as a worker marks what is expected."""
    told = as_text(expected)
    return ideal.a_text(told if any(mark in told for mark in ("$", "\\boxed", "\\[", "\\(")) else f"${told}$")


@grader("maths", expects=_a_formula, prepare=_has_library, ideal=_formula, cpus=1.0)
def maths(text: str, expected: JsonValue) -> float:
    r"""1 when the formula that the answer concludes with equals the target, whatever its form; else 0.

    `1/2`, `0.5` and `\frac{1}{2}` are one, `x+1` is `1+x`, `2\sqrt2` is `\sqrt8`; intervals, sets, matrices and
    equations are compared as such (math-verify, Apache-2.0). The formula is the last one in `\boxed{}`, in `$…$` or
    `\[…\]`, else the last number. The target is LaTeX, with `$` around it or without, or a number. Numbers are rounded
    to six digits behind the point before they are compared, so use `numeric` where the last digits count.

    Needs `pip install 'evalgate-harness[maths]'`. Each comparison has three seconds of processor time and 2 GB in a
    process of its own; what takes more scores 0. Of a longer answer the last 10,000 characters are read.
    """
    return float(bool(_worker().ask(as_text(expected), text[-MAX_FORMULA:])))
