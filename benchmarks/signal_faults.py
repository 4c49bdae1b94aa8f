"""What happens to the signal when everything goes wrong: `python -m benchmarks.signal_faults`.

1. Random schedules of faults, each a world of its own (`signal_world.py`): after every step, what the reader calls
   eligible must be green, in time, and by the newest document it ever took up; at the end of each, when all faults are
   over, the next document must be obeyed.
2. Real publishers, racing on one store and killed by SIGKILL at any moment, under a real reader.
3. Fuzzed documents, signed and unsigned.

Exit code 1, and the seed to repeat it with, when anything else happened.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import orjson

from benchmarks.signal_world import DAY, DISK, NEW, OLD, EvalgateError, KilledError, SignalError, World
from evalgate.signal.envelope import Keyring, SigningKey, seal
from evalgate.signal.reader import SignalReader
from evalgate.signal.reader.clock import Clock
from evalgate.signal.reader.holder import Holder
from evalgate.store import open_store

logging.getLogger("evalgate.signal").setLevel(logging.CRITICAL)  # refusals by the thousand
STEPS, CHUNK = (6, 18), 250


# --- one schedule


def killed(world: World) -> None:
    """A publisher dies at any byte: of its temporary file, of the file itself where it is no atomic one, or between."""
    where, cut = world.chance.randrange(3), world.chance.random()

    def die(path: Path, data: bytes) -> None:
        if where:
            target = path if where == 1 else path.with_name(f".{path.name}.1")
            target.write_bytes(data[: int(len(data) * cut)])
        raise KilledError

    _struck(world, die)


def disk_full(world: World) -> None:
    """The publisher's disk is full."""

    def fail(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    _struck(world, fail)


def racing(world: World) -> None:
    """While one publisher writes, the other publishes one document or two."""

    def overtake(path: Path, data: bytes) -> None:
        for _ in range(world.chance.randint(1, 2)):
            world.publish("y")

    _struck(world, overtake)


def _struck(world: World, fault: object) -> None:
    world.place.fault = fault  # type: ignore[assignment]
    with contextlib.suppress(KilledError, OSError):
        world.publish("x")
    world.place.fault = None


def put(world: World) -> None:
    """An older document, a piece of one, or one with some bytes changed lies in the place."""
    if not world.books.envelopes:
        return
    data = bytearray(world.chance.choice(world.books.envelopes))
    kind = world.chance.randrange(3)
    if kind == 1:
        del data[world.chance.randrange(len(data)) :]
    elif kind == 2:
        for _ in range(world.chance.randint(1, 4)):
            data[world.chance.randrange(len(data))] = world.chance.randrange(256)
    world.path.write_bytes(data)


def forge(world: World) -> None:
    """Somebody without a trusted key puts a document there."""
    world.path.write_bytes(world.forged())


def vanish(world: World) -> None:
    """The publisher is gone."""
    world.path.unlink(missing_ok=True)


def clock(world: World) -> None:
    """A clock is set, to the right time or a day off."""
    skew = world.chance.choice([0.0, 0.0, DAY, -DAY])
    who = world.chance.choice(["reader", "x", "y"])
    if who == "reader":
        world.skew = skew
    else:
        world.skews[who] = skew


def restart(world: World) -> None:
    """The reader is started again; and, when the clock is right, sometimes the whole machine."""
    if world.skew == 0 and world.chance.random() < 0.3:
        world.boot, world.steady = world.boot + "'", 5.0
    world.start_reader()


def full(world: World) -> None:
    """The reader's disk becomes full, or has space again."""
    DISK["full"] = not DISK["full"]


def rotate(world: World) -> None:
    """The keys go on by one step: both are trusted, both sign, the new one signs alone, the old one is taken away."""
    world.rotation += 1
    if world.rotation == 1:
        world.trust([OLD, NEW])
    elif world.rotation == 2:
        world.signing = [OLD, NEW]
    elif world.rotation == 3:
        world.signing = [NEW]
    elif world.rotation == 4:
        world.trust([NEW])


def wait(world: World) -> None:
    """Time passes."""
    world.wait(world.chance.choice([1, 30, 300, 900, 3600, DAY]))


def plain(world: World) -> None:
    """Nothing goes wrong."""
    world.publish(world.chance.choice(["x", "y"]))


FAULTS = [
    plain,
    plain,
    plain,
    killed,
    disk_full,
    racing,
    put,
    put,
    forge,
    vanish,
    clock,
    restart,
    full,
    rotate,
    wait,
    wait,
]


def schedule(seed: int, folder: Path, store: object, happened: Counter[str]) -> tuple[int, int]:
    """Returns how often the reader was asked, and how many variants it called eligible."""
    DISK["full"] = False
    world = World(seed, folder, store, happened)  # type: ignore[arg-type]
    world.publish("x")
    world.look()
    for _ in range(world.chance.randint(*STEPS)):
        fault = world.chance.choice(FAULTS)
        happened[f"fault: {(fault.__doc__ or '').partition(':')[0].rstrip('.')}"] += 1
        fault(world)
        world.require_safe()
        if world.chance.random() < 0.8:
            world.look()
            world.require_safe()
    world.require_alive()
    world.require_counted()
    return world.queries, world.eligible


def chunk(seeds: range) -> tuple[Counter[str], int, int, list[str]]:
    """What happened in some schedules, how often the reader was asked and said yes, and what it did wrong."""
    happened: Counter[str] = Counter()
    queries, eligible, violations = 0, 0, []
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, open_store(str(Path(folder) / "store.db")) as store:
        for seed in seeds:
            here = Path(folder) / "world"
            try:
                asked, found = schedule(seed, here, store, happened)
                queries, eligible = queries + asked, eligible + found
            except Exception as failure:  # whatever escapes is a crash of the reader, or a violation
                violations.append(f"seed {seed}: {type(failure).__name__}: {failure}")
            shutil.rmtree(here, ignore_errors=True)
    return happened, queries, eligible, violations


def schedules(count: int, first: int, jobs: int = 1) -> bool:
    began, last = time.perf_counter(), first + count
    ranges = [range(start, min(start + CHUNK, last)) for start in range(first, last, CHUNK)]
    with ProcessPoolExecutor(jobs) if jobs > 1 else contextlib.nullcontext() as pool:
        parts = [*(pool.map(chunk, ranges) if pool is not None else map(chunk, ranges))]
    happened = sum((part[0] for part in parts), Counter())
    queries, eligible = sum(part[1] for part in parts), sum(part[2] for part in parts)
    violations = [each for part in parts for each in part[3]]
    spent = time.perf_counter() - began
    print(
        f"schedules: {count:,} in {spent:.0f} s; the reader was asked {queries:,} times, called {eligible:,} eligible"
    )
    for name, often in sorted(happened.items()):
        print(f"  {often:>9,}  {name}")
    for violation in violations:
        print(f"  VIOLATION {violation}  (again: --first … --schedules 1)")
    print(f"  violations: {len(violations)}", flush=True)
    return not violations and eligible > 0


# --- real processes

PUBLISHER = """
import sys
from pathlib import Path
from benchmarks.signal_world import World
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from evalgate.signal.envelope import SigningKey
from evalgate.signal.places.file import FilePlace
from evalgate.signal.publishing import Signers, publish
from evalgate.store import open_store
import time
folder, who = Path(sys.argv[1]), sys.argv[2]
world = World(hash(who) % 1000, folder / who, None, Counter())
world.now, world.stream = time.time(), "world/real"
store, key = open_store(str(folder / "store.db")), SigningKey.load(folder / "key.pem")
place = FilePlace(folder / "signal.json")
while True:
    world.now = time.time()
    done = publish(store, "world/real", lambda before: world.document(0.0), [place], Signers([key]))
    print(done.seq, flush=True)
"""


def kills(count: int) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = SigningKey.generate()
        key.save(folder / "key.pem")
        key.public.save(folder / "key.pub")
        with open_store(str(folder / "store.db")):
            pass
        chance = random.Random(1)
        reader = SignalReader(folder / "signal.json", keys=folder / "key.pub", cache=folder / "cache", interval=0.005)
        told: list[list[int]] = []
        seen: list[int] = []

        def start(number: int) -> subprocess.Popen[str]:
            out = (folder / f"out-{number}").open("w")
            shutil.rmtree(folder / f"p{number}", ignore_errors=True)
            return subprocess.Popen([sys.executable, "-c", PUBLISHER, name, f"p{number}"], stdout=out, text=True)

        running = {number: start(number) for number in range(2)}
        last = 1
        for _ in range(count):
            deadline = time.monotonic() + 1.5 + chance.random()
            while time.monotonic() < deadline:
                if (seq := reader.health().seq) is not None:
                    seen.append(seq)
                time.sleep(0.002)
            victim = chance.choice([*running])
            process = running.pop(victim)
            process.send_signal(signal.SIGKILL)
            process.wait()
            last += 1
            running[last] = start(last)
        for process in running.values():
            process.kill()
            process.wait()
        health = reader.refresh()
        reader.close()
        told = [[*map(int, path.read_text().split())] for path in folder.glob("out-*")]
    numbers = [seq for each in told for seq in each]
    unique, rising = len(set(numbers)) == len(numbers), all(each == sorted(each) for each in told)
    forward, sound = seen == sorted(seen), health.unreachable is None and health.refused is None
    print(f"kills: {count} of racing publishers that told of {len(numbers):,} documents, up to seq {max(numbers)}")
    print(f"  every seq unique: {unique}; rising: {rising}")
    print(f"  the reader saw {len(set(seen)):,} of them, never going back: {forward}")
    print(f"  the reader at the end: {'well' if sound else health.problem}")
    return unique and rising and forward and sound and len(set(seen)) > count


# --- fuzz


def fuzz(count: int, seed: int = 0) -> bool:
    chance, key = random.Random(seed), SigningKey.generate()
    keyring = Keyring.of([key.public])
    with tempfile.TemporaryDirectory() as folder:
        world = World(0, Path(folder) / "world", None, Counter())  # type: ignore[arg-type]
        sound = world.document(0.0).encode()
        held = Clock(lambda: world.now, lambda: world.steady, "boot")
        values: list[object] = [None, True, 0, -1, 2**64, 1e308, "", "green", "\x00", "9" * 999, [], {}, [[]] * 9]
        outcomes: Counter[str] = Counter()
        began = time.perf_counter()
        for number in range(count):
            data = _fuzzed(chance, sound, key, values)
            holder = Holder(keyring if number % 8 else None, None, held)
            try:
                holder.offer(data)
                outcomes["believed"] += 1
            except SignalError:
                outcomes["refused"] += 1
            except EvalgateError as failure:
                print(f"  CRASH: {failure}")
                return False
            for each in holder.eligible("extract", "llama"):
                if (each.state, each.verdict) != ("green", "green"):
                    print(f"  NOT GREEN: {data!r}")
                    return False
    print(f"fuzz: {count:,} documents in {time.perf_counter() - began:.0f} s, no crash; {dict(outcomes)}")
    return outcomes["believed"] > 0 and outcomes["refused"] > 0


def _fuzzed(chance: random.Random, sound: bytes, key: SigningKey, values: list[object]) -> bytes:
    kind = chance.randrange(5)
    if kind == 0:  # bytes of the document, signed afterwards
        data = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return seal(bytes(data), [key])
    if kind == 1:  # bytes of the envelope
        data = bytearray(seal(sound, [key]))
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)
    if kind == 2:  # cut, doubled, mixed
        data = seal(sound, [key])
        at = chance.randrange(len(data))
        return chance.choice([data[:at], data[at:], data + data[:at], data[:at] + data])
    tree = orjson.loads(sound if kind == 3 else seal(sound, [key]))
    for _ in range(chance.randint(1, 3)):
        node = tree
        while isinstance(node, dict | list) and node:
            keys = [*node] if isinstance(node, dict) else [*range(len(node))]
            step = chance.choice(keys)
            if not isinstance(node[step], dict | list) or not node[step] or chance.random() < 0.3:
                if isinstance(node, dict) and chance.random() < 0.3:
                    del node[step]
                else:
                    node[step] = _another(chance, node[step], values)
                break
            node = node[step]
    try:
        data = orjson.dumps(tree)
    except TypeError:  # no number of 64 bits
        return b"{"
    return seal(data, [key]) if kind == 3 else data


def _another(chance: random.Random, value: object, values: list[object]) -> object:
    """Another value: one time in two of the same kind."""
    if chance.random() < 0.5:
        return chance.choice(values)
    if isinstance(value, float | int):
        return type(value)(chance.uniform(0, 3))
    return chance.choice(["green", "red", "unknown", "fp8", "2027-02-01T00:00:00Z", "1999-01-01T00:00:00Z"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first schedule's seed")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--fuzz", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=1, help="processes for the schedules")
    options = parser.parse_args()
    fine = [
        *([schedules(options.schedules, options.first, options.jobs)] if options.schedules else []),
        *([kills(options.kills)] if options.kills else []),
        *([fuzz(options.fuzz)] if options.fuzz else []),
    ]
    print("all as it should be" if all(fine) else "FAILED")
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
