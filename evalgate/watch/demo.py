"""Thirty days in some seconds: a provider swaps what it serves on day 12, without a word, and is found out.

Everything is what a user has: a provider that is asked over HTTP (it answers what the lab recorded of a real model), a
check, a watch each day, a signed-for stream of documents, and the router's own choice. Only the clock is another one,
and it is passed in, as everywhere.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.check import Progress as CheckProgress
from evalgate.check import check
from evalgate.collect import Stop
from evalgate.gate import Board
from evalgate.lab.recorded_server import serving
from evalgate.plan import Contest, StoreMemory, plan
from evalgate.plan.watching import detectors_of
from evalgate.router import select
from evalgate.signal import SignalDocument
from evalgate.signal.places import open_place
from evalgate.signal.publishing import Signers
from evalgate.store import Store, open_store
from evalgate.suite import Suite, load_suite
from evalgate.watch.first_tokens import DETECTOR as FIRST_TOKENS
from evalgate.watch.telling import Telling
from evalgate.watch.watch import House, watch

STREAM = "local/default"
BEGIN = datetime(2026, 11, 2, 6, tzinfo=UTC).timestamp()
DAY = 86_400.0
SWAPPED_ON = 12
CASES = 50  # a day; a tenth of this certification's is 16, which find the swap on its second day
BASELINE, SWAPPED, SWAPPED_TO, NEXT = "lab-f16", "lab-q8_0", "lab-q4_0", "lab-q6_k"
PRICES = {BASELINE: "0.16", SWAPPED: "0.07", NEXT: "0.09"}  # USD per 1M tokens of input; illustrative


@dataclass(frozen=True, slots=True)
class DayTold:
    """What a day brought: what was said, who takes the calls at its end, and how many were asked so far."""

    day: int
    said: tuple[str, ...]
    routed_to: str
    calls: int


@dataclass
class _Clock:
    """Time as it is told: what happens within a day takes a second."""

    at: float = BEGIN

    def now(self) -> float:
        return self.at


class _Saying:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, operation: str, what: str) -> None:
        """See `watch.Progress`."""
        del operation
        self.lines.append(what)


def play(suite_path: Path, recordings: Path, folder: Path, progress: CheckProgress, *, days: int) -> Iterator[DayTold]:
    """Play `days` days in `folder`, which is emptied first; the last day's store and signal stay there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    suite, clock, saying = _by_scores(load_suite(suite_path)), _Clock(), _Saying()
    with (
        serving({name: recordings / f"{name}.jsonl.gz" for name in PRICES}) as server,
        open_store(str(folder / "watch.db")) as store,
    ):
        catalog = _catalog(folder, suite, server.url)
        house = _house(store, folder, clock, saying, progress)
        calls = asyncio.run(_certified(house, suite, catalog, clock))
        for day in range(1, days + 1):
            clock.at = BEGIN + day * DAY
            if day == SWAPPED_ON:
                server.swap(SWAPPED, recordings / f"{SWAPPED_TO}.jsonl.gz")
            saying.lines.clear()
            outcomes = asyncio.run(watch([_contest(suite, catalog, store)], house))
            calls += sum(outcome.asked for outcome in outcomes)
            document = house.telling.document()
            yield DayTold(day, tuple(saying.lines), routed_to(document, catalog, suite.operation, clock.at), calls)


def routed_to(document: SignalDocument, catalog: Catalog, operation: str, at: float) -> str:
    """Who takes the calls then."""
    decision = select(operation, document, catalog, now=datetime.fromtimestamp(at + 60, UTC))
    return decision.order[0].id if decision.order else "nobody"


async def _certified(house: House, suite: Suite, catalog: Catalog, clock: _Clock) -> int:
    contest = _contest(suite, catalog, house.store)
    assert house.certify is not None
    board = await house.certify(contest, 0.0)
    house.telling.tell((), suite)
    clock.at += 1
    return board.requests


def _house(store: Store, folder: Path, clock: _Clock, saying: _Saying, progress: CheckProgress) -> House:
    async def certify(contest: Contest, since: float) -> Board:
        clock.at += 1
        return await check([contest], store, {}, progress=progress, now=clock.now, since=since)

    places = [open_place(str(folder / "signal.json"), STREAM)]
    return House(
        store=store,
        environment={},
        telling=Telling(store, STREAM, places, Signers(), clock.now),
        progress=saying,
        now=clock.now,
        stop=Stop(),
        certify=certify,
    )


def _by_scores(suite: Suite) -> Suite:
    """Without first tokens, for the provider knows what was recorded and nothing else; and so with `CASES` a day."""
    kept = [each for each in detectors_of(suite.gate.watch) if each != FIRST_TOKENS]
    gate = suite.gate.model_copy(update={"watch": suite.gate.watch.model_copy(update={"detectors": kept})})
    return replace(suite, file=suite.file.model_copy(update={"gate": gate})).watched_with(CASES)


def _contest(suite: Suite, catalog: Catalog, store: Store) -> Contest:
    (contest,) = plan([suite], catalog)
    return contest.recalling(StoreMemory(store))


def _catalog(folder: Path, suite: Suite, url: str) -> Catalog:
    """The lab's variants as a provider on loopback sells them, under names that say nothing."""
    variants = [
        {
            "id": name,
            "provider": "acme",
            "tag": f"acme/{name.removeprefix('lab-')}",
            "served_as": name,
            "answers_as": suite.file.model,
            "quantization": name.removeprefix("lab-"),
            "price": {"input": price, "output": str(2 * float(price)), "basis": "illustrative"},
        }
        for name, price in PRICES.items()
    ]
    content = {
        "version": 1,
        "providers": [{"id": "acme", "base_url": url, "concurrency": 16}],
        "models": [{"id": suite.file.model, "variants": variants}],
    }
    path = folder / "catalog.yaml"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return load_catalog(path)
