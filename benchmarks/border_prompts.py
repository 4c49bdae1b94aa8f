"""Has an endpoint changed its weights? One-token calls, 200 a day, in the hands of several rules.

    python benchmarks/border_prompts.py [--quick]

Calls are drawn from first tokens recorded in the lab (see `first_tokens.py`), with noise in the logits. Every rule
gets the same number of calls a day; prompts are looked for in the old serving alone.

- *evalgate*: `Movement`, run length 1,000 days. 20 prompts, ten samples a day, 50 of each as reference; method "day".
  Beside it 200 prompts asked once, ten of each as reference; method "calls".
- *evalgate watch*: what the watch itself asks, with the eighth of the false alarms that it grants to first tokens:
  20 prompts, five calls a day; where log-probabilities are told, they are found among the first 200 candidates.
- *B3IT's rule*, as its authors run it: 20 prompts, ten samples a day. Alarm on the third day in a row on which the
  mean total variation to the reference (100 samples) exceeds its mean over a base of 14 days (four days back) by more
  than .2 and by more than four standard deviations.
- *MMD*: 20 prompts, ten samples a day, against the first day's (fixed window), Hamming kernel, permutation test at
  .001 a day, which is one false alarm in 1,000 days if the days were independent.
- *logprobs*: 200 prompts, once a day, the log-probability of the likeliest token in bins; method "calls".

*day 1*: share of runs that call the swap with the calls of the first day. *days*: median delay. *calls*: median number
of calls, where the rule may speak between two days. *false*: alarms in 1,000 days without a change.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from first_tokens import ManyMovements, Prompts, choose, recorded

from evalgate.plan.watching import BINNED, BY_LOGPROB, BY_TOKEN, PROMPTS, SEARCHED, OneToken
from evalgate.stats import Bins, Movement, self_disagreement
from evalgate.stats.border import UNSTABLE, name_movement

Array = NDArray[np.float64]
CALLS, RUN_LENGTH = 200, 1000.0
FEW, SAMPLES = 20, 10
HORIZON = 10
BASE, EXCLUDED, CONSECUTIVE = 14, 4, 3
PERMUTATIONS = 1999
SWAPS = (("f16", "q8_0"), ("f16", "q4_0"), ("q8_0", "q4_0"))
NOISES = (0.0, 0.1, 0.3)
REFERENCE = 50
WIRED = 8 * RUN_LENGTH  # an eighth of the false alarms is what first tokens get


@dataclass(frozen=True)
class Result:
    first_day: float
    days: float
    calls: float
    false: float

    def row(self) -> str:
        days = f"{self.days:.0f}" if self.days <= HORIZON else f"> {HORIZON}"
        calls = "" if not np.isfinite(self.calls) else f"{self.calls:.0f}"
        return f"{self.first_day:.3f} | {days} | {calls} | {self.false:.2f}"


Rule = Callable[[str, str, float, int, np.random.Generator], Result]


def by_day(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    """The detector itself, a day of 20 x 10 at a time; it is quiet for some days first."""
    prompts = choose(FEW, noise, (old, new), how="asking")
    found, alarms, quiet = np.full(runs, np.inf), 0, 5
    for run in range(runs):
        watch = Movement(run_length=RUN_LENGTH, seed=run, method="day")
        first = prompts.draw(old, random, (REFERENCE,))
        state = watch.begin({str(k): list(map(str, first[:, k])) for k in range(FEW)})
        for day in range(quiet + HORIZON):
            today = prompts.draw(old if day < quiet else new, random, (SAMPLES,))
            state = watch.after(state, [(str(k), str(label)) for row in today for k, label in enumerate(row)])
            if state.evidence >= RUN_LENGTH and day < quiet:
                alarms += 1
            elif state.evidence >= RUN_LENGTH:
                found[run] = day - quiet + 1
                break
    return _result(found, found * CALLS, alarms / (runs * quiet))


def as_wired(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    """What `evalgate watch` asks where no log-probabilities are told, and with its share of the false alarms."""
    prompts = choose(PROMPTS, noise, (old, new), how="asking")

    def labels(serving: str, turns: int) -> dict[str, list[str]]:
        drawn = prompts.draw(serving, random, (turns,))
        return {str(k): list(map(str, drawn[:, k])) for k in range(PROMPTS)}

    return _wired(
        lambda s: labels(s, BY_TOKEN.reference), lambda s: labels(s, BY_TOKEN.turns), BY_TOKEN, old, new, runs
    )


def as_wired_with_logprobs(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    """The same where they are told: of each call the likeliest token, and the bin of its log-probability."""
    data = recorded()
    usable = [n for n in range(len(data.prompts)) if all(len(data.logprobs[s][n]) > 1 for s in (old, new))]
    # found as the watch does, among its candidates by the lead of the first token
    lead = {n: data.logprobs[old][n][0] - data.logprobs[old][n][1] for n in usable[:SEARCHED]}
    chosen = sorted(lead, key=lead.__getitem__)[:PROMPTS]

    def values(serving: str, turns: int) -> dict[str, list[tuple[str, float]]]:
        answers: dict[str, list[tuple[str, float]]] = {}
        for n in chosen:
            logits = np.array(data.logprobs[serving][n]) + noise * random.normal(
                size=(turns, len(data.logprobs[serving][n]))
            )
            best = logits.argmax(axis=1)
            answers[str(n)] = [(data.tokens[serving][n][k], float(row[k])) for row, k in zip(logits, best, strict=True)]
        return answers

    bins: dict[str, Bins] = {}

    def named(answers: dict[str, list[tuple[str, float]]]) -> dict[str, list[str]]:
        return {n: [f"{bins[n].label(value)} {token}" for token, value in some] for n, some in answers.items()}

    def reference(serving: str) -> dict[str, list[str]]:
        first = values(serving, BINNED)
        bins.update({n: Bins.around([value for _, value in some], smallest=0.005) for n, some in first.items()})
        return named(values(serving, BY_LOGPROB.reference - BINNED))

    return _wired(reference, lambda s: named(values(s, BY_LOGPROB.turns)), BY_LOGPROB, old, new, runs)


def _wired(
    reference: Callable[[str], dict[str, list[str]]],
    today: Callable[[str], dict[str, list[str]]],
    plan: OneToken,
    old: str,
    new: str,
    runs: int,
) -> Result:
    found, alarms, quiet = np.full(runs, np.inf), 0, 3
    for run in range(runs):
        watch = Movement(run_length=WIRED, seed=run, method="day")
        state = watch.begin(reference(old))
        for day in range(quiet + 4):
            some = today(old if day < quiet else new)
            state = watch.after(state, [(name, label) for name, labels in some.items() for label in labels])
            if state.evidence >= WIRED:
                alarms += day < quiet
                found[run] = max(day - quiet + 1, 1) if day >= quiet else np.inf
                break
    return _result(found, found * plan.each, alarms / (runs * quiet))


def by_calls(how: str) -> Rule:
    def rule(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
        prompts = choose(CALLS, noise, (old, new), how=how)
        watch = ManyMovements(runs, prompts, old, 10, random)
        quiet, alarmed = 30, np.zeros(runs, dtype=bool)
        for _ in range(quiet):
            alarmed |= watch.day(prompts.draw(old, random, (1, runs)))[0] >= RUN_LENGTH
        found, calls = np.full(runs, np.inf), np.full(runs, np.inf)
        for day in range(1, HORIZON + 1):
            _, along = watch.day(prompts.draw(new, random, (1, runs)))
            hit = along >= RUN_LENGTH
            now = hit.any(axis=1) & np.isinf(found)
            found[now] = day
            calls[now] = (day - 1) * CALLS + hit.argmax(axis=1)[now] + 1
        return _result(found, calls, alarmed.sum() / (runs * quiet))

    return rule


def logprobs(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    """The log-probability of the likeliest token, in bins around five answers each; label 20 is the centre."""
    data = recorded()
    usable = [n for n in range(len(data.prompts)) if data.logprobs[old][n] and data.logprobs[new][n]][:CALLS]
    values = {serving: np.array([data.logprobs[serving][n][0] for n in usable]) for serving in (old, new)}
    first = values[old] + noise * random.normal(size=(5, runs, len(usable)))
    centre = np.median(first, axis=0)
    width = np.maximum(4 * np.median(abs(first - centre), axis=0), 0.005)

    def labels(serving: str) -> NDArray[np.int64]:
        drawn = values[serving] + noise * random.normal(size=(runs, len(usable)))
        return (np.clip(np.round((drawn - centre) / width), -20, 20) + 20).astype(np.int64)

    blank = Prompts({old: np.eye(41)[np.zeros(len(usable), dtype=int)]})
    watch = ManyMovements(runs, blank, old, 0, random)
    places = np.indices((runs, len(usable)))
    for _ in range(10):
        np.add.at(watch.counts, (*places, labels(old)), 1)
    quiet, alarmed = 30, np.zeros(runs, dtype=bool)
    for _ in range(quiet):
        alarmed |= watch.day(labels(old)[None])[0] >= RUN_LENGTH
    found, calls = np.full(runs, np.inf), np.full(runs, np.inf)
    for day in range(1, 4):
        hit = watch.day(labels(new)[None])[1] >= RUN_LENGTH
        now = hit.any(axis=1) & np.isinf(found)
        found[now] = day
        calls[now] = (day - 1) * CALLS + hit.argmax(axis=1)[now] + 1
    return _result(found, calls, alarmed.sum() / (runs * quiet))


def b3it(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    prompts = choose(FEW, noise, (old, new), how="asking")
    shares = prompts.probabilities[old]
    reference = random.multinomial(100, shares, size=(runs, FEW)) / 100
    quiet = BASE + EXCLUDED + 40
    distance = np.empty((quiet + HORIZON, runs))
    for day in range(quiet + HORIZON):
        today = prompts.probabilities[old if day < quiet else new]
        counts = random.multinomial(SAMPLES, today, size=(runs, FEW)) / SAMPLES
        distance[day] = 0.5 * abs(counts - reference).sum(axis=-1).mean(axis=-1)
    outside = np.zeros((quiet + HORIZON, runs), dtype=bool)
    for day in range(BASE + EXCLUDED, quiet + HORIZON):
        base = distance[day - BASE - EXCLUDED : day - EXCLUDED]
        rise = distance[day] - base.mean(axis=0)
        outside[day] = (rise > 0.2) & (rise > 4 * base.std(axis=0))
    alarm = np.stack([outside[d - CONSECUTIVE + 1 : d + 1].all(axis=0) for d in range(CONSECUTIVE, quiet + HORIZON)])
    before = alarm[: quiet - CONSECUTIVE]
    after = alarm[quiet - CONSECUTIVE :]
    found = np.where(after.any(axis=0), after.argmax(axis=0) + 1.0, np.inf)
    return _result(found, np.full(runs, np.nan), before.sum() / (runs * 40))


def mmd(old: str, new: str, noise: float, runs: int, random: np.random.Generator) -> Result:
    prompts = choose(FEW, noise, (old, new), how="asking")
    reference = random.multinomial(SAMPLES, prompts.probabilities[old], size=(runs, FEW))
    alarms = {serving: np.zeros((0, runs), dtype=bool) for serving in (old, new)}
    for serving, days in ((old, 3), (new, 2)):
        shares = prompts.probabilities[serving]
        rows = [
            _mmd_alarm(reference, random.multinomial(SAMPLES, shares, size=(runs, FEW)), random) for _ in range(days)
        ]
        alarms[serving] = np.array(rows)
    hit = alarms[new]
    found = np.where(hit.any(axis=0), hit.argmax(axis=0) + 1.0, np.inf)
    return _result(found, np.full(runs, np.nan), float(alarms[old].mean()))


def _mmd_alarm(
    reference: NDArray[np.int64], today: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.bool_]:
    """Permutation test of sum over prompts of |p - q|^2, the MMD of single tokens under a Hamming kernel, at .001."""
    alarm = np.zeros(reference.shape[0], dtype=bool)
    for run, (then, now) in enumerate(zip(reference, today, strict=True)):
        observed = np.square(then - now).sum()
        pooled = then + now
        permuted = np.zeros(PERMUTATIONS)
        for counts in pooled[(pooled > 0).sum(axis=1) > 1]:
            drawn = random.multivariate_hypergeometric(counts[counts > 0], SAMPLES, size=PERMUTATIONS)
            permuted += np.square(2 * drawn - counts[counts > 0]).sum(axis=1)
        alarm[run] = (1 + (permuted >= observed).sum()) / (1 + PERMUTATIONS) <= 1 / RUN_LENGTH
    return alarm


RULES: dict[str, Rule] = {
    "**evalgate, 20 × 10, by day**": by_day,
    "**evalgate watch, 20 × 5**": as_wired,
    "**evalgate watch, 20 × 5, with logprobs**": as_wired_with_logprobs,
    "evalgate, 200 × 1, by calls": by_calls("asking"),
    "evalgate, first-token logprobs, 200 × 1": logprobs,
    "B3IT's rule, 20 × 10": b3it,
    "MMD, fixed window, 20 × 10": mmd,
}


def _result(found: Array, calls: Array, false: float) -> Result:
    return Result(float((found <= 1).mean()), float(np.median(found)), float(np.median(calls)), 1000 * float(false))


def _counts(labels: NDArray[np.int64]) -> dict[str, int]:
    return {str(label): int(n) for label, n in zip(*np.unique(labels, return_counts=True), strict=True)}


def stability_table(runs: int) -> None:
    """A mix of replicas of F16 and Q4_0: what the reference says, and what a burst after an alarm is called."""
    print(
        "\n| F16 with a share of Q4_0 | noise | disagreement with itself | a burst after a move to this mix is named |"
    )
    print("| --: | --: | --: | --- |")
    random = np.random.default_rng(5)
    for noise in (0.0, 0.1):
        prompts = choose(FEW, noise, ("f16", "q4_0"), how="any")
        for share in (0.0, 0.1, 0.3, 0.5, 1.0):
            named: dict[str, int] = {}
            disagreement = []
            for _ in range(runs // 10):
                old, new = (prompts.draw(s, random, (20,)) for s in ("f16", "q4_0"))
                mixed = np.where(random.random(old.shape) < share, new, old)
                before = {str(k): _counts(old[:, k]) for k in range(FEW)}
                burst = [(str(k), str(mixed[t, k])) for t in range(SAMPLES) for k in range(FEW)]
                name = name_movement(before, burst)
                named[name] = named.get(name, 0) + 1
                disagreement.append(self_disagreement({str(k): mixed[:, k].tolist() for k in range(FEW)}))
            total = sum(named.values())
            words = ", ".join(f"{name} {n / total:.2f}" for name, n in sorted(named.items()))
            print(f"| {share:.1f} | {noise} | {np.mean(disagreement):.2f} (unstable above {UNSTABLE}) | {words} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 runs a cell, two swaps")
    parser.add_argument("--only", default="", help="rules whose name contains this")
    options = parser.parse_args()
    runs = 20 if options.quick else 200
    began = time.perf_counter()
    print("| noise, nats | swap | rule | day 1 | days | calls | false / 1,000 d |")
    print("| --: | --- | --- | --: | --: | --: | --: |")
    for noise in NOISES:
        for old, new in SWAPS[:2] if options.quick else SWAPS:
            for name, rule in ((name, rule) for name, rule in RULES.items() if options.only in name):
                result = rule(old, new, noise, runs, np.random.default_rng(1))
                print(f"| {noise} | {old} → {new} | {name} | {result.row()} |", flush=True)
    if not options.only:
        stability_table(runs)
    print(f"\n({time.perf_counter() - began:.0f} s)")


if __name__ == "__main__":
    main()
