"""A house with one operation after the other, a server that counts, and Ray on this machine, started once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evalgate.catalog import load_catalog
from evalgate.check import check
from evalgate.collect import Stop
from evalgate.gate import Board
from evalgate.plan import Contest, StoreMemory, plan
from evalgate.store import open_store
from evalgate.suite import load_suite
from tests.conftest import Asked, Loopback, Sent, completion, written
from tests.store.conftest import Server, postgresql

__all__ = ["postgresql"]

KEY = "sk-cluster-0123456789abcdef"
WRONG = {"full": 0, "same": 0, "worse": 3}  # every how many cases a variant is wrong


def right(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()[:8]


@dataclass
class House:
    """A folder with a catalogue and suites; `slow` is how long an answer takes, in seconds."""

    folder: Path
    server: Loopback
    slow: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.behave = self._behave
        provider = {"id": "here", "base_url": self.server.url, "concurrency": 48, "api_key_env": "CLUSTER_KEY"}
        variants = [
            {
                "id": name,
                "provider": "here",
                "served_as": name,
                "quantization": "bf16",
                "price": {"input": 1, "output": 2},
            }
            for name in WRONG
        ]
        content = {"version": 1, "providers": [provider], "models": [{"id": "toy", "variants": variants}]}
        self.catalog = written(self.folder, "catalog.yaml", content)

    def suite(self, operation: str, cases: int = 80, *, targets: Sequence[str] = (), **more: object) -> Path:
        targets = targets or [right(f"{operation} number {number}:") for number in range(cases)]
        rows = [{"id": f"c{n}", "input": f"number {n}", "target": target} for n, target in enumerate(targets)]
        content = {"operation": operation, "model": "toy", "baseline": "full", "cases": rows}
        content |= {"prompt": operation + " {{ input }}:", "assert": [{"type": "exact"}], "gate": {"margin": 0.1}}
        return written(self.folder, f"{operation}.yaml", content | more)

    def contest(self, operation: str) -> Contest:
        (contest,) = plan([load_suite(self.folder / f"{operation}.yaml")], load_catalog(self.catalog))
        return contest

    def counts(self, operation: str) -> Counter[tuple[str, str]]:
        """How often each variant was asked each question of an operation."""
        return Counter(each for each in self.asked if each[1].startswith(f"{operation} "))

    def _behave(self, asked: Asked) -> Sent:
        model = str(asked.body["model"])
        self.asked.append((str(asked.body.get("model")), asked.prompt))
        number = int(asked.prompt.rstrip(":").rsplit(" ", 1)[1])
        every = WRONG.get(model, 0)
        text = "wrong" if every and number % every == 0 else right(asked.prompt)
        return replace(completion(text), after=self.slow)


@dataclass
class Watching:
    """A progress that counts, and calls `at` after so many answers."""

    answers: int = 0
    at: dict[int, Callable[[], None]] = field(default_factory=dict)
    spent_: Decimal = Decimal(0)

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        del operation, variant, known
        self.answers += 1
        for count in [count for count in self.at if count <= self.answers]:
            self.at.pop(count)()

    def spent(self, operation: str, dollars: Decimal) -> None:
        del operation
        self.spent_ = dollars

    def troubled(self, trouble: object) -> None: ...

    def ruled(self, operation: str, rulings: object, cases: int) -> None: ...


@dataclass
class Cluster:
    """Ray with three processes that ask, on a real PostgreSQL."""

    fleet: Any
    house: House
    store: str
    folder: Path

    def check(
        self,
        operation: str,
        watching: Watching | None = None,
        stop: Stop | None = None,
        contest: Contest | None = None,
    ) -> Board:
        from evalgate.cluster import needs_of

        contest = contest or self.house.contest(operation)
        progress, stop = watching or Watching(), stop or Stop()

        async def main() -> Board:
            with open_store(self.store) as store:
                recalled = [contest.recalling(StoreMemory(store))]
                async with self.fleet.begun(needs_of(recalled), stop, progress.troubled) as work:
                    return await check(recalled, store, {}, progress=progress, hear=work.hear)

        return asyncio.run(main())

    def alone(self, operation: str) -> tuple[Board, Counter[tuple[str, str]]]:
        """The same in this process, with a store of its own; and how often each question was asked for that."""
        contest, before = self.house.contest(operation), self.house.counts(operation)

        async def main() -> Board:
            with open_store(str(self.folder / f"{operation}.db")) as store:
                return await check([contest], store, {"CLUSTER_KEY": KEY}, progress=Watching())

        return asyncio.run(main()), self.house.counts(operation) - before


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    server = Loopback()
    yield House(tmp_path_factory.mktemp("house"), server)
    server.stop()


@pytest.fixture(scope="session")
def cluster(house: House, postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="no Ray to test with: pip install 'evalgate-harness[ray]'")
    from evalgate.cluster import Fleet

    store = postgresql.new_database().name
    with open_store(store):
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLUSTER_KEY", KEY)
        with Fleet("local", store=store, catalog=house.catalog, workers=3) as fleet:
            yield Cluster(fleet, house, store, tmp_path_factory.mktemp("alone"))


def processes(title: str) -> list[int]:
    """Processes that are called so and descend from this one."""
    parents: dict[int, int] = {}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(status[1])
                if (entry / "cmdline").read_bytes().startswith(title.encode()):
                    found.append(int(entry.name))
            except OSError:
                continue
    return [process for process in found if _descends(process, parents)]


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process in parents:
        if process == os.getpid():
            return True
        process = parents[process]
    return False
