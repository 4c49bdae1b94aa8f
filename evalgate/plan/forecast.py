"""What a check will take, before a cent is spent: cases, calls, tokens, dollars, minutes, and what it can prove at all.

The figures come from the statistics' own simulation of the test that will run. What is known from earlier runs (how
often a variant flips, how long its answers are, how fast it is) is used; what is not is assumed, and both are said.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, median

from evalgate import stats
from evalgate.catalog import Endpoint
from evalgate.exchange import Request
from evalgate.gate import OperationBoard, Usage
from evalgate.plan import Contest

FLIP_RATE = 0.05  # assumed of a variant that nobody has seen yet
OUTPUT_TOKENS = 256  # assumed where the suite names no max_tokens
CHARACTERS_PER_TOKEN = 4
LATENCY_SECONDS = 1.0
SAMPLED_PROMPTS = 50


@dataclass(frozen=True, slots=True)
class VariantForecast:
    """What judging one variant takes, apart from the baseline's answers, which all variants share.

    `cases_mean` and `cases_p90` are of a variant that is as good as the baseline; `cases_worst` is all there are.
    `known`: flip rate, tokens and latency are those of an earlier run; otherwise they are assumed.
    """

    variant: str
    flip_rate: float
    known: bool
    cases_mean: float
    cases_p90: float
    cases_worst: int
    chance_of_verdict: float
    calls: float
    tokens: float
    dollars: Decimal
    dollars_worst: Decimal
    minutes: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one operation takes. `smallest_margin` is what its cases certify nine times in ten, at the median flip rate.

    `least_cases` is what the first of the family needs to be proven green if it never differs from the baseline.
    """

    operation: str
    margin: float
    available: int
    family: int
    least_cases: int
    smallest_margin: float
    baseline: VariantForecast
    variants: tuple[VariantForecast, ...]

    @property
    def dollars(self) -> Decimal:
        """Expected, for all sides."""
        return sum((side.dollars for side in (self.baseline, *self.variants)), Decimal(0))

    @property
    def dollars_worst(self) -> Decimal:
        """When every case is asked of everybody."""
        return sum((side.dollars_worst for side in (self.baseline, *self.variants)), Decimal(0))

    @property
    def calls(self) -> float:
        """Expected, for all sides."""
        return sum(side.calls for side in (self.baseline, *self.variants))

    @property
    def minutes(self) -> float:
        """Expected, when the sides are asked at the same time."""
        return max(side.minutes for side in (self.baseline, *self.variants))

    @property
    def supported(self) -> bool:
        """Whether any variant could be proven green, even one that never flips."""
        return self.available >= self.least_cases


def forecast(contest: Contest, earlier: Iterable[OperationBoard] = ()) -> Forecast:
    """What `contest` takes; `earlier` are boards of the same operation, the newest first."""
    suite, gate = contest.suite, contest.suite.gate
    available, repeats = len(contest.units), suite.file.repeats
    per_unit = len(contest.cases) / available * repeats
    family = contest.family if gate.control == "family" else 1
    alpha = gate.alpha / family  # the first of the family is asked for the most
    population = len(suite.units) if gate.claim == "suite" else None  # all of it, also where max_cases asks less
    design: stats.Design = {"claim": gate.claim, "population": population, "red_margin": gate.red_margin}
    known = _known(earlier)
    guess = _guess(contest)
    sides = []
    for endpoint in contest.variants.values():
        seen = known.get(endpoint.config)
        flip_rate, usage = seen or (FLIP_RATE, guess)
        needed = _cases_needed(gate.margin, flip_rate, alpha, gate.beta, available, gate.red_margin, population)
        cases = (needed.mean, needed.p90, 1 - needed.inconclusive)
        sides.append(_side(endpoint, cases, available, per_unit, flip_rate, usage, known=seen is not None))
    most = max((side.cases_mean for side in sides), default=0.0)
    checked = stats.minimum_further_cases([], margin=gate.margin, threshold_green=1 / gate.alpha, **design).green
    again = min(available, checked or available) if gate.baseline_check else 0
    shared = (most + again, float(available), 1.0)
    _, usage = known.get(contest.baseline.config, (0.0, guess))
    baseline = _side(
        contest.baseline, shared, available * (1 + gate.baseline_check), per_unit, 0.0, usage, known=bool(known)
    )
    floor = stats.minimum_further_cases([], margin=gate.margin, threshold_green=1 / alpha, **design).green
    return Forecast(
        operation=suite.operation,
        margin=gate.margin,
        available=available,
        family=family,
        least_cases=floor if floor is not None else available + 1,
        smallest_margin=stats.smallest_margin(
            available, median(side.flip_rate for side in sides), alpha=alpha, beta=gate.beta, **design
        ),
        baseline=baseline,
        variants=tuple(sides),
    )


