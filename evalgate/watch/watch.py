"""Keeps every green proven at the least cost. Read this first: it is the way of one operation through a day.

Certify once, then watch. Whoever is green is asked a few cases a day, beside fresh answers of the baseline. As long as
no detector gives an alarm the green is prolonged; an alarm withdraws it at once and orders a new certification, which
is charged like any other. Whatever is found is in the store before anybody is told of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol, cast

from evalgate.collect import Budget, Collector, Crew, Stop, all_of, require_ready
from evalgate.errors import InfrastructureError, ProviderError
from evalgate.gate import Board
from evalgate.plan import Contest
from evalgate.plan.watching import cases_per_day
from evalgate.signal import SignalDocument, SignalEntry
from evalgate.store import Holder, Lease, Round, Store, Watching
from evalgate.watch.alarm import State
from evalgate.watch.asking import Asked, ask, recalled
from evalgate.watch.calendar import is_due, period_of
from evalgate.watch.detection import Detection, Reference
from evalgate.watch.draw import Draw, draw
from evalgate.watch.first_tokens import DETECTOR as FIRST_TOKENS
from evalgate.watch.first_tokens import FirstTokens, Heard
from evalgate.watch.held import holding
from evalgate.watch.look import look_at
from evalgate.watch.steps import Step
from evalgate.watch.stream import Stream
from evalgate.watch.telling import Telling, told

REMEMBERED = 20  # boards in which fragile cases are looked for

Certify = Callable[[Contest, float], Awaitable[Board]]  # judge, on answers that were given at that time or later


class Progress(Protocol):
    """Who wants to know what is being done."""

    def say(self, operation: str, what: str) -> None:
        """Something was done, found, or left undone."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation. `asked`: calls that were sent for its round. `held`: somebody else is at it.

    `suspended` and `red` are who was withdrawn now and has not come back; `down` who could not be asked, with why.
    """

    operation: str
    asked: int = 0
    suspended: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    down: Mapping[str, str] = field(default_factory=dict)
    held: Holder | None = None


@dataclass(frozen=True)
class House:
    """What all operations are watched with. `certify` None: what is ordered is left to the operator.

    `now` gives seconds since the epoch.
    """

    store: Store
    environment: Mapping[str, str]
    telling: Telling
    progress: Progress
    now: Callable[[], float]
    stop: Stop
    certify: Certify | None = None
    crew: Callable[[], AbstractAsyncContextManager[Crew]] | None = None  # others who ask; their keys are their own


async def watch(contests: Sequence[Contest], house: House) -> list[Outcome]:
    """Watch each operation once, one after the other. Called again the same day, it asks nothing again.

    Raises `InputError` when a key is not set or nothing was ever checked, `InfrastructureError` when the store or a
    place fails or this process was taken for dead, and `Interrupted` when it was stopped. Whatever was answered or
    found until then is kept, and the next call goes on from there.
    """
    document = house.telling.document()
    for contest in contests:
        _require_time(contest)
        if house.crew is None:
            for request in contest.suite.kinds_of_requests():
                require_ready(contest.endpoints, request, house.environment)
        if not any(entry.operation == contest.suite.operation for entry in document.entries):
            house.progress.say(contest.suite.operation, "nothing to watch: it was never checked")
    outcomes, failures = [], []
    for contest in contests:
        try:
            outcomes.append(await _watched(contest, house))
        except InfrastructureError as failure:  # what one operation fails of need not be what another does
            failures.append(failure)
    if failures:
        raise failures[0]
    return outcomes


def _require_time(contest: Contest) -> None:
    gate = contest.suite.gate
    if gate.watch.every >= gate.valid_for:
        hours = [f"{each.total_seconds() / 3600:g} h" for each in (gate.watch.every, gate.valid_for)]
        message = f"a green is valid for {hours[1]} and would run out before the next round, after {hours[0]}"
        raise contest.suite.error(f"{message}; ask more often, or let valid_for be longer", "gate", "valid_for")


async def _watched(contest: Contest, house: House) -> Outcome:
    operation = contest.suite.operation
    async with holding(Lease(house.store, f"watch {operation}"), house.stop) as (lease, holder):
        if holder is not None:
            house.progress.say(operation, f"{holder} is watching it at this moment")
            return Outcome(operation, held=holder)
        return await Day(contest, house, lease).hold()


class Day:
    """One operation's look, by who holds its lease."""

    def __init__(self, contest: Contest, house: House, lease: Lease) -> None:
        suite, self.contest, self.house, self.lease = contest.suite, contest, house, lease
        self.operation, self.rules = suite.operation, suite.gate.watch
        self.memory = Watching(house.store)
        self.every = self.rules.every.total_seconds()
        self.detection = Detection.of(suite, contest.policy)
        kept = [Stream.from_json(each) for each in self.memory.watched(self.operation).values()]
        # who was configured otherwise is told of as long as the signal names that configuration, and asked no more
        self.former = [stream for stream in kept if not self._is_asked(stream)]
        self.streams = {stream.variant: stream for stream in kept if self._is_asked(stream)}
        self.requests = 0
        self.down: dict[str, str] = {}
        self.unlike: set[str] = set()  # who was certified as something else than what would be asked

    async def hold(self) -> Outcome:
        """Take up who is green, ask today's round, certify what is ordered, and tell the signal."""
        try:
            document = self._tell()  # what an earlier process has found and could not tell any more
        except InfrastructureError:  # a place that cannot be written to keeps nobody from finding out more
            document = self.house.telling.current([*self.former, *self.streams.values()], self.contest.suite)
        self._take_up(document)
        before = {name: stream.state for name, stream in self.streams.items()}
        await self._ask_round(document)
        self._tell()
        if self.house.certify is not None:
            await self._certify()
        withdrawn = {
            name: stream.state
            for name, stream in self.streams.items()
            if stream.state != "kept" and before.get(name) == "kept"
        }
        return Outcome(
            operation=self.operation,
            asked=self.requests,
            suspended=tuple(name for name, state in withdrawn.items() if state == "suspended"),
            red=tuple(name for name, state in withdrawn.items() if state == "red"),
            down=self.down,
        )

    def _take_up(self, document: SignalDocument) -> None:
        """Begin to watch whoever is green by a certification that is not watched yet; order what runs out."""
        step = Step(self.memory, self.lease, self.operation, self.house.now())
        for name, endpoint in self.contest.variants.items():
            entry, stream = document.entry(self.operation, name), self.streams.get(name)
            if entry is None or entry.state == "red":
                continue
            if why_not := self._unlike(entry, endpoint.config):
                self.house.progress.say(self.operation, f"{name} is not watched: {why_not}")
                self.unlike.add(name)
                continue
            assert entry.certified is not None
            certified = int(entry.certified.timestamp())
            if stream is None or stream.certified != certified:
                if entry.state != "green":
                    continue
                stream = self._begun(name, entry, certified)
                step.happened("certified", stream, **_evidence_of(entry))
            elif stream.state == "kept" and stream.detectors.get("rules") != self.detection.digest:
                stream = replace(stream, detectors=self._detectors(name, entry, certified))
                step.happened("rules", stream, reason="the suite says otherwise how it is watched; it begins anew")
            step.keep(self._ordered(stream, entry))
        self._done(step)

    def _ordered(self, stream: Stream, entry: SignalEntry) -> Stream:
        """With a certification ordered where the one there is runs out, or was not the last one that is needed."""
        now, suite = self.house.now(), self.contest.suite
        if entry.state == "unknown" and entry.withdrawn is not None and entry.green_runs > 0:
            return stream.ordered(now + self.every, "one pass is not enough")
        if stream.state != "kept":
            return stream
        if entry.valid_until.timestamp() <= now:
            return stream.ordered(now, "the green ran out without evidence")
        longest = stream.certified + self.rules.certify_every.total_seconds()
        if longest - now < min(suite.gate.valid_for.total_seconds(), self.rules.certify_every.total_seconds()) / 2:
            return stream.ordered(now, "the certification is as old as it may get")
        return stream

    async def _ask_round(self, document: SignalDocument) -> None:
        now = self.house.now()
        watched = {
            name: stream
            for name, stream in self.streams.items()
            if stream.state == "kept" and name not in self.unlike and self._is_valid(name, document, now)
        }
        if not watched:
            return
        this = self._round(now, watched, document)
        if this is None:
            self.house.progress.say(self.operation, "was asked already in this period; nothing is asked again")
            return
        drawn = Draw.from_json(this.draw)
        waiting = {name: stream for name, stream in watched.items() if stream.round < this.number}
        endpoints = [self.contest.variants[name] for name in waiting]
        budget = Budget.of(self.contest.suite, "watch")
        async with self._collector() as collector:
            cases = drawn.cases(self.contest.suite)
            asked = await ask(self.contest, endpoints, cases, collector, this.number, budget)
            self.requests += collector.requests
        heard = await self._hear(this, [name for name in waiting if name in asked.sides], budget)
        self._look(this, drawn, waiting, asked, heard)

    def _collector(self) -> AbstractAsyncContextManager[Crew]:
        if self.house.crew is not None:
            return self.house.crew()
        return Collector(self.house.store, self.house.environment, now=self.house.now, stop=self.house.stop)

    async def _hear(self, this: Round, names: Sequence[str], budget: Budget) -> Mapping[str, Heard]:
        """First tokens of those who answered their cases; whoever refuses such calls is not thought to be down."""
        rules = self.detection.first_tokens
        if rules is None:
            return {}
        heard, fragile = dict[str, Heard](), self._fragile()

        async def hear(name: str, collector: Crew) -> None:
            tokens = FirstTokens(self.contest, self.contest.variants[name], collector, budget, this.number)
            before = cast("Mapping[str, object]", self.streams[name].detectors[FIRST_TOKENS])
            heard[name] = await tokens.hear(before, rules, fragile)

        async with self._collector() as collector:
            await all_of(hear(name, collector) for name in names)
            self.requests += collector.requests
        for name, each in heard.items():
            if each.note:
                self.house.progress.say(self.operation, f"{name}: {each.note}")
        return heard

    def _look(
        self,
        this: Round,
        drawn: Draw,
        waiting: Mapping[str, Stream],
        asked: Asked,
        heard: Mapping[str, Heard],
    ) -> None:
        """Let the detectors look at the round; all that comes of it is one transaction."""
        step = Step(self.memory, self.lease, self.operation, self.house.now())
        down, policy, asserted = dict(asked.down), self.contest.policy, list(self.contest.grading.metrics)
        for name, stream in waiting.items():
            if name in down:
                continue
            look = look_at(policy, self.detection.scale, drawn, asked.baseline, asked.sides[name], asserted)
            if not look.usable:
                down[name] = f"only {look.units} of {look.drawn} units have an answer of the baseline to compare with"
                continue
            state, alarms = self.detection.after(dict(stream.detectors), look, heard.get(name))
            step.looked(stream, this, look, state, alarms, self.detection.evidence(state))
            if name in heard and heard[name].note:
                step.happened("noted", stream, reason=heard[name].note[:500])
        for name, reason in down.items():
            if name in waiting:
                step.missed(waiting[name], this, reason)
                self.house.progress.say(self.operation, f"{name} has no evidence today: {reason}")
        self.down.update({name: reason for name, reason in down.items() if name in waiting})
        if not any(name in down for name in waiting):
            step.close = this
        for told_of, what in step.lines():
            self.house.progress.say(self.operation, f"{told_of}: {what}")
        self._done(step)

    def _round(self, now: float, watched: Mapping[str, Stream], document: SignalDocument) -> Round | None:
        """The round to ask now: one that is open, or today's; None when today was asked already."""
        today, last = period_of(now, self.every), self.memory.last_round(self.operation)
        if last is not None and not last.closed and self._fits(last):
            looked = any(stream.round == last.number for stream in watched.values())
            if last.day == today or not looked:  # nobody has evidence of it: it is today's, however old it is
                again = replace(last, day=today)
                self.memory.begin(self.lease, again)
                return again if any(stream.round < last.number for stream in watched.values()) else None
        asked_today = self.memory.has_day(self.operation, today)
        if not is_due(today, None if last is None else last.day, asked_today=asked_today):
            return None
        number = 1 if last is None else last.number + 1
        seed = f"{self.contest.suite.gate.seed} {self.operation} {number}"
        entries = (document.entry(self.operation, name) for name in watched)
        a_day = cases_per_day(self.contest.suite, (entry.evidence.cases for entry in entries if entry is not None))
        cases = a_day * self.every / 86_400
        made = draw(self.contest.suite, self._fragile(), cases, seed=seed)
        this = Round(self.operation, number, today, now, closed=False, draw=made.to_json())
        self.memory.begin(self.lease, this)
        return this

    async def _certify(self) -> None:
        """Carry out what is ordered and due; those that were ordered at once share the baseline's answers."""
        assert self.house.certify is not None
        now = self.house.now()
        due = {
            name: stream
            for name, stream in self.streams.items()
            if stream.order is not None and stream.order.due <= now
        }
        for name, stream in due.items():
            order = stream.order
            assert order is not None
            self.house.progress.say(self.operation, f"{name} is certified anew: {order.why}")
            alone = replace(self.contest, variants={name: self.contest.variants[name]})
            try:
                board = await self.house.certify(alone, order.at)
            except ProviderError as failure:
                self.down[name] = str(failure)
                continue
            step = Step(self.memory, self.lease, self.operation, self.house.now())
            step.certified(stream, order, board, self.detection.begin, self._recalled)
            for told_of, what in step.lines():
                self.house.progress.say(self.operation, f"{told_of}: {what}")
            self._done(step)
            self._tell()

    def _tell(self) -> SignalDocument:
        """Publish how all stand; what is told is not pending any more."""
        document = self.house.telling.tell([*self.former, *self.streams.values()], self.contest.suite)
        if news := told(self.streams.values()):
            step = Step(self.memory, self.lease, self.operation, self.house.now())
            for stream in news:
                step.keep(stream)
            self._done(step)
        return document

    def _done(self, step: Step) -> None:
        step.record()
        self.streams |= {stream.variant: stream for stream in step.streams.values()}

    def _begun(self, name: str, entry: SignalEntry, certified: int) -> Stream:
        return Stream(
            operation=self.operation,
            variant=name,
            config=entry.variant.config,
            certified=certified,
            run=entry.evidence.run,
            state="kept",
            since=self.house.now(),
            round=0,
            detectors=self._detectors(name, entry, certified),
        )

    def _detectors(self, name: str, entry: SignalEntry, certified: int) -> State:
        return self.detection.begin(self._recalled(name, entry.evidence.cases, certified))

    def _recalled(self, name: str, units: int, certified: int) -> Reference | None:
        return recalled(self.contest, self.contest.variants[name], units, certified, self.house.store)

    def _unlike(self, entry: SignalEntry, config: str) -> str:
        """Why an entry is not about what would be asked now; empty when it is."""
        if entry.variant.config != config:
            return "its configuration was changed since it was certified; run: evalgate check"
        if entry.evidence.baseline_config != self.contest.baseline.config:
            return "the baseline's configuration was changed since; run: evalgate check"
        if entry.evidence.suite != self.contest.suite.hash:
            return "the suite was changed since; run: evalgate check"
        return "" if entry.certified is not None else "it was certified by an older evalgate; run: evalgate check"

    def _is_valid(self, name: str, document: SignalDocument, now: float) -> bool:
        entry = document.entry(self.operation, name)
        return entry is not None and entry.state == "green" and entry.valid_until.timestamp() > now

    def _is_asked(self, stream: Stream) -> bool:
        endpoint = self.contest.variants.get(stream.variant)
        return endpoint is not None and endpoint.config == stream.config

    def _fits(self, this: Round) -> bool:
        return Draw.from_json(this.draw).fits(self.contest.suite)

    def _fragile(self) -> set[str]:
        """Cases on which some variant differed, in what is remembered of checks of this suite."""
        found: set[str] = set()
        for data in islice(self.house.store.boards(), REMEMBERED):
            for board in Board.from_json(data).operations:
                if board.operation == self.operation and board.suite_hash == self.contest.suite.hash:
                    found |= {flip.case_id for verdict in board.verdicts for flip in verdict.flips}
        return found


def _evidence_of(entry: SignalEntry) -> dict[str, object]:
    evidence = entry.evidence
    return {
        "run": evidence.run,
        "cases": evidence.cases,
        "delta": evidence.delta,
        "interval": list(evidence.interval),
        "reason": entry.reason,
    }
