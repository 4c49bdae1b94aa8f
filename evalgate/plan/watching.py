"""What keeping greens proven takes: calls and dollars a month, how seldom it errs, and how soon it finds what.

The delays are simulated with the very detector that watches, at the flip rate that the store has seen of a variant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from evalgate import stats
from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.gate import OperationBoard, Policy, Usage
from evalgate.plan.contest import Contest
from evalgate.plan.forecast import FLIP_RATE, assumed_usage, known_usage
from evalgate.suite import Suite
from evalgate.suite.models import Detector, Watch

DAY = 86_400.0
MONTH = 30.0  # days
DROPS = (0.02, 0.05, 0.10)
CERTIFIED = 400  # cases that a certification is taken to rest on, where none is known
LEAST, MOST = 10, 50  # cases a day, where the suite leaves it open: a tenth of those that a certification took
MOVEMENTS: tuple[Detector, ...] = ("flips", "other_metrics", "length", "refusal", "truncation", "prompt_tokens")
REQUIRED, MOVED = "at least: ", "moved: "  # what a detector's name begins with; a deciding metric's is its own
_SCORES_SHARE = 0.5  # of the false alarms that are allowed: scores are what it is about
_SHARES = {"flips": 2.0, "first_tokens": 2.0}  # of the rest; 1 each for what is seldom the first to tell
PROMPTS, SEARCHED = 20, 200  # that are asked for first tokens, and candidates among which they are found
_PROMPT = 20.0  # tokens of a prompt of first tokens, at a guess: few words, and what a chat template adds
BINNED = 10  # of a reference: around those the bins of a log-probability are laid
_RUNS = 200


@dataclass(frozen=True, slots=True)
class OneToken:
    """One-token calls to one variant: to each candidate `tries`, then to each prompt `reference`, `turns` a round."""

    tries: int
    reference: int
    turns: int

    @property
    def begin(self) -> int:
        """Calls when a watch begins: the search, and the reference."""
        return SEARCHED * self.tries + PROMPTS * self.reference

    @property
    def each(self) -> int:
        """Calls in each round after that."""
        return PROMPTS * self.turns


BY_TOKEN = OneToken(tries=3, reference=50, turns=5)
BY_LOGPROB = OneToken(tries=1, reference=60, turns=5)  # where an endpoint tells log-probabilities


@dataclass(frozen=True, slots=True)
class VariantWatch:
    """What watching one variant takes in a month, apart from the baseline's answers, and the days to find a drop.

    `known`: the flip rate is that of an earlier check; else it is assumed. `one_token_calls` are those of first tokens,
    as many as it takes where no log-probabilities are told; `dollars` have them in it.
    """

    variant: str
    flip_rate: float
    known: bool
    calls: float
    one_token_calls: float
    dollars: Decimal
    delays: Mapping[float, stats.Delay]


@dataclass(frozen=True, slots=True)
class WatchForecast:
    """What watching one operation takes. `every` in days; `run_length`: days between two false alarms of a variant,
    at least. `better`: a schedule that was asked for, for each watched variant alike; `wanted` says what for.
    """

    operation: str
    cases_per_day: float
    every: float
    run_length: float
    baseline_calls: float
    baseline_dollars: Decimal
    variants: tuple[VariantWatch, ...]
    wanted: str = ""
    better: stats.Schedule | None = None
    better_dollars: Decimal | None = None

    @property
    def calls(self) -> float:
        """A month, for all sides, of full length."""
        return self.baseline_calls + sum(side.calls for side in self.variants)

    @property
    def one_token_calls(self) -> float:
        """A month, for all variants."""
        return sum(side.one_token_calls for side in self.variants)

    @property
    def dollars(self) -> Decimal:
        """A month, for all sides."""
        return self.baseline_dollars + sum((side.dollars for side in self.variants), Decimal(0))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a schedule is to be found for: the soonest for `budget` (USD a month), or the cheapest within `delay` days.

    `drop` is what is to be found.
    """

    drop: float
    budget: Decimal | None = None
    delay: float | None = None


def run_lengths(policy: Policy, rules: Watch) -> Mapping[str, float]:
    """The run length that each detector of a variant gets, in rounds; all of them together keep what the suite states.

    Scores get half of the false alarms, and share them by metric; what else is looked at shares the other half, of
    which flips and first tokens, which tell the soonest, get twice as much as each of the others.
    """
    detectors = detectors_of(rules)
    names = [*policy.metrics, *(f"{REQUIRED}{metric}" for metric in policy.min_score)]
    scores = names if "scores" in detectors else []
    moved = {f"{MOVED}{name}": _SHARES.get(name, 1.0) for name in (*MOVEMENTS, "first_tokens") if name in detectors}
    of_scores = (_SCORES_SHARE if moved else 1.0) if scores else 0.0
    shares = {name: of_scores / len(scores) for name in scores}
    shares |= {name: (1 - of_scores) * share / sum(moved.values()) for name, share in moved.items()}
    rounds = rules.run_length * DAY / rules.every.total_seconds()
    return stats.share_run_length(max(rounds, 1.0), shares) if shares else {}


def detectors_of(rules: Watch) -> Sequence[Detector]:
    """What is looked at; all, unless the suite says otherwise."""
    return rules.detectors or ("scores", *MOVEMENTS, "first_tokens", "served_model", "fingerprint")


