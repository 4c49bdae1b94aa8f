"""First tokens: is it still the same model that answers? One-token calls at temperature 0, to one variant, each round.

When the watch of a variant begins, prompts are looked for whose answer is the easiest to turn over: cases of the suite
on which some variant differed, and short ones of common words. Twenty of them are asked fifty times, which is what is
held against a few calls to each in every later round (`stats.Movement`, by day). Where the endpoint tells
log-probabilities, the prompts are found by them, and an answer is its token and the bin of its log-probability.

Different is not worse: it suspends. After an alarm each prompt is asked ten times more, which tells a model that was
changed from a mix of replicas. Who cannot be watched so (no answer of one token, replicas that never agreed) is not,
and is told of once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evalgate import stats
from evalgate.catalog import Endpoint
from evalgate.collect import Budget, BudgetSpentError, Crew
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import ROUND, Answer, JsonValue, Message, Question, Request
from evalgate.exchange.tokens import prompt_bytes
from evalgate.plan import Contest
from evalgate.plan.watching import BINNED, BY_LOGPROB, BY_TOKEN, PROMPTS, SEARCHED, OneToken
from evalgate.providers import require_askable
from evalgate.suite import Suite
from evalgate.watch.alarm import Alarm, State, times

DETECTOR = "first_tokens"
PATIENCE = 3  # rounds in which not even prompts were found
BURST = 10  # calls to each prompt after an alarm
OWN, LONGEST = 40, 2000  # cases of the suite among the candidates; bytes of a prompt, for a token in is paid, too
_PLACE = 500  # of a round's repeats: those before are of its cases
_OF_CASE = "case: "
_SMALLEST_BIN = 0.005  # nats
_WORDS = {
    "steady": "and as before when they were asked again",
    "changed": "changed as a whole",
    "unstable": "unstable: old and new answers side by side, as of replicas that differ",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a round: the detector's state after it, an alarm, and what is to be said of it once."""

    state: State
    alarm: Alarm | None = None
    note: str = ""


