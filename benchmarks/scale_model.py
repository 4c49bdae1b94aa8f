"""What so many answers take: calls, hours, gigabytes and dollars, from what was measured for one of them.

    python benchmarks/scale_model.py [--tokens 200 8] [--price 0.23 0.40] [--latency 1.0] [--limit 6000]

Asks nothing, measures nothing: the constants below are what other commands printed. Three things may hold a run up: the
cores that ask, the one writer of the store, and what providers allow. The slowest decides, for they work side by side.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

# CPU seconds for a call: asking, grading by rule, storing (docs/collecting.md, `python benchmarks/collect.py`: 3.49 s
# for 5,000), and for an answer that is known already (1.46 s for 5,000)
CALL, KNOWN = 3.49 / 5_000, 1.46 / 5_000
# `python benchmarks/scale.py --answers 1000000`: groups of 64 with their scores, bytes beside the text, export
WRITTEN, BYTES, EXPORTED = 6_500, 760, 28_000
CHARACTERS = 4  # bytes of a token


@dataclass(frozen=True, slots=True)
class Load:
    """Tokens of a question and of its answer, USD for a million of each, seconds an answer takes, calls a minute."""

    tokens: tuple[int, int]
    price: tuple[float, float]
    latency: float
    limit: int


def usd(load: Load, answers: int) -> float:
    """What they cost."""
    return answers * sum(count * price for count, price in zip(load.tokens, load.price, strict=True)) / 1e6


def gigabytes(load: Load, answers: int) -> float:
    """What they take in PostgreSQL: the question is kept as a hash only."""
    return answers * (BYTES + CHARACTERS * load.tokens[1]) / 1e9


def hours(load: Load, answers: int, cores: int) -> tuple[float, str]:
    """How long it takes on so many cores, and what holds it up."""
    rates = {"cores": cores / CALL, "store": float(WRITTEN), "limit": load.limit / 60}
    slowest = min(rates, key=lambda name: rates[name])
    return answers / rates[slowest] / 3600, slowest


def clock(time: float) -> str:
    """Hours, as people say them."""
    if time < 1 / 60:
        return f"{time * 3600:.0f} s"
    return f"{time * 60:.0f} min" if time < 1 else f"{time:.1f} h" if time < 48 else f"{time / 24:.1f} days"


def table(load: Load) -> list[str]:
    """In Markdown."""
    head = (
        "answers",
        "core-hours",
        "on 1 core",
        "on 4",
        "on 16",
        f"at {load.limit:,}/min",
        "store",
        "USD",
    )
    lines = [f"| {' | '.join(head)} |", "| --: " * len(head) + "|"]
    for power in range(4, 9):
        answers = 10**power
        by_limit = answers / load.limit / 60
        times = [
            f"{clock(time)}{' *' if slowest == 'store' else ''}"
            for time, slowest in (
                hours(Load(load.tokens, load.price, load.latency, 10**9), answers, n) for n in (1, 4, 16)
            )
        ]
        cells = [
            f"{answers:,}",
            f"{answers * CALL / 3600:.2g}",
            *times,
            clock(by_limit),
            f"{gigabytes(load, answers):.2f} GB",
            f"{usd(load, answers):,.2f}" if answers < 10**6 else f"{usd(load, answers):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs=2, default=(200, 8), metavar=("IN", "OUT"))
    parser.add_argument("--price", type=float, nargs=2, default=(0.23, 0.40), metavar=("IN", "OUT"))
    parser.add_argument("--latency", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument(
        "--limit", type=int, default=6_000, metavar="CALLS", help="that all providers allow in a minute"
    )
    given = parser.parse_args(arguments)
    load = Load(tuple(given.tokens), tuple(given.price), given.latency, given.limit)
    print("\n".join(table(load)))
    print("\n* held up by the one writer of the store")
    print(
        f"{given.limit:,} calls a minute of {given.latency:g} s each: {given.limit / 60 * given.latency:.0f} under way"
    )
    print(f"known already: {KNOWN * 1e6:.0f} µs of CPU an answer; exported: {EXPORTED:,} a second")


if __name__ == "__main__":
    main()
