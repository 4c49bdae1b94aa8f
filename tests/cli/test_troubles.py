"""A run that waits says for what; one that fails a thousand times a second does not say so a thousand times."""

from __future__ import annotations

from evalgate.cli.troubles import EVERY, TroubleLines
from evalgate.collect import Trouble

BUSY = Trouble("fp8", "HTTP 503: busy", 1, 0.7)


def test_the_first_failure_is_told_at_once_and_the_next_ones_are_counted() -> None:
    now = [100.0]
    lines = TroubleLines(lambda: now[0])
    assert lines.line(BUSY) == "  fp8: attempt 1 failed: HTTP 503: busy (again in 0.7 s)"
    assert [lines.line(BUSY) for _ in range(5)] == [None] * 5
    now[0] += EVERY
    assert lines.line(BUSY) == "  fp8: 6 attempts failed: HTTP 503: busy (again in 0.7 s)"


def test_one_endpoint_does_not_silence_another() -> None:
    lines = TroubleLines(lambda: 100.0)
    assert lines.line(BUSY) is not None
    assert lines.line(Trouble("int4", "gone", 6, None)) == "  int4: attempt 6 failed: gone (no further attempt)"


def test_what_a_server_says_cannot_write_on_the_terminal() -> None:
    line = TroubleLines(lambda: 100.0).line(Trouble("fp8", "\x1b[2J" + "x" * 1000, 1, 1.0))
    assert line is not None
    assert "\x1b" not in line
    assert len(line) < 300