class FirstTokens:
    """The first tokens of one variant, in the round `number`."""

    def __init__(self, contest: Contest, endpoint: Endpoint, collector: Crew, budget: Budget, number: int) -> None:
        self._suite, self._endpoint, self._collector, self._budget = contest.suite, endpoint, collector, budget
        self._number = number

    async def hear(self, before: Mapping[str, object], rules: stats.Movement, fragile: Collection[str]) -> Heard:
        """Ask this round's calls, and look at them; in the first round, look for prompts and ask the reference.

        `before` is the state ({} at first), `rules` have the method "day", `fragile` are ids of cases that flipped.

        Raises what concerns everybody; an endpoint that is down, or a budget that is spent, ends this round's part.
        """
        state = {"began": self._number, **before}
        if "off" in state:
            return Heard(state)
        if self._endpoint.provider.protocol == "replay":
            return _off(state, "a recording says the same for ever")
        try:
            if "way" not in state:
                state["way"] = await self._way(cast("int", state["began"]))
            plan = BY_LOGPROB if state["way"] == "logprobs" else BY_TOKEN
            if "prompts" not in state:
                await self._search(state, plan, fragile)
            if "off" not in state and "movement" not in state:
                return await self._begin(state, plan, rules)
            return Heard(state) if "off" in state else await self._look(state, plan, rules)
        except ProviderError as failure:
            return _missed(state, f"first tokens: {failure}")
        except BudgetSpentError:
            return Heard(
                state, note=f"first tokens: the budget of {self._budget} is spent; it goes on in the next round"
            )

    async def _way(self, began: int) -> str:
        """Whether it tells log-probabilities, found by asking for one."""
        request = self._request(next(iter(_words(1))), logprobs=True)
        try:
            require_askable(self._endpoint, request)
            (answer,) = await self._collector.ask(
                self._endpoint, [Question(DETECTOR, request, _repeat(began, 0))], budget=self._budget
            )
        except (InputError, ProviderError):
            return "tokens"
        return "logprobs" if "first_logprob" in answer.details else "tokens"

    async def _search(self, state: State, plan: OneToken, fragile: Collection[str]) -> None:
        """Find the prompts, by what the candidates gave; or that it cannot be watched so."""
        own = [f"{_OF_CASE}{case.id}" for case in self._suite.cases if case.id in fragile]
        own = [name for name in own if prompt_bytes(self._named(name)) <= LONGEST][:OWN]
        names = [*own, *_words(SEARCHED - len(own))]
        answers = await self._ask(state, names, plan.tries)
        given = {name: [each.text for each in some] for name, some in answers.items() if some}
        speaking = sum(any(texts) for texts in given.values())
        if speaking < max(PROMPTS, len(names) / 2):
            reason = f"{len(names) - speaking} of {len(names)} prompts have no answer of one token"
            state |= _off(state, reason).state
            return
        gaps = {name: gap for name, some in answers.items() if some and (gap := _gap(some[0])) is not None}
        state["prompts"] = cast("JsonValue", stats.border_prompts(given, PROMPTS, gaps=gaps or None))

    async def _begin(self, state: State, plan: OneToken, rules: stats.Movement) -> Heard:
        """Ask the reference."""
        names = cast("list[str]", state["prompts"])
        answers = await self._ask(state, names, plan.reference, first=plan.tries)
        bins: dict[str, tuple[float, float]] = {}
        if state["way"] == "logprobs":
            for name, some in answers.items():
                if values := [value for each in some[:BINNED] if (value := _logprob(each)) is not None]:
                    laid = stats.Bins.around(values, smallest=_SMALLEST_BIN)
                    bins[name] = (laid.centre, laid.width)
        state["bins"] = cast("JsonValue", bins)
        skipped = BINNED if bins else 0
        reference = {name: [_label(each, bins.get(name)) for each in some[skipped:]] for name, some in answers.items()}
        tokens = {name: [each.text for each in some] for name, some in answers.items()}
        if (apart := stats.self_disagreement(tokens)) > stats.UNSTABLE:
            reason = f"unstable: two answers to one prompt differ in {apart:.0%} of pairs, as of replicas that differ"
            return _off(state, reason)
        state["movement"] = rules.begin(reference).as_json()
        count = sum(map(len, answers.values()))
        return Heard(state, note=f"first tokens: {len(names)} prompts were found, and {count:,} answers to them kept")

    async def _look(self, state: State, plan: OneToken, rules: stats.Movement) -> Heard:
        """Ask each prompt a few times, and hold that against all before."""
        names, before = cast("list[str]", state["prompts"]), stats.MovementState.from_json(state["movement"])
        bins = cast("Mapping[str, tuple[float, float]]", state["bins"])
        answers = await self._ask(state, names, plan.turns, number=self._number)
        if sum(map(len, answers.values())) < len(names) * plan.turns / 2:
            return Heard(state, note="first tokens: too few answers today")
        today = [(name, _label(each, bins.get(name))) for name, some in answers.items() for each in some]
        after = rules.after(before, today)
        state["movement"] = after.as_json()
        if not rules.moved(after):
            return Heard(state)
        burst = await self._ask(state, names, BURST, first=plan.turns, number=self._number)
        since = [(name, each.text) for name, some in burst.items() for each in some]
        named = stats.name_movement(_tokens_seen(before, bins), since)
        beyond = times(after.peak, rules.run_length)
        reason = f"first tokens are not as before, {_WORDS[named]} ({beyond})"
        return Heard(state, Alarm("suspended", DETECTOR, reason, after.peak, rules.run_length))

    async def _ask(
        self, state: State, names: Sequence[str], turns: int, *, first: int = 0, number: int | None = None
    ) -> dict[str, list[Answer]]:
        """The answers to each prompt that came, turn by turn, so that no prompt is asked at one time of the day."""
        round_of = cast("int", state["began"]) if number is None else number
        requests = {name: self._named(name, logprobs=state["way"] == "logprobs") for name in names}
        questions = [
            Question(DETECTOR, requests[name], _repeat(round_of, first + turn))
            for turn in range(turns)
            for name in names
        ]
        answers = await self._collector.ask(self._endpoint, questions, budget=self._budget)
        found: dict[str, list[Answer]] = {name: [] for name in names}
        for name, answer in zip(list(names) * turns, answers, strict=True):
            if not answer.failed:
                found[name].append(answer)
        return found

    def _named(self, name: str, *, logprobs: bool = False) -> Request:
        if not name.startswith(_OF_CASE):
            return self._request(name, logprobs=logprobs)
        wanted = name.removeprefix(_OF_CASE)
        case = next(each for each in self._suite.cases if each.id == wanted)
        return Request(self._suite.request(case).prompt, _parameters(self._suite, logprobs=logprobs))

    def _request(self, text: str, *, logprobs: bool) -> Request:
        """In the form of the suite's own prompts: a text, or a message."""
        is_text = isinstance(self._suite.request(self._suite.cases[0]).prompt, str)
        return Request(text if is_text else (Message("user", text),), _parameters(self._suite, logprobs=logprobs))


