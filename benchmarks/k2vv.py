"""Judges the vendors of a public comparison, date by date, and routes by it: the cheapest, and the cheapest proven.

    python benchmarks/k2vv.py           the vendors whose list price is known, as README shows them, a few seconds
    python benchmarks/k2vv.py --all     all vendors

The data are Moonshot's K2 Vendor Verifier: tool calls of kimi-k2-0905 at every vendor, on four dates, from the tables
that its README had (`data/k2vv_results.json` names repository and commit of each), and list prices of
`data/k2_0905_prices.json`. Two things have to be proven of a vendor, held against Moonshot's own endpoint:

- its tool calls keep to their schema: at least 95 in 100 (Moonshot's all do);
- it calls a tool as often: in at most 5 of 100 requests fewer.

Only counts were published, so neither the order of the requests nor which of them belong together is known. The
evidence is the mean over random orders, and e-values remain e-values when they are averaged. Holm over all vendors of
the date; then the signal is issued, and the call routed, by the code that does so in production.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from evalgate.catalog import Catalog, Endpoint, load_catalog
from evalgate.gate import (
    BaselineCheck,
    Board,
    MetricEvidence,
    OperationBoard,
    Policy,
    Trying,
    Usage,
    VariantFacts,
    Verdict,
)
from evalgate.router import Call, RoutingTable, choose
from evalgate.signal import SignalDocument, issue
from evalgate.stats import evidence_path, holm_sequential, score_evidence

DATA = Path(__file__).parent / "data"
MODEL, OFFICIAL = "kimi-k2-0905-preview", "MoonshotAI"
ALPHA, MARGIN, MINIMUM = 0.05, 0.05, 0.95
METRICS = 2
ORDERS = 40
UNKNOWN_PRICE = "99999"  # so that price alone never picks a vendor whose price nobody told
VALID = timedelta(days=30)  # the tables are up to 23 days apart
MIX = 1000.0  # tokens in and out: made up, and of no matter where one is cheaper at both
WORDS = {"green": "green", "red": "RED", "inconclusive": "open"}


@dataclass(frozen=True)
class Count:
    """What was published of one vendor on one date."""

    vendor: str
    requests: int
    calls: int
    valid: int

    @property
    def share(self) -> float:
        """Of the tool calls, those that kept to their schema."""
        return self.valid / self.calls

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, of 95 %."""
        n, p, z = self.calls, self.share, 1.959964
        centre, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