def require_support(contest: Contest, told: Forecast) -> None:
    """Raise `InputError` for a gate that its suite cannot support, naming the ways out."""
    if told.supported:
        return
    suite = contest.suite
    family = f" for the first of {told.family} variants (control: family)" if told.family > 1 else ""
    message = (
        f"margin {told.margin:g} cannot be proven with {told.available} cases: even a variant that never differs needs "
        f"{told.least_cases}{family}. Three ways out: more cases (at least {told.least_cases}); a wider margin (these "
        f"cases certify {told.smallest_margin:g}); or claim: suite, if the proof may be about these cases alone"
    )
    raise suite.error(message, "gate", "margin")


@functools.lru_cache(maxsize=1024)
def _cases_needed(
    margin: float,
    flip_rate: float,
    alpha: float,
    beta: float,
    available: int,
    red_margin: float,
    population: int | None,
) -> stats.CasesNeeded:
    """Simulated once for all variants and operations that have the same figures."""
    return stats.cases_needed(
        margin,
        flip_rate,
        alpha=alpha,
        beta=beta,
        max_cases=available,
        claim="traffic" if population is None else "suite",
        population=population,
        red_margin=red_margin,
    )


def _side(
    endpoint: Endpoint,
    cases: tuple[float, float, float],
    worst: int,
    per_unit: float,
    flip_rate: float,
    usage: Usage,
    *,
    known: bool,
) -> VariantForecast:
    mean, p90, chance = cases
    one = endpoint.cost(usage.input_tokens, usage.output_tokens)
    calls = mean * per_unit
    seconds = calls * usage.latency_ms_p50 / 1000 / endpoint.provider.concurrency
    return VariantForecast(
        variant=endpoint.id,
        flip_rate=flip_rate,
        known=known,
        cases_mean=mean,
        cases_p90=p90,
        cases_worst=worst,
        chance_of_verdict=chance,
        calls=calls,
        tokens=calls * (usage.input_tokens + usage.output_tokens),
        dollars=one * Decimal(str(round(calls, 3))),
        dollars_worst=one * Decimal(str(round(worst * per_unit, 3))),
        minutes=seconds / 60,
    )


def _known(earlier: Iterable[OperationBoard]) -> Mapping[str, tuple[float, Usage]]:
    """Flip rate and usage by config hash: an endpoint that was changed is another endpoint."""
    known: dict[str, tuple[float, Usage]] = {}
    for board in earlier:
        for verdict in board.verdicts:
            if verdict.cases:
                rate = max((metric.broke + metric.fixed) / verdict.cases for metric in verdict.metrics)
                known.setdefault(verdict.variant.config, (rate, verdict.usage))
                known.setdefault(board.baseline.config, (0.0, verdict.baseline_usage))
    return known


def _guess(contest: Contest) -> Usage:
    """What answers of an endpoint that nobody has asked may be like."""
    prompts = [_characters(contest.suite.request(case)) for case in contest.cases[:SAMPLED_PROMPTS]]
    tokens_in = fmean(prompts) / CHARACTERS_PER_TOKEN
    generation = contest.suite.file.generation
    tokens_out = float(generation.max_tokens or generation.max_completion_tokens or OUTPUT_TOKENS)
    return Usage(0, 0, 0.0, tokens_in, tokens_out, 0.0, LATENCY_SECONDS * 1000, 0.0)


def _characters(request: Request) -> int:
    if isinstance(request.prompt, str):
        return len(request.prompt)
    return sum(len(message.content) for message in request.prompt)
