"""The tables of `verdicts.py` about what surrounds a single test: deadlines, clusters, baselines, families, attempts.

Each table stands beside what it is to be compared with: the error rate promised, or the same cases ruled on otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from evalgate.stats import (
    Design,
    EvidencePath,
    arrival_weight,
    certify,
    closed_sequential,
    e_lond_level,
    evidence_path,
    first_reach,
    holm_sequential,
    reserve_left,
    sensitivity_to_errors,
)
from evalgate.stats.simulation import GREEN, RED, draw_differences, draw_suites, run_rows

Array = NDArray[np.float64]
THRESHOLDS = (20.0, 20.0)


def chunks(repetitions: int, cases: int) -> Iterator[int]:
    """Numbers of runs that add up to `repetitions`, each small enough to stay in the processor's cache."""
    rows = max(1, 150_000 // cases)
    for done in range(0, repetitions, rows):
        yield min(rows, repetitions - done)


def bound(repetitions: int) -> float:
    """The promised rate and three standard errors of the simulation."""
    return float(0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions))


# --- deadlines ----------------------------------------------------------------------------------------------------

# flip rate, margin, last case, size of the suite (None: traffic), P(green) without and with a deadline as specified
DEADLINES = (
    (0.05, 0.02, 400, None, 0.27, 0.43),
    (0.05, 0.02, 700, None, 0.52, 0.64),
    (0.20, 0.05, 250, None, 0.28, 0.47),
    (0.05, 0.02, 2000, None, None, None),
    (0.05, 0.02, 400, 1000, None, None),
    (0.20, 0.05, 250, 500, None, None),
    (0.05, 0.02, 500, 500, None, None),
)


