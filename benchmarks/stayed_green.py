"""Stayed green, played for 180 days against drifts of several kinds and beside the ways others watch.

    python benchmarks/stayed_green.py            # 2,000 runs a cell: the tables of docs/stayed-green.md, in Markdown
    python benchmarks/stayed_green.py --quick    # 200 runs, three drifts

A variant was certified at margin .02 with a flip rate of .05 and takes traffic; nine flips in ten come back whenever
their case is asked. On some day between the 10th and the 100th something happens; the loss comes on top of the flips.
Whoever raises an alarm withdraws the variant from the next day on. It then answers in the shadow, and a certification
at the level that the ledger still grants leads back: the next day after a first alarm, 7, 21, 49 … days after further
ones, and a week after each that failed.

- *delay*: days from the drift until the alarm, the day of the drift included: median and share found.
- *false*: alarms in 1,000 days of traffic on which nothing was wrong.
- *calls*: a month while the variant takes traffic, of full length, both sides, certifications included.
- *cost*: the same in full calls, with first-token calls at a twentieth, and half of a call's price for every call that
  went to the baseline although nothing was wrong.
- *harm*: calls answered wrongly in 180 days that would not have been at the certified level, of 10,000 a day.
- *moves*: withdrawals and returns a week.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

import first_tokens
import recorded

from evalgate.stats import StayedGreen, e_lond_level, share_run_length
from evalgate.stats.moved import BETS, bet_factors, rarity_ranks
from evalgate.stats.simulation import GREEN, run_rows
from evalgate.stats.stayed_green import TRUST
from evalgate.stats.watch_simulation import ManyWatches

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
DAYS, TRAFFIC, MONTH = 180, 10_000, 30
MARGIN, FLIP_RATE, REPEATED, CASES = 0.02, 0.05, 0.9, 50
RUN_LENGTH = share_run_length(1000, {"scores": 2, "flips": 1, "first tokens": 1})
SPOT_CASES = 400
LAB_MARGIN = 0.05  # as the lab's suites ask for
ONE_TOKEN, SAVED = 1 / 20, 1 / 2  # in prices of a full call
POOL, LONGEST = 400, 2500
RETRY = 7
# A case is what it used to be and what it is today: differences -1, 0, 1.
KINDS = np.array(list(product((-1.0, 0.0, 1.0), repeat=2)))
USED, TODAY = KINDS.T
QUIET = 4  # the kind that used to be 0 and is
SAME = np.flatnonzero(USED == TODAY)  # kinds that stand for -1, 0, 1 where nothing is known of before


# --- the world ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drift:
    """`loss(days since, random)`: mean loss, and share of calls answered by other weights, both (runs,).

    `before`, `after`: P(kind) before, and while it lasts where that was recorded.
    """

    name: str
    loss: Callable[[Array, np.random.Generator], tuple[Array, Array]]
    before: Array
    after: Array | None = None
    harmful: bool = True
    margin: float = MARGIN

    def shares(self, since: Array, loss: Array) -> Array:
        """P(kind), (runs, kinds)."""
        if self.after is not None:
            return np.where((since >= 0)[:, None], self.after, self.before)
        shares = np.repeat(self.before[None], loss.size, axis=0)
        shares[:, QUIET] -= loss
        shares[:, QUIET - 1] += loss
        return shares

    @property
    def control(self) -> Array:
        """What the watch expects of each kind."""
        return np.asarray(TRUST * (USED - self.before @ USED))  # as `suite_control`, where cases come in kinds


def flips(rate: float) -> Array:
    """P(kind) at a flip rate of which REPEATED comes from the same cases every time."""
    fixed = rate
    new = rate * (1 - REPEATED) / (1 - fixed)
    usual = np.array([fixed / 2, 1 - fixed, fixed / 2])
    today = np.array([[REPEATED, 1 - REPEATED, 0], [new / 2, 1 - new, new / 2], [0, 1 - REPEATED, REPEATED]])
    return np.asarray((usual[:, None] * today).ravel())


def drifts() -> Iterator[Drift]:
    usual = flips(FLIP_RATE)

    def step(size: float, moved: float = 0.0) -> Callable[[Array, np.random.Generator], tuple[Array, Array]]:
        return lambda since, _: (size * (since >= 0), moved * (since >= 0))

    def creep(since: Array, _: np.random.Generator) -> tuple[Array, Array]:
        return np.clip(0.002 * (since + 1), 0.0, 0.10), np.zeros(since.size)

    def replicas(since: Array, random: np.random.Generator) -> tuple[Array, Array]:
        share = (since >= 0) * (random.random(since.size) < 0.5) * random.uniform(0.1, 0.5, since.size)
        return 0.3 * share, share

    yield Drift("nothing", step(0.0), usual, harmful=False)
    yield Drift("step of .10", step(0.10), usual)
    yield Drift("step of .05", step(0.05), usual)
    yield Drift("creep, .002 a day to .10", creep, usual)
    yield Drift("one slice: 10 % of the traffic loses .60", step(0.06), usual)
    yield Drift("replicas: on every other day 10–50 % of calls lose .30", replicas, usual)
    yield Drift("other weights, no loss", step(0.0, 1.0), usual, harmful=False)
    for metric, scores in recorded.scores():
        operation, name = metric.split()
        if name == "score":
            base, old, new = (scores[who] for who in (recorded.BASELINE, "lab-q8_0", "lab-q4_0"))
            used, then = (np.round(each - base) for each in (old, new))  # of partial scores, a third counts as nothing
            before, after = (
                np.array([float(((used == u) & (now == t)).mean()) for u, t in KINDS]) for now in (used, then)
            )
            loss = float((used - then).mean())
            yield Drift(
                f"Q8_0 → Q4_0 in the lab: {operation} ({-loss:+.3f})", step(loss, 1.0), before, after, loss > MARGIN
            )


# --- certification ------------------------------------------------------------------------------------------------


@cache
def certifications(lost: tuple[float, ...], level: float, margin: float) -> tuple[Flags, Array, Array]:
    """Who is green (POOL,), cases taken (POOL,), and how often -1, 0, 1 came (POOL, 3), at P(-1, 0, 1) and alpha."""
    random = np.random.default_rng(17)
    drawn = random.choice(np.array([-1.0, 0.0, 1.0]), p=lost, size=(POOL, LONGEST))
    stop, outcome = run_rows(drawn, margin, (1.0 / level, 20.0), {})
    seen = np.arange(LONGEST) < stop[:, None]
    counts = np.stack([((drawn == value) & seen).sum(axis=1) for value in (-1, 0, 1)], axis=-1)
    return outcome == GREEN, stop.astype(float), counts.astype(float)


def certify(shares: Array, level: float, drift: Drift, random: np.random.Generator) -> tuple[Flags, Array]:
    """Green or not, and the cases it took, for P(kind) of (runs, kinds); drawn shares are rounded to a hundredth."""
    digits = 2 if drift.after is None else 6
    lost, gained = (np.round(shares[:, value == TODAY].sum(axis=1), digits) for value in (-1, 1))
    green, cases = np.zeros(lost.size, dtype=bool), np.zeros(lost.size)
    for down, up in {(float(a), float(b)) for a, b in zip(lost, gained, strict=True)}:
        passed, took, _ = certifications((down, 1.0 - down - up, up), level, drift.margin)
        who = np.flatnonzero((lost == down) & (gained == up))
        picked = random.integers(0, POOL, who.size)
        green[who], cases[who] = passed[picked], took[picked]
    return green, cases


def granted(attempt: int) -> float:
    """The alpha of the n-th certification after n - 1 greens; later ones are charged as the fifth."""
    return e_lond_level([True] * min(attempt, 4), 0.05)


# --- ways to watch ------------------------------------------------------------------------------------------------


class Way:
    """A way to watch; `look` says on each day who raises an alarm, and how many full calls that took."""

    name = ""
    first_token_calls = 0.0

    def __init__(self, runs: int, drift: Drift, random: np.random.Generator) -> None:
        self.runs, self.drift, self.random = runs, drift, random
        self.begin(np.arange(runs))

    def begin(self, who: NDArray[np.int64]) -> None:
        """These were certified, for the first time or again."""

    def look(self, day: int, shares: Array, moved: Array) -> tuple[Flags, Array]:
        raise NotImplementedError

    def ask(self, shares: Array, cases: int) -> NDArray[np.int64]:
        """The kinds of the cases that were drawn, in the order asked; (runs, cases)."""
        ends = shares.cumsum(axis=1)[:, None, :-1]
        return np.asarray((self.random.random((self.runs, cases, 1)) > ends).sum(axis=-1))


def counted(kinds: NDArray[np.int64]) -> Array:
    """How often each kind came, (runs, kinds)."""
    return np.stack([(kinds == kind).sum(axis=1) for kind in range(len(KINDS))], axis=-1).astype(float)


class Watch(Way):
    name = f"**evalgate watch, {CASES} cases a day**"
    scores = flips = tokens = True
    cases = CASES

    def begin(self, who: NDArray[np.int64]) -> None:
        everybody = who.size == self.runs
        if self.scores:
            before = self.drift.before
            lost = tuple(float(before[value == TODAY].sum()) for value in (-1, 0, 1))
            green, _, counts = certifications(lost, granted(0), self.drift.margin)
            certified = np.zeros((who.size, len(KINDS)))
            certified[:, SAME] = counts[green][self.random.integers(0, int(green.sum()), who.size)]
            rules = StayedGreen(run_length=RUN_LENGTH["scores"], margin=self.drift.margin)
            fresh = ManyWatches(rules, TODAY, certified=certified, controls=self.drift.control)
            if everybody:
                self.watch = fresh
            else:
                self.watch.replace(who, fresh)
        if self.flips:
            if everybody:
                self.seen, self.sums = np.zeros((self.runs, 3, 3), dtype=np.int64), np.zeros((self.runs, len(BETS)))
            self.seen[who], self.sums[who] = 0, 0.0
        if self.tokens:
            self.first_token_calls = float(first_tokens.WATCHED * first_tokens.TURNS)
            if everybody:
                self.border = first_tokens.ManyBorders(self.runs, RUN_LENGTH["first tokens"], self.random)
            else:
                self.border.begin(who)

    def look(self, day: int, shares: Array, moved: Array) -> tuple[Flags, Array]:
        alarm, took = np.zeros(self.runs, dtype=bool), np.zeros(self.runs)
        if self.scores:
            kinds = self.ask(shares, self.cases)
            self.watch.day(counted(kinds))
            alarm |= self.watch.evidence >= RUN_LENGTH["scores"]
            took += 2 * self.cases
            if self.flips:
                alarm |= self.flipped(kinds) >= RUN_LENGTH["flips"]
        if self.tokens:
            alarm |= self.border.day(moved) >= RUN_LENGTH["first tokens"]
        return alarm, took

    def flipped(self, kinds: NDArray[np.int64]) -> Array:
        """`Movement` with the case's former difference as stratum, and today's as label."""
        self.sums += 1.0
        rows = np.arange(self.runs)
        for used, today in zip(kinds.T // 3, kinds.T % 3, strict=True):
            ranks = rarity_ranks(self.seen[rows, used], today, self.random.random(self.runs))
            self.sums = np.minimum(self.sums * bet_factors(ranks), 1e200)
            self.seen[rows, used, today] += 1
        return np.asarray(self.sums.mean(axis=-1))


class Sparing(Watch):
    name = "evalgate watch, 15 cases a day"
    cases = 15


class ScoresOnly(Watch):
    name = f"evalgate watch, {CASES} a day, scores only"
    tokens = flips = False


class TokensOnly(Watch):
    name = "first tokens only"
    scores = flips = False


class Daily(Way):
    """A certification at a fresh alpha of 5 % every so many days."""

    name = "daily fresh certification"
    every = 1

    def look(self, day: int, shares: Array, moved: Array) -> tuple[Flags, Array]:
        if day % self.every:
            return np.zeros(self.runs, dtype=bool), np.zeros(self.runs)
        green, cases = certify(shares, 0.05, self.drift, self.random)
        return ~green, 2 * cases


class Weekly(Daily):
    name = "weekly re-certification"
    every = 7


class Monthly(Way):
    """A fixed number of cases, and a one-sided test at 5 % of "not worse than the baseline" (paired proportions)."""

    name = f"monthly spot check, {SPOT_CASES} cases"
    every, cases = MONTH, SPOT_CASES

    def look(self, day: int, shares: Array, moved: Array) -> tuple[Flags, Array]:
        if day % self.every:
            return np.zeros(self.runs, dtype=bool), np.zeros(self.runs)
        counts = counted(self.ask(shares, self.cases))
        lost, gained = counts[:, TODAY < 0].sum(axis=1), counts[:, TODAY > 0].sum(axis=1)
        return lost - gained > 1.645 * np.sqrt(lost + gained), np.full(self.runs, 2.0 * self.cases)


class DailyTest(Monthly):
    name = f"daily test of {CASES} cases at 5 %"
    every, cases = 1, CASES


WAYS: tuple[type[Way], ...] = (Watch, Sparing, ScoresOnly, TokensOnly, Weekly, Daily, Monthly, DailyTest)
HEAD = """\
| way | delay, days | found | false / 1,000 d | calls / month | cost | harm | harm × cost | moves / week |
| --- | --: | --: | --: | --: | --: | --: | --: | --: |"""


# --- 180 days -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Played:
    delay: float
    found: float
    false: float
    calls: float
    cost: float
    harm: float
    moves: float


def play(way: type[Way], drift: Drift, runs: int, seed: int = 1) -> Played:
    random = np.random.default_rng(seed)
    onset = random.integers(10, 100, runs)
    player = way(runs, drift, random)
    routed, present = np.ones(runs, dtype=bool), np.zeros(runs, dtype=bool)
    waits, alarms, attempts = np.zeros(runs), np.zeros(runs), np.ones(runs, dtype=int)
    found = np.full(runs, np.inf)
    calls = first = saved = harm = false = fine = counted = moves = 0.0
    for day in range(1, DAYS + 1):
        since = (day - onset).astype(float)
        loss, moved = drift.loss(since, random)
        shares = drift.shares(since, loss)
        wrong = (since >= 0) & drift.harmful
        present |= routed & (since == 0)
        harm += float((TRAFFIC * np.maximum(loss, 0.0) * routed).sum()) if drift.harmful else 0.0
        saved += float(TRAFFIC * SAVED * (~routed & ~wrong).sum())
        fine += float((routed & ~wrong).sum())
        counted += float((routed | ~wrong).sum())
        if routed.any():
            alarm, took = player.look(day, shares, moved)
        else:
            alarm, took = np.zeros(runs, dtype=bool), np.zeros(runs)
        alarm &= routed
        calls += float((took * routed).sum())
        first += player.first_token_calls * float(routed.sum())
        false += float((alarm & ~wrong).sum())
        found = np.where(alarm & (since >= 0) & np.isinf(found), since + 1, found)
        # Half-open: whoever is withdrawn answers in the shadow, and comes back with a certificate only.
        trying, back = ~routed & (waits <= 0), np.zeros(runs, dtype=bool)
        for attempt in np.unique(attempts[trying]):
            who = np.flatnonzero(trying & (attempts == attempt))
            back[who], cases = certify(shares[who], granted(int(attempt)), drift, random)
            calls += float((2 * cases * ~wrong[who]).sum())
        attempts += trying
        alarms += alarm
        waits = np.where(alarm, RETRY * (2.0 ** (alarms - 1) - 1), np.where(trying & ~back, RETRY, waits - 1))
        if back.any():
            player.begin(np.flatnonzero(back))
        moves += float(alarm.sum() + back.sum())
        routed = (routed & ~alarm) | back
    waited = np.where(np.isinf(found), DAYS, found)[present]
    a_month = MONTH / counted
    return Played(
        delay=float(np.median(waited)) if waited.size else DAYS,
        found=float(np.isfinite(found[present]).mean()) if waited.size else 0.0,
        false=1000 * false / fine,
        calls=calls * a_month,
        cost=(calls + ONE_TOKEN * first + saved) * a_month,
        harm=harm / runs,
        moves=moves / runs / DAYS * 7,
    )


def table(drift: Drift, runs: int) -> dict[str, str]:
    """Prints the table of one drift; returns what the summary says of each way: harm x cost, and the delay."""
    print(f"**{drift.name}**\n\n{HEAD}")
    own, summary = 0.0, {}
    for way in WAYS:
        played = play(way, drift, runs)
        own = own or played.harm * played.cost
        delay = f"{played.delay:.0f}" if played.found > 0.5 else "–"
        ratio = f"{played.harm * played.cost / own:.2f}" if own else "–"
        hurt = [delay, f"{played.found:.2f}", f"{played.harm:,.0f}", ratio] if drift.harmful else [""] * 4
        rates = [f"{played.false:.2f}", f"{played.calls:,.0f}", f"{played.cost:,.0f}"]
        cells = [way.name, *hurt[:2], *rates, *hurt[2:], f"{played.moves:.3f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
        summary[way.name] = f"{ratio} ({delay})"
    print()
    return summary


# --- how often it errs, and how soon it finds what ----------------------------------------------------------------


def rates_table(runs: int) -> None:
    """Watches by scores alone, each after a certification that it passed, on days on which nothing is wrong; delays."""
    quiet = 200
    print(f"Scores alone, {CASES} cases a day, run length 1,000: certified green, then {quiet} days without a change;")
    print(
        "and drops that follow 30 days after a certification of 400 cases, median (p90) days at a level that is known,"
    )
    print("at one that is certified, and with what was known of each case\n")
    print("| flip rate, margin | level | withdrawn (bound) | per 1,000 d | drop of .05 | drop of .10 |")
    print("| --- | --: | --: | --: | --- | --- |")
    for rate, margin in ((0.0, 0.02), (0.02, 0.02), (0.05, 0.02), (0.10, 0.05), (0.20, 0.05), (0.40, 0.10)):
        for level in (0.0, -margin / 2):
            if rate < -level:
                continue
            random = np.random.default_rng(31)
            lost = ((rate - level) / 2, 1 - rate, (rate + level) / 2)
            green, _, counts = certifications(lost, granted(0), margin)
            certified = counts[green][random.integers(0, int(green.sum()), runs)]
            watch = ManyWatches(StayedGreen(margin=margin), np.array([-1.0, 0.0, 1.0]), certified=certified)
            withdrawn, alive = np.zeros(runs, dtype=bool), 0.0
            for _ in range(quiet):
                watch.day(random.multinomial(CASES, lost, size=runs).astype(float))
                alive += float((~withdrawn).sum())
                withdrawn |= watch.evidence >= 1000
            late = ["", ""] if level else [_delays(drop, rate, margin, runs // 2) for drop in (0.05, 0.10)]
            a_thousand = 1000 * float(withdrawn.sum()) / alive
            print(f"| {rate:.2f}, {margin} | {level:+.3f} | {withdrawn.mean():.4f} ({quiet / 1000}) | {a_thousand:.3f}"
                  f" | {' | '.join(late)} |", flush=True)  # fmt: skip
    print()


def _delays(drop: float, rate: float, margin: float, runs: int) -> str:
    """Median and p90 for the three ways of knowing the level; the loss comes on top of the flips."""
    drift, words = Drift("", lambda since, _: (since, since), flips(rate), margin=margin), []
    for level, control in ((0.0, None), (None, None), (None, drift.control)):
        random = np.random.default_rng(33)
        counts = np.zeros((runs, len(KINDS)))
        counts[:, SAME] = random.multinomial(400, [rate / 2, 1 - rate, rate / 2], size=runs)
        certified = None if level is not None else counts
        rules = StayedGreen(margin=margin)
        watch = ManyWatches(rules, TODAY, certified=certified, level=level, runs=runs, controls=control)
        found = np.full(runs, np.inf)
        for day in range(-29, 61):
            shares = drift.shares(np.zeros(1), np.array([drop * (day > 0)]))[0]
            watch.day(random.multinomial(CASES, shares, size=runs).astype(float))
            found = np.where(np.isinf(found) & (watch.evidence >= 1000) & (day > 0), day, found)
        middle, late = (float(np.quantile(found, q, method="higher")) for q in (0.5, 0.9))
        words.append(
            f"{middle:.0f} ({late:.0f})" if np.isfinite(late) else f"{middle:.0f} (> 60)".replace("inf", "> 60")
        )
    return ", ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200 runs a cell, three drifts")
    parser.add_argument("--only", default="", help="drifts whose name contains this")
    options = parser.parse_args()
    runs = 200 if options.quick else 2000
    began = time.perf_counter()
    print(
        f"{runs:,} runs of {DAYS} days; margin {MARGIN}, flip rate {FLIP_RATE}, {CASES} cases and"
        f" {first_tokens.WATCHED * first_tokens.TURNS} first tokens a day; {TRAFFIC:,} calls of traffic a day\n"
    )
    if not options.only:
        rates_table(runs)
    chosen = [drift for drift in drifts() if options.only in drift.name]
    columns: dict[str, dict[str, str]] = {}
    for drift in chosen[: 3 if options.quick else None]:
        summary = table(drift, runs)
        if drift.harmful:
            columns[drift.name] = summary
    print(f"harm × cost (median delay, days)\n\n| way | {' | '.join(columns)} |\n| --- |{' --: |' * len(columns)}")
    for way in WAYS:
        print(f"| {way.name} | {' | '.join(column[way.name] for column in columns.values())} |")
    print()
    print(f"({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