@dataclass(frozen=True)
class Evidence:
    """E-values of one vendor: that its calls are valid (or not), that it calls often enough (or not)."""

    count: Count
    valid: tuple[float, float]
    often: tuple[float, float]

    @property
    def green(self) -> float:
        """Both have to be proven."""
        return min(self.valid[0], self.often[0])

    @property
    def red(self) -> float:
        """Either is enough."""
        return max(self.valid[1], self.often[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="also the vendors whose price is not known")
    everybody = parser.parse_args().all
    tables = dict(read_tables())
    prices = json.loads((DATA / "k2_0905_prices.json").read_text())["prices"]
    vendors = sorted({count.vendor for counts in tables.values() for count in counts})
    catalog = catalogue_of(vendors, prices)
    cells: dict[str, dict[str, str]] = {}
    chosen: dict[str, tuple[str, str]] = {}
    document: SignalDocument | None = None
    for date, counts in tables.items():
        verdicts = judge(counts)
        now = datetime.fromisoformat(date).replace(tzinfo=UTC)
        document = issue(board_of(verdicts, catalog, now), document, stream="k2vv", now=now)
        decision = choose(Call("tool_calls"), RoutingTable(document, catalog), now=now + timedelta(hours=1))
        by_price = min((c.vendor for c in counts if c.vendor in prices), key=lambda name: price_of(name, prices))
        chosen[date] = by_price, spelled(decision.order[0].id, vendors)
        cells[date] = {each.count.vendor: cell(each, outcome) for each, outcome in verdicts}
        official = next(count for count in counts if count.vendor == OFFICIAL)
        cells[date][OFFICIAL] = f"baseline · {100 * official.calls / official.requests:.0f}"
    shown = [name for name in vendors if everybody or name in prices]
    print_table(sorted(shown, key=lambda name: (price_of(name, prices), name)), cells, chosen, prices, tables)


def read_tables() -> Iterator[tuple[str, list[Count]]]:
    """The first table of each date; later commits repeat them."""
    seen = set()
    for table in json.loads((DATA / "k2vv_results.json").read_text())["k2vv"]:
        date = table["test_date"]
        if table["model"] != MODEL or date in seen:
            continue
        seen.add(date)
        requests = 2000 if date == "2025-09-22" else 4000  # as the data's own note says
        yield date, [Count(row["provider"], requests, *counts_in(row)) for row in table["rows"]]


def counts_in(row: dict[str, int]) -> tuple[int, int]:
    """Tool calls and those of them that are valid, by their names in either form of the table."""
    calls = row.get("count_of_finish_reason_tool_calls", row.get("count_finish_reason_tool_calls"))
    valid = row.get("successful_tool_call_count", row.get("count_successful_tool_call"))
    assert calls is not None
    assert valid is not None
    return calls, valid


def judge(counts: list[Count]) -> list[tuple[Evidence, str]]:
    official = next(count for count in counts if count.vendor == OFFICIAL)
    found = [evidence(count, official) for count in counts if count.vendor != OFFICIAL]
    proven = holm_sequential([np.array([each.green]) for each in found], ALPHA).decided_at
    outcomes = []
    for each, at in zip(found, proven, strict=True):
        red = each.red >= METRICS / ALPHA
        outcomes.append((each, "red" if red else "inconclusive" if at is None else "green"))
    return outcomes


def evidence(count: Count, official: Count) -> Evidence:
    """The mean of the last e-values over random orders, the same ones for everybody."""
    valid, often = [], []
    for order in range(ORDERS):
        rng = np.random.default_rng(order)
        shuffled = partial(drawn, rng)
        scores = shuffled(count.valid, count.calls)
        path = score_evidence(scores, minimum=MINIMUM)
        valid.append((path.e_green[-1], path.e_red[-1]))
        differences = shuffled(count.calls, count.requests) - shuffled(official.calls, official.requests)
        path = evidence_path(differences, margin=MARGIN)
        often.append((path.e_green[-1], path.e_red[-1]))
    means = [np.mean(pairs, axis=0) for pairs in (valid, often)]
    return Evidence(count, *((float(green), float(red)) for green, red in means))


def drawn(rng: np.random.Generator, ones: int, size: int) -> np.ndarray:
    values = np.zeros(size)
    values[rng.permutation(size)[:ones]] = 1.0
    return values


def catalogue_of(vendors: list[str], prices: dict[str, dict[str, str]]) -> Catalog:
    lines = ["version: 1", "providers:"]
    lines += [f'  - {{id: {slug(name)}, base_url: "https://{slug(name)}.example"}}' for name in vendors]
    lines += ["models:", f"  - id: {MODEL}", "    variants:"]
    for name in vendors:
        told = prices.get(name, {"input": UNKNOWN_PRICE, "output": UNKNOWN_PRICE})
        price = f"{{input: {told['input']}, output: {told['output']}}}"
        lines.append(f"      - {{id: {slug(name)}, provider: {slug(name)}, quantization: undisclosed, price: {price}}}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.yaml"
        path.write_text("\n".join(lines))
        return load_catalog(path)


def board_of(verdicts: list[tuple[Evidence, str]], catalog: Catalog, now: datetime) -> Board:
    """The board that `evalgate check` would have drawn up."""
    endpoints = catalog.endpoints(MODEL)
    told = [verdict_of(each, outcome, endpoints[slug(each.count.vendor)], now) for each, outcome in verdicts]
    policy = Policy(
        margin=MARGIN,
        alpha=ALPHA,
        beta=ALPHA,
        red_margin=0.0,
        claim="traffic",
        control="family",
        metrics=("valid", "often"),
        min_score={"valid": MINIMUM},
        baseline_check=False,
        unit="case",
        cluster_weight="cases",
        repeats=1,
        seed=1,
        valid_seconds=int(VALID.total_seconds()),
        on_inconclusive="fail",
    )
    digest = "sha256:" + "0" * 64
    operation = OperationBoard(
        operation="tool_calls",
        model=MODEL,
        suite="K2 Vendor Verifier",
        suite_hash=digest,
        grading_hash=digest,
        policy=policy,
        analysis="traffic",
        baseline=facts(endpoints[slug(OFFICIAL)]),
        baseline_check=BaselineCheck("green", 0, 0.0),
        family=len(told),
        available=4000,
        verdicts=tuple(told),
    )
    return Board(f"{now:%Y-%m-%d}", now.timestamp(), 0, (operation,))


def verdict_of(each: Evidence, outcome: str, endpoint: Endpoint, now: datetime) -> Verdict:
    count, at = each.count, now.timestamp()
    usage = Usage(count.requests, 0, 0.0, {}, MIX, MIX, "counted", None, 0.0, 0.0, at)
    low, high = (end - 1.0 for end in count.interval)
    green, red = each.valid
    metric = MetricEvidence("valid", 1.0, count.share, count.share - 1, (low, high), 0.95, green, red, 0, 0, (), True)
    return Verdict(
        variant=facts(endpoint),
        outcome=outcome,  # type: ignore[arg-type]  # one of the three words
        cause="open" if outcome == "inconclusive" else "proven",
        reason=f"{count.valid} of {count.calls} tool calls valid",
        note="",
        cases=count.calls,
        e_needed=1 / ALPHA,
        e_value=each.green,
        beyond_margin=False,
        trying=Trying(1, ALPHA, 0),
        metrics=(metric,),
        diagnostics=(),
        usage=usage,
        baseline_usage=usage,
        suspicions=(),
        flips=(),
    )


def facts(endpoint: Endpoint) -> VariantFacts:
    price = endpoint.price
    return VariantFacts(
        endpoint.id,
        endpoint.provider.id,
        "direct",
        None,
        "undisclosed",
        "undisclosed",
        None,
        endpoint.config,
        str(price.input),
        str(price.output),
        "listed",
    )


def print_table(
    shown: list[str],
    cells: dict[str, dict[str, str]],
    chosen: dict[str, tuple[str, str]],
    prices: dict[str, dict[str, str]],
    tables: dict[str, list[Count]],
) -> None:
    dates = list(cells)
    print(f"| vendor | $/1M in, out | {' | '.join(dates)} |")
    print(f"| --- | --- |{' --- |' * len(dates)}")
    for name in shown:
        told = prices.get(name)
        price = f"{told['input']}, {told['output']}" if told else "not known"
        print(f"| {name} | {price} | {' | '.join(cells[date].get(name, '—') for date in dates)} |")
    for row, which in (("**by price alone**", 0), ("**by the signal**", 1)):
        told_of = [taken(chosen[date][which], tables[date]) for date in dates]
        print(f"| {row} | | {' | '.join(told_of)} |")


def cell(each: Evidence, outcome: str) -> str:
    """`RED 92.3 [89.8, 94.3] · 27`: verdict, valid in 100 tool calls with its interval, tool calls in 100 requests."""
    low, high = each.count.interval
    rate = 100 * each.count.calls / each.count.requests
    return f"{WORDS[outcome]} {100 * each.count.share:.1f} [{100 * low:.1f}, {100 * high:.1f}] · {rate:.0f}"


def taken(vendor: str, counts: list[Count]) -> str:
    count = next(each for each in counts if each.vendor == vendor)
    broken = count.calls - count.valid
    return f"{vendor}: {100 * broken / count.calls:.1f} % broken"


def price_of(vendor: str, prices: dict[str, dict[str, str]]) -> tuple[float, float]:
    told = prices.get(vendor, {"input": UNKNOWN_PRICE, "output": UNKNOWN_PRICE})
    return float(told["input"]), float(told["output"])


def slug(vendor: str) -> str:
    return vendor.lower().replace(" ", "-")


def spelled(name: str, vendors: list[str]) -> str:
    return next(vendor for vendor in vendors if slug(vendor) == name)


if __name__ == "__main__":
    main()
