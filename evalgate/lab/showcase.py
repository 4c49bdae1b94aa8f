"""The whole of it on recorded answers: providers, proof, signal and gateway as processes of their own on this machine.

Everything is in one folder, on ports that stay the same, so that a second time nothing is asked again.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from evalgate.errors import LabError
from evalgate.formats.files import write_atomically

LOOPBACK = "127.0.0.1"
STARTS_WITHIN = 30.0
STOPS_WITHIN = 15.0
PACE = 0.1  # recorded on two slow cores; a tenth of it is a small model on a server


@dataclass(frozen=True, slots=True)
class Showcase:
    """`port` is the gateway's; the providers are at the next one, its metrics at the one after that."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def providers(self) -> str:
        """Where the recorded answers are served."""
        return f"http://{LOOPBACK}:{self.port + 1}"

    def write_catalog(self, recorded: Path) -> Path:
        """The recorded variants as providers with an address; returns the catalogue's path."""
        document = yaml.safe_load(recorded.read_text(encoding="utf-8"))
        names = []
        for model in document["models"]:
            model["baseline"] = "lab-f16"
            for variant in model["variants"]:
                variant.pop("recording", None)
                variant["provider"] = variant["id"]
                names.append(variant["id"])
        document["providers"] = [
            {"id": name, "base_url": f"{self.providers}/{name}/v1", "concurrency": 32, "timeout": 20} for name in names
        ]
        path = self.folder / "catalog.yaml"
        head = "# The lab's recorded variants behind a port. Written by evalgate; prices are illustrative.\n"
        write_atomically(path, (head + yaml.safe_dump(document, sort_keys=False, width=120)).encode())
        return path

    def write_settings(self) -> Path:
        """The gateway's settings; returns their path."""
        settings = {
            "catalog": "catalog.yaml",
            "signal": {"source": "signal.json", "trust": ["signal.pub"], "cache": None},
            "store": "evalgate.db",
            "port": self.port,
            "metrics_port": self.port + 2,
            "first_token_timeout": 5,
        }
        path = self.folder / "gateway.yaml"
        write_atomically(path, yaml.safe_dump(settings, sort_keys=False).encode())
        return path

    @contextlib.contextmanager
    def running(self, name: str, module: Sequence[str], port: int, health: str) -> Iterator[None]:
        """A process of evalgate, from when it answers at `health` on; its log is `NAME.log`.

        Raises `LabError` when its port is taken, or it does not come up.
        """
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex((LOOPBACK, port)) == 0:
                raise LabError(f"{LOOPBACK}:{port} is taken; choose another one with --port")
        path = self.folder / f"{name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
                [sys.executable, "-m", *module],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
            )
        try:
            _wait(process, f"http://{LOOPBACK}:{port}{health}", path)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def post(self, path: str) -> None:
        """Tell the providers how to behave."""
        request = urllib.request.Request(f"{self.providers}{path}", method="POST", data=b"")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310  # our own address


def evalgate(*arguments: str | Path, log: Path) -> tuple[int, str]:
    """Run a command of evalgate, as somebody in a terminal would; returns its exit code and what it said."""
    command = [sys.executable, "-m", "evalgate", *map(str, arguments)]
    done = subprocess.run(  # noqa: S603  # our own interpreter and module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    write_atomically(log, done.stdout)
    return done.returncode, done.stdout.decode(errors="replace")


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310  # our own address
        except urllib.error.HTTPError:
            return  # whoever answers is there
        except OSError:
            pass
        else:
            return
        if process.poll() is not None or time.monotonic() > end:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise LabError(f"{log.stem} did not start: {said[-1] if said else 'it says nothing'} ({log})")
        time.sleep(0.05)