def _parameters(suite: Suite, *, logprobs: bool) -> dict[str, JsonValue]:
    limit = "max_completion_tokens" if "max_completion_tokens" in suite.parameters else "max_tokens"
    more: dict[str, JsonValue] = {"logprobs": True, "top_logprobs": 2} if logprobs else {}
    return {"temperature": 0.0, limit: 1, **more}


def _missed(state: State, why: str) -> Heard:
    """A round without them; whoever answers cases and never a single token is not asked for ever."""
    missed = cast("int", state.get("missed", 0)) + 1
    if missed >= PATIENCE and "movement" not in state:
        return _off(state, why)
    return Heard({**state, "missed": missed}, note=why)


def _off(state: State, reason: str) -> Heard:
    return Heard({"began": state["began"], "off": reason}, note=f"first tokens are not watched: {reason}")


def _repeat(number: int, turn: int) -> int:
    return ROUND * number + _PLACE + turn


def _words(count: int) -> Iterator[str]:
    from evalgate.lab.border import candidates  # lazily: only who begins to watch needs it

    return iter(candidates(count))


def _gap(answer: Answer) -> float | None:
    """By how much the likeliest token leads, in nats."""
    tokens = answer.details.get("logprobs")
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    top = first.get("top_logprobs") if isinstance(first, dict) else None
    values = sorted(_numbers(top), reverse=True) if isinstance(top, list) else []
    return values[0] - values[1] if len(values) > 1 else None


def _numbers(top: Sequence[JsonValue]) -> Iterator[float]:
    for each in top:
        value = each.get("logprob") if isinstance(each, dict) else None
        if isinstance(value, int | float):
            yield float(value)


def _logprob(answer: Answer) -> float | None:
    value = answer.details.get("first_logprob")
    return float(value) if isinstance(value, int | float) and abs(value) < float("inf") else None


def _label(answer: Answer, bins: tuple[float, float] | None) -> str:
    """Its token; where log-probabilities are told, also in which bin it lies."""
    if bins is None:
        return answer.text
    value = _logprob(answer)
    return f"{stats.Bins(*bins).label(float('nan') if value is None else value)} {answer.text}"


def _tokens_seen(before: stats.MovementState, bins: Mapping[str, object]) -> dict[str, dict[str, int]]:
    """How often each token was seen, whatever its log-probability."""
    seen: dict[str, dict[str, int]] = {}
    for name, labels in before.seen.items():
        counts = seen.setdefault(name, {})
        for label, count in labels.items():
            token = label.partition(" ")[2] if name in bins else label
            counts[token] = counts.get(token, 0) + count
    return seen
