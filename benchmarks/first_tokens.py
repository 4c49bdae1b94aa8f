"""One-token calls to the lab's servings, drawn from what `evalgate lab record-border` recorded.

The lab's engine repeats itself to the last bit, also when it decodes a prompt in other blocks; real servers do not. So
a call draws: to the logit of each of the four likeliest tokens comes normal noise of a stated size (in nats), and the
largest wins. Zero noise is the lab as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalgate.lab.border import FirstTokens, read_first_tokens
from evalgate.stats import border_prompts
from evalgate.stats.moved import POWERS, bet_factors, calibrated, permutation_p_value, rarity_ranks

Array = NDArray[np.float64]
DATA = Path(__file__).parent / "data" / "first-tokens.json.gz"
WATCHED, TURNS = 20, 5  # prompts of the watch in `stayed_green.py`, and how often each is asked a day
REFERENCE = 50  # answers to each, before it begins
PERMUTATIONS = 16_000
NOISE = 0.05
_ASKED = 5  # times each candidate is asked when prompts are looked for
_DRAWS = 2000  # of the noise, from which the probabilities of first tokens are computed


@cache
def recorded() -> FirstTokens:
    return read_first_tokens(DATA)


@dataclass(frozen=True)
class Prompts:
    """P(first token), (prompts, labels) for each serving; label 0 is the likeliest of the first serving."""

    probabilities: dict[str, Array]

    def draw(self, serving: str, random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Labels, shape (*shape, prompts)."""
        ends = self.probabilities[serving].cumsum(axis=-1)
        return (random.random((*shape, ends.shape[0], 1)) > ends).sum(axis=-1).clip(max=ends.shape[-1] - 1)


@cache
def probabilities(noise: float, servings: tuple[str, ...]) -> tuple[tuple[int, ...], dict[str, Array]]:
    """For every candidate that ranks tokens everywhere: its number, and P(label) by serving, (candidates, labels)."""
    data = recorded()
    random = np.random.default_rng(7)
    usable = tuple(n for n in range(len(data.prompts)) if all(len(data.tokens[s][n]) == 4 for s in servings))
    names: list[dict[str, int]] = [{} for _ in usable]
    ids = {
        s: np.array([[names[k].setdefault(t, len(names[k])) for t in data.tokens[s][n]] for k, n in enumerate(usable)])
        for s in servings
    }
    width = max(map(len, names))
    result = {}
    for serving in servings:
        logits = np.array([data.logprobs[serving][n] for n in usable])
        won = np.zeros((len(usable), width))
        draws = _DRAWS if noise else 1
        for _ in range(draws):
            best = (logits + noise * random.normal(size=logits.shape)).argmax(axis=-1)
            won[np.arange(len(usable)), ids[serving][np.arange(len(usable)), best]] += 1
        result[serving] = won / draws
    return usable, result


def choose(count: int, noise: float, servings: tuple[str, ...], *, how: str, seed: int = 3) -> Prompts:
    """`count` prompts found with the first serving: how = 'gaps' (its logprobs), 'asking' (five times), or 'any'."""
    data = recorded()
    usable, every = probabilities(noise, servings)
    old = servings[0]
    order = list(range(len(usable)))
    if how != "any":
        drawn = Prompts(every).draw(old, np.random.default_rng(seed), (_ASKED,))
        answers = {str(k): [str(label) for label in drawn[:, k]] for k in order}
        gaps = {str(k): data.logprobs[old][n][0] - data.logprobs[old][n][1] for k, n in enumerate(usable)}
        order = [int(k) for k in border_prompts(answers, count, gaps=gaps if how == "gaps" else None)]
    chosen = np.array(order[:count])
    kept = {s: p[chosen] for s, p in every.items()}
    width = max(int(np.flatnonzero(p.sum(axis=0))[-1]) + 1 for p in kept.values())
    return Prompts({s: p[:, :width] for s, p in kept.items()})


class ManyMovements:
    """The detector of `Movement` for many runs at once, each prompt asked once a turn."""

    def __init__(self, runs: int, prompts: Prompts, old: str, reference: int, random: np.random.Generator) -> None:
        self.prompts, self.old, self.reference, self.random = prompts, old, reference, random
        labels = prompts.probabilities[old].shape
        self.counts = np.zeros((runs, *labels), dtype=np.int64)
        self.sums = np.zeros((runs, bet_factors(np.array(0.5)).size))
        self.begin(np.arange(runs))

    def begin(self, who: NDArray[np.int64], serving: str | None = None) -> None:
        """A new reference for these runs."""
        shares = self.prompts.probabilities[serving or self.old]
        self.counts[who] = self.random.multinomial(self.reference, shares, size=(who.size, shares.shape[0]))
        self.sums[who] = 0.0

    def day(self, labels: NDArray[np.int64], turns: int = 1) -> tuple[Array, Array]:
        """Evidence (runs,) after a day, and after each call of it (runs, calls); `labels` (turns, runs, prompts)."""
        self.sums += 1.0
        along = []
        for turn in range(turns):
            ranks = rarity_ranks(self.counts, labels[turn], self.random.random(labels[turn].shape))
            logs = np.log(bet_factors(ranks)).cumsum(axis=1)
            along.append((self.sums[:, None, :] * np.exp(np.minimum(logs, 300.0))).mean(axis=-1))
            self.sums = np.minimum(self.sums * np.exp(np.minimum(logs[:, -1], 300.0)), 1e100)
            runs, prompts = np.indices(labels[turn].shape)
            self.counts[runs, prompts, labels[turn]] += 1
        return self.sums.mean(axis=-1), np.concatenate(along, axis=-1)


@cache
def p_values(share: float, count: int = 200) -> Array:
    """P-values of the day on which a share of the calls to WATCHED prompts begins to come from Q4_0, not Q8_0."""
    random = np.random.default_rng(23)
    prompts = choose(WATCHED, NOISE, ("q8_0", "q4_0"), how="asking")
    old, new = (prompts.probabilities[serving] for serving in ("q8_0", "q4_0"))
    values = []
    for _ in range(count):
        before = random.multinomial(REFERENCE, old)
        today = random.multinomial(TURNS, (1 - share) * old + share * new)
        tables = [np.array(pair) for pair in zip(before, today, strict=True)]
        values.append(permutation_p_value(tables, PERMUTATIONS, random))
    return np.array(values)


class ManyBorders:
    """Border prompts by day, for many runs: Q8_0 was certified, and what moves is Q4_0.

    P-values are uniform while nothing moves; else drawn from `p_values`, as on the first day of a move.
    """

    def __init__(self, runs: int, run_length: float, random: np.random.Generator) -> None:
        self.sums, self.run_length, self.random = np.zeros((runs, 1 + len(POWERS))), run_length, random
        self.certified, self.last = np.zeros(runs), np.zeros(runs)

    def begin(self, who: NDArray[np.int64]) -> None:
        """Certified again: what answered then is the new reference."""
        self.sums[who] = 0.0
        self.certified[who] = self.last[who]

    def day(self, moved: Array) -> Array:
        """Evidence, (runs,); `moved` (runs,): the share of calls answered by Q4_0."""
        self.last = moved
        away = np.round(abs(moved - self.certified), 1)
        values = 1.0 - self.random.random(moved.size)
        for share in np.unique(away[away > 0]):
            who = np.flatnonzero(away == share)
            values[who] = self.random.choice(p_values(float(share)), who.size)
        self.sums = np.minimum((self.sums + 1.0) * calibrated(values, self.run_length), 1e200)
        return np.asarray(0.5 * self.sums[:, 0] + 0.5 * self.sums[:, 1:].mean(axis=-1))
