"""A small world to watch: a provider on loopback whose variants can be changed behind its name, and a clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from evalgate.catalog import Catalog, load_catalog
from evalgate.check import check
from evalgate.cli.publication import Publication
from evalgate.collect import Stop
from evalgate.gate import Board
from evalgate.plan import Contest, StoreMemory, plan
from evalgate.signal import SignalDocument, SignalEntry
from evalgate.signal.publishing import Signers
from evalgate.store import Event, Store, Watching, open_store
from evalgate.suite import load_suite
from evalgate.suite.models import Detector
from evalgate.watch import House, Outcome, watch
from tests.conftest import Asked, Loopback, Sent, completion, failure, suite_file, variant, written

DAY = 86_400.0
START = 1_790_000_000.0 - 1_790_000_000.0 % DAY + 8 * 3600  # 8 in the morning, UTC
CASES = 200
DAILY = 30
# all but first tokens, which are a thousand calls before a watch begins and have tests of their own
DETECTORS = [each for each in get_args(Detector) if each != "first_tokens"]
WATCHED: dict[str, object] = {"cases_per_day": DAILY, "detectors": DETECTORS}


class Silent:
    """Nobody wants to know."""

    def answered(self, operation: str, variant: str, *, known: bool) -> None: ...
    def troubled(self, trouble: object) -> None: ...
    def spent(self, operation: str, dollars: object) -> None: ...

    def ruled(self, operation: str, rulings: object, cases: int) -> None: ...


@dataclass
class World:
    """`wrong` says, by variant, which cases it gets wrong; `down` who answers nothing but errors.

    `store_name` is where the store is: a file, unless somebody says otherwise.
    """

    folder: Path
    server: Loopback
    suite: Path
    catalog: Catalog
    at: float = START
    wrong: dict[str, Callable[[int], bool]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    more: dict[str, dict[str, object]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    store_name: str = ""

    def __post_init__(self) -> None:
        self.store_name = self.store_name or str(self.folder / "watch.db")

    def store(self) -> Store:
        return open_store(self.store_name)

    def calls(self) -> Counter[str]:
        """How many calls each variant was sent."""
        return Counter(str(asked.body["model"]) for asked in self.server.asked)

    def check(self, *only: str) -> Board:
        with self.store() as store:
            board = asyncio.run(self._check(store, self.contest(store, *only), 0.0))
            self.publication.publish(board, store, now=self.now)
        return board

    def watch(self, *, certify: bool = True, days: float = 0.0) -> Outcome:
        """Look once, `days` later."""
        self.at += days * DAY
        with self.store() as store:
            outcomes = asyncio.run(watch([self.contest(store)], self.house(store, certify=certify)))
        return outcomes[0]

    def house(self, store: Store, *, certify: bool = True) -> House:
        async def judge(contest: Contest, since: float) -> Board:
            return await self._check(store, contest, since)

        return House(
            store=store,
            environment={},
            telling=self.publication.telling(store, self.now),
            progress=self,
            now=self.now,
            stop=Stop(),
            certify=judge if certify else None,
        )

    def contest(self, store: Store, *only: str) -> Contest:
        (contest,) = plan([load_suite(self.suite)], self.catalog, only=only)
        return contest.recalling(StoreMemory(store))

    def say(self, operation: str, what: str) -> None:
        self.told.append(what)

    def now(self) -> float:
        return self.at

    @property
    def publication(self) -> Publication:
        return Publication.to("local/default", [str(self.folder / "signal.json")], Signers())

    def document(self) -> SignalDocument:
        return SignalDocument.model_validate_json((self.folder / "signal.json").read_bytes())

    def entry(self, name: str = "cheap") -> SignalEntry:
        found = self.document().entry("name_colour", name)
        assert found is not None
        return found

    def events(self) -> list[Event]:
        with self.store() as store:
            return Watching(store).events()

    def time(self, days: float = 0.0) -> datetime:
        return datetime.fromtimestamp(self.at + days * DAY, UTC)

    async def _check(self, store: Store, contest: Contest, since: float) -> Board:
        self.at += 1  # time passes, as it does
        return await check([contest], store, {}, progress=Silent(), now=self.now, since=since)

    def behave(self, asked: Asked) -> Sent:
        name, number = str(asked.body["model"]), int(asked.prompt.split()[2].rstrip(":"))
        if name in self.down:
            return failure(500)
        if self.wrong.get(name, lambda number: False)(number):
            return completion("mud", **self.more.get(name, {}))
        return completion(f"shade {number}", **self.more.get(name, {}))


def world_in(folder: Path, server: Loopback, *, cases: int = CASES, store: str = "", **gate: object) -> World:
    """A world with a baseline `full` and two variants, `cheap` and `other`, that are as good as it."""
    rows = [{"id": f"c{n:03}", "input": f"number {n}", "target": f"shade {n}"} for n in range(cases)]
    suite = suite_file(
        folder,
        cases=rows,
        near_duplicates="allow",
        gate={"margin": 0.1, "baseline_check": False, "watch": WATCHED, **gate},
    )
    variants = [variant(name, served_as=name) for name in ("full", "cheap", "other")]
    providers = [{"id": "here", "base_url": server.url, "retries": 1, "concurrency": 16}]
    models = [{"id": "toy", "variants": variants}]
    written(folder, "catalog.yaml", {"version": 1, "providers": providers, "models": models})
    world = World(folder, server, suite, load_catalog(folder / "catalog.yaml"), store_name=store)
    server.behave = world.behave
    return world


@pytest.fixture
def world(tmp_path: Path, server: Loopback, quick: None) -> World:
    return world_in(tmp_path, server)
