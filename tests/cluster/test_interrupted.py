"""The command with a Ray of its own: Ctrl-C ends all of it, loses nothing, and the command that goes on is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.conftest import KEY, House, processes


def test_ctrl_c_ends_it_all_and_without_the_cluster_the_command_goes_on(house: House) -> None:
    pytest.importorskip("ray", reason="no Ray to test with: pip install 'evalgate-harness[ray]'")
    house.suite("ctrl_c")
    house.slow = 0.05
    command = [sys.executable, "-m", "evalgate", "check", "ctrl_c.yaml", "--json", "-", "--store", "ctrl_c.db"]
    settings = {"cwd": house.folder, "env": {**os.environ, "CLUSTER_KEY": KEY}, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        # as a terminal does it: everybody in the group gets the signal
        with subprocess.Popen(
            [*command, "--ray", "--ray-workers", "2"], start_new_session=True, **settings, **pipes
        ) as process:
            deadline = time.monotonic() + 240
            while house.counts("ctrl_c").total() < 30:
                assert time.monotonic() < deadline, "nothing was asked"
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            workers = processes("ray::")
            os.killpg(process.pid, signal.SIGINT)
            said, told = process.communicate(timeout=240)
    finally:
        house.slow = 0.0
    assert process.returncode == 130, told
    assert said == ""
    assert "evalgate check ctrl_c.yaml --json - --store ctrl_c.db --ray --ray-workers 2" in told
    assert KEY not in told
    assert workers
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "processes of the cluster are left"
        time.sleep(0.05)
    before = house.counts("ctrl_c")
    done = subprocess.run(command, capture_output=True, **settings)
    assert json.loads(done.stdout)["requests"] == (house.counts("ctrl_c") - before).total()
    assert not [each for each, count in house.counts("ctrl_c").items() if count > (2 if each[0] == "full" else 1)]
