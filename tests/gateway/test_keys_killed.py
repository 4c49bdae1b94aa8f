"""A process that is killed has lost what it booked since it last wrote, and nothing else; the next one goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from evalgate.gateway.keys import Keys, digest, mint
from evalgate.gateway.keys.usage import usages
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys

PROCESS = """
import sys
from decimal import Decimal
from evalgate.gateway.caller import Caller
from evalgate.gateway.keys import Keys
from evalgate.store import open_store

keys = Keys(open_store(sys.argv[1]))
keys.sync()
caller = keys.admit({"x-api-key": sys.stdin.readline().strip()})
keys.book(caller, Decimal("0.25"), 7)
keys.sync()
keys.book(caller, Decimal("0.50"), 9)
print("written once", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_loses_only_what_it_had_not_written(tmp_path: Path) -> None:
    name, secret = str(tmp_path / "keys.db"), mint()
    with open_store(name) as store:
        VirtualKeys(store).add(VirtualKey("ci", digest(secret), time.time()))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, "-c", PROCESS, name], **pipes) as process:  # type: ignore[call-overload]
            process.stdin.write(secret + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "written once\n"
            process.kill()
        assert usages(store, time.time())[0].total.dollars == Decimal("0.25")
        with Keys(store) as keys:
            keys.book(keys.admit({"x-api-key": secret}), Decimal("0.10"), 1)
        (usage,) = usages(store, time.time())
        assert (usage.total.dollars, usage.total.tokens, usage.total.requests) == (Decimal("0.35"), 8, 2)
