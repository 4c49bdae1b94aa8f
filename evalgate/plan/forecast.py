"""What a check will take, before a cent is spent: cases, calls, tokens, dollars, minutes, and what it can prove at all.

The figures come from the statistics' own simulation of the test that will run. What is known from earlier runs (how
often a variant flips, how long its answers are, how fast it is) is used; what is not is assumed, and both are said.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import fmean, median

from evalgate import stats
from evalgate.catalog import Endpoint
from evalgate.exchange.tokens import BYTES_PER_TOKEN, prompt_bytes
from evalgate.gate import OperationBoard, Policy, Trying, Usage
from evalgate.plan import Contest

FLIP_RATE = 0.05  # assumed of a variant that nobody has seen yet
OUTPUT_TOKENS = 256  # assumed where the suite names no max_tokens
LATENCY_SECONDS = 1.0
SAMPLED_PROMPTS = 50


@dataclass(frozen=True, slots=True)
class VariantForecast:
    """What judging one variant takes, apart from the baseline's answers, which all variants share.

    `cases_mean` and `cases_p90` are of a variant that is as good as the baseline; `cases_worst` is all there are.
    `known`: flip rate, tokens and latency are those of an earlier run; otherwise they are assumed. `trying` is the
    number of the try and the alpha that it is charged, None for the baseline; `e_needed` the e-value that green takes
    where all who are judged are as good as the baseline.
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
    trying: Trying | None = None
    e_needed: float = 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one operation takes. `smallest_margin` is what its cases certify nine times in ten, at the median flip rate.

    `least_cases` is what a variant needs to be proven green that never differs from the baseline, if others do not
    either; None where no number of cases is enough.
    """

    operation: str
    policy: Policy
    available: int
    family: int
    least_cases: int | None
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
        return self.least_cases is not None and self.available >= self.least_cases


def forecast(contest: Contest, earlier: Iterable[OperationBoard] = ()) -> Forecast:
    """What `contest` takes; `earlier` are boards of the same operation, the newest first."""
    suite, policy, record = contest.suite, contest.policy, contest.record()
    available = len(contest.units)
    per_unit = len(contest.cases) / available * policy.repeats
    known, guess = known_usage(earlier), assumed_usage(contest)
    expected = record.expected()
    sides = []
    for name, endpoint in contest.variants.items():
        charge, e_needed = expected[name]
        seen = known.get(endpoint.config)
        flip_rate, usage = seen or (FLIP_RATE, guess)
        errors = e_needed, policy.beta, policy.red_margin
        needed = _cases_needed(policy.margin, flip_rate, *errors, available, charge.deadline, _population(contest))
        cases = (needed.mean, needed.p90, 1 - needed.inconclusive)
        side = _side(endpoint, cases, available, per_unit, flip_rate, usage, known=seen is not None)
        sides.append(replace(side, trying=Trying(charge.number, charge.level, charge.arrival), e_needed=e_needed))
    most = max((side.cases_mean for side in sides), default=0.0)
    e_least = min((side.e_needed for side in sides), default=1 / policy.alpha)
    floor = least_cases(policy, available, _population(contest), 1 / policy.alpha)
    again = min(available, floor or available) if policy.baseline_check else 0
    shared = (most + again, float(available), 1.0)
    _, usage = known.get(contest.baseline.config, (0.0, guess))
    asked_twice = available * (1 + policy.baseline_check)
    baseline = _side(
        contest.baseline, shared, asked_twice, per_unit, 0.0, usage, known=contest.baseline.config in known
    )
    return Forecast(
        operation=suite.operation,
        policy=policy,
        available=available,
        family=record.family_size if policy.control == "family" else 1,
        least_cases=least_cases(policy, available, _population(contest), e_least),
        smallest_margin=smallest_margin(
            policy, available, _population(contest), e_least, median(side.flip_rate for side in sides)
        ),
        baseline=baseline,
        variants=tuple(sides),
    )


def _population(contest: Contest) -> int | None:
    """All of a finite suite, also where max_cases asks less."""
    return len(contest.suite.units) if contest.policy.claim == "suite" else None


def smallest_margin(
    policy: Policy, available: int, population: int | None, e_value: float, flip_rate: float = FLIP_RATE
) -> float:
    """What `available` units certify at `e_value` nine times in ten; `population` are all of a finite suite."""
    return stats.smallest_margin(
        available,
        flip_rate,
        alpha=1 / e_value,
        beta=policy.beta,
        claim=policy.claim,
        population=population,
        red_margin=policy.red_margin,
        deadline=available,
    )


def least_cases(policy: Policy, available: int, population: int | None, e_value: float) -> int | None:
    """The units that prove green at `e_value` where nothing ever differs; None where no number of them does."""
    design: stats.Design = {
        "claim": policy.claim,
        "population": population,
        "red_margin": policy.red_margin,
        "deadline": available,
        "goal": e_value,
    }
    return stats.minimum_further_cases([], margin=policy.margin, threshold_green=e_value, **design).green


def require_support(contest: Contest, told: Forecast) -> None:
    """Raise `InputError` for a gate that its suite cannot support, naming the ways out."""
    if told.supported:
        return
    least = told.least_cases
    needs = "can never be" if least is None else f"needs {least}"
    more = "" if least is None else f"more cases (at least {least}); "
    message = (
        f"margin {told.policy.margin:g} cannot be proven with {told.available} cases: even a variant that never "
        f"differs {needs}. Ways out: {more}a wider margin (these cases certify {told.smallest_margin:g}); or claim: "
        "suite, if the proof may be about these cases alone"
    )
    raise contest.suite.error(message, "gate", "margin")


@functools.lru_cache(maxsize=1024)
def _cases_needed(
    margin: float,
    flip_rate: float,
    e_value: float,
    beta: float,
    red_margin: float,
    available: int,
    deadline: int,
    population: int | None,
) -> stats.CasesNeeded:
    """Simulated once for all variants and operations that have the same figures."""
    return stats.cases_needed(
        margin,
        flip_rate,
        alpha=1 / e_value,
        beta=beta,
        max_cases=available,
        claim="traffic" if population is None else "suite",
        population=population,
        red_margin=red_margin,
        deadline=deadline,
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
    tokens_in, tokens_out = usage.input_tokens or 0.0, usage.output_tokens or 0.0
    one = endpoint.cost(tokens_in, tokens_out)
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
        tokens=calls * (tokens_in + tokens_out),
        dollars=one * Decimal(str(round(calls, 3))),
        dollars_worst=one * Decimal(str(round(worst * per_unit, 3))),
        minutes=seconds / 60,
    )


def known_usage(earlier: Iterable[OperationBoard]) -> Mapping[str, tuple[float, Usage]]:
    """Flip rate and usage by config hash: an endpoint that was changed is another endpoint."""
    known: dict[str, tuple[float, Usage]] = {}
    for board in earlier:
        for verdict in board.verdicts:
            if verdict.cases and verdict.usage.cost_usd is not None:
                rate = max((metric.broke + metric.fixed) / verdict.cases for metric in verdict.metrics)
                known.setdefault(verdict.variant.config, (rate, verdict.usage))
                known.setdefault(board.baseline.config, (0.0, verdict.baseline_usage))
    return known


def assumed_usage(contest: Contest) -> Usage:
    """What answers of an endpoint that nobody has asked may be like."""
    prompts = [prompt_bytes(contest.suite.request(case)) for case in contest.cases[:SAMPLED_PROMPTS]]
    generation = contest.suite.file.generation
    return Usage(
        answers=0,
        failed=0,
        truncated=0.0,
        kinds={},
        input_tokens=fmean(prompts) / BYTES_PER_TOKEN,
        output_tokens=float(generation.max_tokens or generation.max_completion_tokens or OUTPUT_TOKENS),
        tokens="estimated",
        cost_usd=None,
        latency_ms_p50=LATENCY_SECONDS * 1000,
        reasoning=0.0,
        oldest=0.0,
    )
