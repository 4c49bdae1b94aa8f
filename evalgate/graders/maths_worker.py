"""The process in which formulas are compared: reads pairs, a line of JSON each, and answers `true` or `false`.

Started by `maths`, which tells it how many seconds of processor time a pair may take; it has limits that it cannot
lift, and dies of a formula that takes too much. By itself it imports nothing of the house, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys

MEMORY = 2 << 30  # bytes of address space


def _limit() -> None:
    import resource

    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # not every system lets itself be told
            resource.setrlimit(what, (most, most))


def _seconds(left: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, left)  # ends the process, also in the middle of a long multiplication


def _parsed(text: str, *, bare: bool) -> list[object]:
    from math_verify import parse

    found: list[object] = parse(text, parsing_timeout=None)
    if not found and bare and "$" not in text:  # a target is a formula, whether it says so or not
        found = parse(f"${text}$", parsing_timeout=None)
    return found


def _is_equal(expected: str, text: str | None) -> bool:
    from math_verify import verify

    marked = expected if any(mark in expected for mark in ("$", "\\boxed", "\\[", "\\(")) else f"${expected}$"
    wanted = _parsed(marked, bare=False) or _parsed(expected, bare=True)
    if text is None or not wanted:
        return any(not isinstance(each, str) for each in wanted)  # a text alone could not be read
    lone = text.strip()
    found = _parsed(lone, bare=len(lone) < 200 and "\n" not in lone)
    return bool(found) and bool(verify(wanted, found, timeout_seconds=None))


def main() -> None:
    """Answer until there are no more questions."""
    import logging

    logging.disable(logging.CRITICAL)
    answers = os.fdopen(os.dup(1), "w")
    import math_verify  # noqa: F401  # takes a second, before the first question

    _limit()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what a library prints is no answer, and nobody reads what it complains of
    os.dup2(nowhere, 2)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        expected, text = json.loads(line)
        _seconds(float(sys.argv[1]))
        try:
            equal = _is_equal(expected, text)
        except Exception:  # whatever a parser says of a hostile text: it is not shown to be equal
            equal = False
        _seconds(0)
        print(json.dumps(equal), file=answers, flush=True)


if __name__ == "__main__":
    main()
