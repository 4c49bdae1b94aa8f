"""What a check found, as tests tell it, and how it reaches all processes of a run.

Under xdist the tests of an operation may run in several workers. Who comes first checks, the others wait for what it
finds; a worker that dies leaves its lock to the next, who goes on from the answers in the store.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Told:
    """One verdict. `text` is the gate's message, `properties` are for JUnit; both are safe to print."""

    outcome: Literal["green", "red", "inconclusive"]
    unreachable: bool
    failing: bool  # of an inconclusive one: that is a failure, by the suite's own policy
    reason: str
    text: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one operation: verdicts by variant, or why there are none."""

    verdicts: dict[str, Told]
    failure: str = ""

    def to_json(self) -> str:
        """For the other workers."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Finding:
        """What `to_json` wrote in this very run."""
        data = json.loads(text)
        verdicts = {
            name: Told(**{**told, "properties": tuple((key, value) for key, value in told["properties"])})
            for name, told in data["verdicts"].items()
        }
        return cls(verdicts, data["failure"])


def found_once(folder: Path, name: str, find: Callable[[], Finding]) -> Finding:
    """What `find` returns in whichever process comes first, for all that share `folder`."""
    place = folder / sha256(name.encode()).hexdigest()
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it with the process
        result = place.with_suffix(".json")
        if result.exists():
            return Finding.from_json(result.read_text(encoding="utf-8"))
        finding = find()
        written = place.with_suffix(".new")
        written.write_text(finding.to_json(), encoding="utf-8")
        written.replace(result)  # a worker that is killed while it writes has found nothing
        return finding