def to_deadline(
    flip_rate: float, margin: float, cases: int, population: int | None, difference: float, repetitions: int
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """P(green), P(red) and mean cases, without and with betting to the deadline."""
    random = np.random.default_rng(21)
    plain: Design = {} if population is None else {"claim": "suite", "population": population}
    ends: tuple[list[Array], list[Array]] = ([], [])
    for runs in chunks(repetitions, population or cases):
        rate = max(flip_rate, -difference)
        if population is None:
            drawn = draw_differences(random, runs, cases, rate, difference)
        else:
            drawn = draw_suites(random, runs, population, rate, difference)[:, :cases]
        for kind, design in enumerate((plain, {**plain, "deadline": cases})):
            stop, outcome = run_rows(drawn, margin, THRESHOLDS, design)  # type: ignore[arg-type]  # a Design with a key more
            ends[kind].append(np.stack([outcome == GREEN, outcome == RED, stop]).astype(float))
    without, known = (np.concatenate(each, axis=1).mean(axis=1).tolist() for each in ends)
    return tuple(without), tuple(known)


def deadline_table(repetitions: int) -> None:
    print("Betting to the deadline, without -> with; theta = 0, and red at theta = -margin")
    print(f"{'flip rate, margin':>18} {'last case':>15} {'specified':>12} {'P(green)':>14} {'mean cases':>14}"
          f" {'P(red), bad':>14} {'false green':>12} {'false red':>10}")  # fmt: skip
    for flip_rate, margin, cases, population, before, after in DEADLINES:
        plain, known = to_deadline(flip_rate, margin, cases, population, 0.0, repetitions)
        bad_plain, bad = to_deadline(flip_rate, margin, cases, population, -margin, repetitions)
        given = f"{before:.2f} -> {after:.2f}" if before and after else ""
        print(f"{flip_rate:>9}, {margin:<7} {f'{cases} of {population or np.inf}':>15} {given:>12}"
              f" {f'{plain[0]:.3f} -> {known[0]:.3f}':>14} {f'{plain[2]:.0f} -> {known[2]:.0f}':>14}"
              f" {f'{bad_plain[1]:.3f} -> {bad[1]:.3f}':>14} {bad[0]:>12.3f} {known[1]:>10.3f}")  # fmt: skip
    worst = {"false green": 0.0, "false red": 0.0}
    for flip_rate in (0.02, 0.05, 0.1, 0.2):
        for margin in (0.01, 0.02, 0.03, 0.05):
            for cases, population in ((200, None), (400, None), (1000, None), (200, 500), (400, 500)):
                if population and flip_rate < margin:
                    continue
                bad = to_deadline(flip_rate, margin, cases, population, -margin, repetitions)[1]
                good = to_deadline(flip_rate, margin, cases, population, 0.0, repetitions)[1]
                worst = {
                    "false green": max(worst["false green"], bad[0]),
                    "false red": max(worst["false red"], good[1]),
                }
    print(f"largest of the grid: {', '.join(f'{name} {rate:.3f}' for name, rate in worst.items())}"
          f" (at most {bound(repetitions):.3f})")  # fmt: skip
    raised, once = raised_deadlines(repetitions)
    print(f"deadline 200 and no other: {once:.3f}; raised six times up to 1600 with all stakes made anew: {raised:.3f}")


def raised_deadlines(repetitions: int) -> tuple[float, float]:
    """False greens of a deadline that is moved whenever it has passed, and of the first one, gone on with after it."""
    random = np.random.default_rng(22)
    raised = once = 0
    for runs in chunks(repetitions, 1600):
        drawn = draw_differences(random, runs, 1600, 0.05, -0.02)
        ever = np.zeros(runs, dtype=bool)
        for deadline in (200, 300, 400, 600, 800, 1200, 1600):
            ever |= run_rows(drawn[:, :deadline], 0.02, THRESHOLDS, {"deadline": deadline})[1] == GREEN
        raised += int(ever.sum())
        once += int((run_rows(drawn, 0.02, THRESHOLDS, {"deadline": 200})[1] == GREEN).sum())
    return raised / repetitions, once / repetitions


# --- clusters -----------------------------------------------------------------------------------------------------


def unequal_clusters(
    random: np.random.Generator, runs: int, units: int, *, lost_large: float, lost_small: float = 0.0
) -> tuple[Array, Array]:
    """One cluster in ten is ten times the size of the others; differences and weights, each (runs, units)."""
    large = random.random((runs, units)) < 0.1
    lost = random.random((runs, units)) < np.where(large, lost_large, lost_small)
    return np.where(lost, -1.0, 0.0), np.where(large, 1.0, 0.1)


def cluster_rates(
    lost_large: float, lost_small: float, outcome: int, repetitions: int, *, units: int = 1200, margin: float = 0.05
) -> tuple[float, float, float, float]:
    """P(outcome) counting each cluster once, and weighted by size: as traffic, to a deadline, and as a suite."""
    random = np.random.default_rng(23)
    hits = np.zeros(4)
    for runs in chunks(repetitions, units):
        values, weights = unequal_clusters(random, runs, units, lost_large=lost_large, lost_small=lost_small)
        designs: tuple[Design, ...] = ({}, {"weights": weights}, {"weights": weights, "deadline": units})  # type: ignore[typeddict-item]
        for kind, design in enumerate(designs):
            hits[kind] += (run_rows(values, margin, THRESHOLDS, design)[1] == outcome).sum()
        hits[3] += (_suites_of_clusters(random, runs, lost_large, lost_small, margin) == outcome).sum()
    return tuple((hits / repetitions).tolist())


def _suites_of_clusters(
    random: np.random.Generator, runs: int, lost_large: float, lost_small: float, margin: float
) -> NDArray[np.int64]:
    """Outcomes of whole suites of 200 clusters in random order, with these shares lost (rounded up)."""
    weights, values = np.where(np.arange(200) < 20, 1.0, 0.1), np.zeros(200)
    values[: int(np.ceil(20 * lost_large - 1e-9))] = -1.0
    values[20 : 20 + int(np.ceil(180 * lost_small - 1e-9))] = -1.0
    order = random.permuted(np.tile(np.arange(200), (runs, 1)), axis=1)
    design: Design = {"claim": "suite", "population": 200, "weights": weights[order], "total_weight": 38.0}  # type: ignore[typeddict-item]
    return run_rows(values[order], margin, THRESHOLDS, design)[1]


def cluster_table(repetitions: int) -> None:
    print("Clusters of unequal size, margin .05 by cases: a tenth of 1200 clusters is ten times the size of the others")
    print(f"{'share lost: large, small':>26} {'by cases':>9} {'counted once':>13} {'weighted':>9} {'to deadline':>12}"
          f" {'suite of 200':>13}")  # fmt: skip
    for title, outcome, rows in (
        ("green", GREEN, ((0.3, 0.0), (0.1, 0.0), (0.05, 0.05), (0.0, 0.106))),
        ("green", GREEN, ((0.0, 0.0), (0.0, 0.02))),
    ):
        for large, small in rows:
            mean = -(0.1 * large + 0.09 * small) / 0.19
            rates = cluster_rates(large, small, outcome, repetitions)
            print(f"{f'{large:.2f}, {small:.2f}':>26} {mean:>9.3f} {rates[0]:>13.3f} {rates[1]:>9.3f} {rates[2]:>12.3f}"
                  f" {rates[3]:>13.3f}  {title}")  # fmt: skip
    print(f"(false where the loss by cases is .05 or more: at most {bound(repetitions):.3f})")


# --- two baselines, and failures ----------------------------------------------------------------------------------


def noisy_answers(random: np.random.Generator, runs: int, cases: int, flip_rate: float, loss: float) -> list[Array]:
    """Scores of two runs of the baseline and one of the variant, where all that flips is noise; each (runs, cases).

    In a share of the cases the answer is a coin; two coins differ half of the time. The variant loses a share of all.
    """
    coin = random.random((runs, cases)) < 2.0 * flip_rate
    sides = [np.where(coin, random.random((runs, cases)) < 0.5, 1.0).astype(float) for _ in range(3)]
    sides[2] = np.where(random.random((runs, cases)) < loss, 0.0, sides[2])
    return sides


def baselines_table(repetitions: int) -> None:
    print("Two baselines, where all flips are noise: cases until the verdict, one -> two, and false green at -margin")
    for flip_rate, margin, cases in ((0.05, 0.02, 4000), (0.1, 0.03, 4000), (0.2, 0.05, 3000)):
        one, two, wrong = two_baselines(flip_rate, margin, cases, repetitions)
        print(f"{flip_rate:>9}, {margin:<7} {one:.0f} -> {two:.0f} (x {two / one:.2f}; given .80-.83)   {wrong:.3f}")


def two_baselines(flip_rate: float, margin: float, cases: int, repetitions: int) -> tuple[float, float, float]:
    """Mean cases with one baseline and with the mean of two, and how often a bad variant is green with two."""
    random = np.random.default_rng(24)
    total, wrong = [0.0, 0.0], 0
    for runs in chunks(repetitions, cases):
        first, second, variant = noisy_answers(random, runs, cases, flip_rate, 0.0)
        for kind, base in enumerate((first, (first + second) / 2.0)):
            total[kind] += float(run_rows(variant - base, margin, THRESHOLDS, {})[0].sum())
        first, second, variant = noisy_answers(random, runs, cases, flip_rate, margin / (1.0 - flip_rate))
        wrong += int((run_rows(variant - (first + second) / 2.0, margin, THRESHOLDS, {})[1] == GREEN).sum())
    return total[0] / repetitions, total[1] / repetitions, wrong / repetitions


def failures_table(repetitions: int) -> None:
    print(
        "The variant loses .10, and the baseline fails where it does: P(green), margin .02, 600 cases, 3 flips in 100"
    )
    for share in (0.9, 1.0):
        hidden, robust = hidden_losses(share, min(repetitions, 500))
        print(f"  in {share:.0%} of these cases   scored 0 and left out {hidden:.3f}   also scored 1 {robust:.3f}")


def hidden_losses(share: float, repetitions: int) -> tuple[float, float]:
    """How often a loss of .10 is green, if the baseline fails in `share` of the cases that are lost."""
    random = np.random.default_rng(25)
    hidden = robust = 0
    for _ in range(repetitions):
        values = draw_differences(random, 1, 600, 0.03)[0]
        lost = random.random(600) < 0.1
        failed = lost & (random.random(600) < share)
        values = np.where(failed, 0.0, np.where(lost, -1.0, values))
        known = sensitivity_to_errors(values, failed, baseline_errors=failed, margin=0.02)
        green = known.with_errors.verdict == "green"
        hidden += green and known.without_errors is not None and known.without_errors.verdict == "green"
        robust += green and known.robust
    return hidden / repetitions, robust / repetitions


# --- the family, and attempts -------------------------------------------------------------------------------------


def stopped(path: EvidencePath) -> Array:
    """Current e-values for green up to the moment of a red."""
    red_at = first_reach(path.e_red, 20.0)
    return path.e_green[:red_at]


def family_errors(repetitions: int, *, variants: int = 20, cases: int = 1000) -> dict[str, float]:
    """P(any false green) among variants that are worse by exactly the margin, by the way in which they are judged."""
    random = np.random.default_rng(9)
    ways = (
        "one by one",
        "Holm",
        "closed",
        "closed, to a deadline",
        "reds off the list",
        "latecomers",
        "related latecomers",
    )
    wrong = dict.fromkeys(ways, 0)
    reserve = (reserve_left(0), 1.0)
    for _ in range(repetitions):
        drawn = draw_differences(random, variants, cases, 0.05, -0.02)
        paths = [evidence_path(row, margin=0.02) for row in drawn]
        heard = [stopped(path) for path in paths]
        goal = 20.0 * variants
        dated = [stopped(evidence_path(row, margin=0.02, deadline=cases, goal=goal)) for row in drawn]
        wrong["one by one"] += any(first_reach(path.e_green, 20.0) for path in paths)
        wrong["Holm"] += _any(holm_sequential(heard).decided_at)
        wrong["closed"] += _any(closed_sequential(heard, absent=[reserve]).decided_at)
        wrong["closed, to a deadline"] += _any(closed_sequential(dated, absent=[reserve]).decided_at)
        wrong["reds off the list"] += reds_off_the_list(paths, heard, absent=[reserve])
        wrong["latecomers"] += latecomers(heard, first_batch=max(variants // 4, 1))
        # of one model: half of the flips are the same ones, and a latecomer meets cases that the others lost
        related = np.where(random.random(drawn.shape) < 0.5, drawn[0], drawn)
        wrong["related latecomers"] += latecomers(
            [stopped(evidence_path(row, margin=0.02)) for row in related], first_batch=max(variants // 4, 1)
        )
    return {name: count / repetitions for name, count in wrong.items()}


def _any(decided_at: tuple[int | None, ...]) -> bool:
    return any(at is not None for at in decided_at)


def reds_off_the_list(paths: list[EvidencePath], heard: list[Array], *, absent: list[tuple[float, float]]) -> bool:
    """Rule, take the reds off the list, rule again on the rest: the reds stay members with what they had."""
    if _any(closed_sequential(heard, absent=absent).decided_at):
        return True
    red = [first_reach(path.e_red, 20.0) is not None for path in paths]
    gone = [(1.0, float(path[-1])) for path, is_red in zip(heard, red, strict=True) if is_red]
    rest = [path for path, is_red in zip(heard, red, strict=True) if not is_red]
    return bool(rest) and _any(closed_sequential(rest, absent=[*absent, *gone]).decided_at)


def latecomers(heard: list[Array], *, first_batch: int) -> bool:
    """A first batch, then one variant at a time, each because nobody was green so far."""
    reserve = reserve_left(0)
    if _any(closed_sequential(heard[:first_batch], absent=[(reserve, 1.0)]).decided_at):
        return True
    gone = [(1.0, float(path[-1])) for path in heard[:first_batch]]
    for arrival, path in enumerate(heard[first_batch:], start=1):
        weight = arrival_weight(arrival)
        left = (reserve_left(arrival), 1.0)
        if _any(closed_sequential([path], weights=[weight], absent=[*gone, left]).decided_at):
            return True
        gone.append((weight, float(path[-1])))
    return False


def family_cases(repetitions: int, *, horizon: int = 1500) -> dict[str, tuple[float, float, float]]:
    """Mean cases of a good variant by Holm, by closed testing, and with a reserve; flip rate and margin .05."""
    random = np.random.default_rng(10)
    late_after = "1 good and 6 bad"
    total: dict[str, list[list[float]]] = {"20 good": [], "6 copies and 1 bad": [], late_after: []}

    def mean(decided_at: tuple[int | None, ...]) -> float:
        return float(np.mean([at or horizon for at in decided_at]))

    for _ in range(repetitions):
        good = [evidence_path(row, margin=0.05).e_green for row in draw_differences(random, 20, horizon, 0.05)]
        bad = [stopped(evidence_path(row, margin=0.05)) for row in draw_differences(random, 6, horizon, 0.05, -0.05)]
        for name, paths, judged in (("20 good", good, 20), ("6 copies and 1 bad", [*good[:1] * 6, bad[0]], 6)):
            by_reserve = closed_sequential(paths, absent=[(reserve_left(0), 1.0)])
            outcomes = (holm_sequential(paths), closed_sequential(paths), by_reserve)
            total[name].append([mean(outcome.decided_at[:judged]) for outcome in outcomes])
        gone = [(1.0, float(path[-1])) for path in bad]
        late = closed_sequential(good[:1], weights=[arrival_weight(1)], absent=[*gone, (reserve_left(1), 1.0)])
        beside = closed_sequential([good[0], *bad], absent=[(reserve_left(0), 1.0)])
        alone = (first_reach(good[0], 20.0),)
        total[late_after].append([mean(alone), mean(beside.decided_at[:1]), mean(late.decided_at)])
    return {name: tuple(np.mean(rows, axis=0).tolist()) for name, rows in total.items()}


def family_table(repetitions: int) -> None:
    runs = min(repetitions, 1000)
    print("20 variants, all worse by exactly the margin, 1000 cases: chance that the router is offered a bad one"
          f" (at most {bound(runs):.3f}, but for 'one by one')")  # fmt: skip
    for name, rate in family_errors(runs).items():
        print(f"  {name:>22}  {rate:.3f}")
    print("Mean cases of a good variant, flip rate and margin .05: Holm, closed, closed with the reserve")
    for name, (first, second, third) in family_cases(min(repetitions, 300)).items():
        ways = "alone, beside them, as a latecomer" if name.startswith("1 good") else f"x {third / first:.2f}"
        print(f"  {name:>24}  {first:.0f}  {second:.0f}  {third:.0f}   ({ways})")


def attempts(repetitions: int, *, tries: int = 8, cases: int = 1000) -> tuple[float, float, float]:
    """P(ever green) of a variant worse by the margin, tried until green: at a fresh alpha each, and by the ledger.

    The third number is the mean number of cases of the first attempt of a good variant over that at the whole alpha.
    """
    random = np.random.default_rng(11)
    fresh = charged = 0
    levels = [e_lond_level([False] * attempt) for attempt in range(tries)]
    for _ in range(repetitions):
        paths = [evidence_path(row, margin=0.02).e_green for row in draw_differences(random, tries, cases, 0.05, -0.02)]
        fresh += any(first_reach(path, 20.0) for path in paths)
        charged += any(first_reach(path, 1.0 / level) for path, level in zip(paths, levels, strict=True))
    good = draw_differences(random, min(repetitions, 300), 3000, 0.05)
    whole, first = (
        np.mean([certify(row, margin=0.02, alpha=alpha, beta=1e-9).cases for row in good])
        for alpha in (0.05, levels[0])
    )
    return fresh / repetitions, charged / repetitions, float(first / whole)


def attempts_table(repetitions: int) -> None:
    fresh, charged, cost = attempts(min(repetitions, 1000))
    print("A variant worse by the margin, tried again with fresh answers until it is green, eight times at most")
    print(f"  a fresh alpha each time {fresh:.3f}   charged to the ledger {charged:.3f}"
          f"   (cases of a first attempt x {cost:.3f})")  # fmt: skip


TABLES: dict[str, Callable[[int], None]] = {
    "deadline": deadline_table,
    "clusters": cluster_table,
    "baselines": baselines_table,
    "failures": failures_table,
    "family": family_table,
    "attempts": attempts_table,
}