def cases_per_day(suite: Suite, certified: Iterable[int]) -> int:
    """Cases that a day has; `certified` are the units that the certifications of those who are watched took.

    Where the suite leaves it open, a tenth of the longest: then a month of watching takes a tenth of the calls of a
    month of certifying daily.
    """
    if (stated := suite.gate.watch.cases_per_day) is not None:
        return stated
    cases = max(certified, default=CERTIFIED) * len(suite.cases) / len(suite.units)
    return min(max(round(cases / 10), LEAST), MOST)


def watch_forecast(contest: Contest, earlier: Sequence[OperationBoard] = (), wish: Wish | None = None) -> WatchForecast:
    """What watching the greens of `contest` takes: those of the newest of `earlier` boards, or else all its variants.

    Raises `InputError` where there is nobody to watch.
    """
    suite, rules = contest.suite, contest.suite.gate.watch
    every = rules.every.total_seconds() / DAY
    watched = _greens(contest, earlier)
    known, guess = known_usage(earlier), assumed_usage(contest)
    a_day = cases_per_day(suite, (cases for _, cases in watched.values()))
    calls = a_day * MONTH * suite.file.repeats
    one_token = _one_token_calls(contest, every) if "first_tokens" in detectors_of(rules) else 0.0
    lengths = run_lengths(contest.policy, rules)
    length = min((lengths[metric] for metric in contest.policy.metrics if metric in lengths), default=rules.run_length)
    sides = []
    for name, (endpoint, cases) in watched.items():
        seen = known.get(endpoint.config)
        rate, usage = seen or (FLIP_RATE, guess)
        delays = {drop: _delay(contest, drop, rate, a_day * every, cases, length, every) for drop in DROPS}
        dollars = _price(endpoint, usage, calls) + endpoint.cost(_PROMPT, 1.0) * Decimal(str(one_token))
        sides.append(VariantWatch(name, rate, seen is not None, calls, one_token, dollars, delays))
    _, usage = known.get(contest.baseline.config, (0.0, guess))
    told = WatchForecast(
        operation=suite.operation,
        cases_per_day=a_day,
        every=every,
        run_length=rules.run_length,
        baseline_calls=calls,
        baseline_dollars=_price(contest.baseline, usage, calls),
        variants=tuple(sides),
    )
    return told if wish is None else _with_wish(told, wish, contest, length * every)


def _with_wish(told: WatchForecast, wish: Wish, contest: Contest, run_length: float) -> WatchForecast:
    variants = len(told.variants)
    per_case = 1 + 1 / variants
    dollars_per_case = told.dollars / Decimal(str(told.cases_per_day * MONTH))
    calls = None
    if wish.budget is not None:
        cases = float(wish.budget / dollars_per_case) if dollars_per_case else float("inf")
        calls = min(cases, 1e6) * per_case
        wanted = f"the soonest for {wish.budget:f} USD a month"
    else:
        wanted = f"the cheapest that finds it within {wish.delay:g} days"
    better = stats.best_schedule(
        wish.drop,
        median(side.flip_rate for side in told.variants),
        calls_a_month=calls,
        delay=wish.delay,
        calls_per_case=per_case,
        run_length=run_length,
        margin=contest.policy.margin,
        runs=_RUNS,
    )
    cost = None if better is None else dollars_per_case * Decimal(str(better.cases * MONTH / better.every))
    return WatchForecast(
        **{name: getattr(told, name) for name in told.__slots__ if name not in ("wanted", "better", "better_dollars")},
        wanted=f"a drop of {wish.drop:g}: {wanted}",
        better=better,
        better_dollars=cost,
    )


def _greens(contest: Contest, earlier: Iterable[OperationBoard]) -> dict[str, tuple[Endpoint, int]]:
    """Who is green by the newest verdict on it, with the cases that it took; where nobody was checked, all."""
    newest: dict[str, tuple[str, int]] = {}
    for board in earlier:
        for verdict in board.verdicts:
            newest.setdefault(verdict.variant.config, (verdict.outcome, verdict.cases))
    if not any(endpoint.config in newest for endpoint in contest.variants.values()):
        return {name: (endpoint, CERTIFIED) for name, endpoint in contest.variants.items()}
    greens = {}
    for name, endpoint in contest.variants.items():
        outcome, cases = newest.get(endpoint.config, ("", 0))
        if outcome == "green":
            greens[name] = (endpoint, cases)
    if not greens:
        raise InputError(f"{contest.suite.operation}: no variant is green, so there is nobody to watch")
    return greens


def _delay(
    contest: Contest, drop: float, flip_rate: float, cases: float, certified: int, length: float, every: float
) -> stats.Delay:
    """In days; rounds that are not whole days apart are simulated as such, and counted in days afterwards."""
    whole_days = every >= 1 and every == int(every)
    step = int(every) if whole_days else 1
    found = stats.detection_delay(
        drop,
        flip_rate,
        max(1, round(cases)),
        certified=max(certified, 1),
        run_length=length * step,
        every=step,
        margin=contest.policy.margin,
        runs=_RUNS,
    )
    if whole_days:
        return found
    return stats.Delay(found.mean * every, found.median * every, found.p90 * every, found.found)


def _one_token_calls(contest: Contest, every: float) -> float:
    """A month, with the share of the beginning that falls on it."""
    months = contest.suite.gate.watch.certify_every.total_seconds() / DAY / MONTH
    return BY_TOKEN.each * MONTH / every + BY_TOKEN.begin / max(months, 1.0)


def _price(endpoint: Endpoint, usage: Usage, calls: float) -> Decimal:
    return endpoint.cost(usage.input_tokens or 0.0, usage.output_tokens or 0.0) * Decimal(str(calls))
