"""The small world that a router under test is put into: its names, addresses and files.

    evalgate conformance --prepare DIR        writes what the router's configuration needs
    …start the router…
    evalgate conformance --router URL --dir DIR

Ports and keys are the same in both commands because they stand in the folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.errors import InputError
from evalgate.formats.files import write_atomically
from evalgate.signal.keys import SigningKey

HOST = "127.0.0.1"
STREAM = "evalgate/conformance"
MODEL = "conformance/model"
BASELINE, CHEAP, CHEAPEST = UPSTREAMS = ("baseline", "cheap", "cheapest")
FIRST, SECOND, UNLISTED = "conformance_first", "conformance_second", "conformance_unlisted"

_CATALOG = """\
version: 1
providers:
{providers}
models:
  - id: {model}
    baseline: baseline
    variants:
      - {{id: baseline, provider: baseline, quantization: bf16, price: {{input: 1, output: 3}}}}
      - {{id: cheap, provider: cheap, quantization: fp8, price: {{input: 0.5, output: 1.5}}}}
      - {{id: cheapest, provider: cheapest, quantization: int4, price: {{input: 0.1, output: 0.3}}}}
"""


@dataclass(frozen=True, slots=True)
class World:
    """A prepared folder. `port` is the signal's; the model servers have the three ports after it."""

    folder: Path
    port: int

    @property
    def signal_url(self) -> str:
        """Where the signal is served (ETag, `?wait=` seconds)."""
        return f"http://{HOST}:{self.port}/signal"

    @property
    def signal_file(self) -> Path:
        """Where the same signal is kept as a file."""
        return self.folder / "signal.json"

    @property
    def keys(self) -> Path:
        """The folder of the public keys that the router is to trust."""
        return self.folder / "keys"

    def upstream_port(self, name: str) -> int:
        """The port of a model server."""
        return self.port + 1 + UPSTREAMS.index(name)

    def base_url(self, name: str) -> str:
        """A model server's address, as OpenAI's clients take it."""
        return f"http://{HOST}:{self.upstream_port(name)}/v1"

    def signing_keys(self) -> tuple[SigningKey, SigningKey]:
        """The two keys that are trusted: the current one, and the one that takes its place."""
        first, second = (SigningKey.load(self.folder / "secret" / f"{name}.pem") for name in ("first", "second"))
        return first, second

    def catalog(self) -> Catalog:
        """The catalogue as it stands in the folder."""
        return load_catalog(self.folder / "catalog.yaml")

    def chain(self) -> tuple[int, str | None]:
        """`seq` and hash of the last document that was published for this folder; 0 and None before the first."""
        try:
            kept = json.loads((self.folder / "chain.json").read_text(encoding="utf-8"))
            return int(kept["seq"]), str(kept["prev"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None

    def keep_chain(self, seq: int, prev: str) -> None:
        """Remember the last document."""
        write_atomically(self.folder / "chain.json", json.dumps({"seq": seq, "prev": prev}).encode())

    @classmethod
    def prepare(cls, folder: Path, port: int) -> World:
        """Make the folder: keys, catalogue, addresses. Raises `InputError` when there is one, or the ports are none."""
        if not 1024 <= port <= 65_535 - len(UPSTREAMS):
            raise InputError(f"--port {port}: expected one from 1024 to {65_535 - len(UPSTREAMS)}")
        if (folder / "world.json").exists():
            raise InputError(f"{folder}: prepared already; use it with --router, or name another folder")
        world = cls(folder, port)
        for name in ("first", "second"):
            key = SigningKey.generate()
            key.save(folder / "secret" / f"{name}.pem")
            key.public.save(world.keys / f"{name}.pub")
        providers = "\n".join(f'  - {{id: {name}, base_url: "{world.base_url(name)}"}}' for name in UPSTREAMS)
        files = {"catalog.yaml": _CATALOG.format(providers=providers, model=MODEL)}
        files["world.json"] = json.dumps({"version": 1, "port": port}) + "\n"
        for name, text in files.items():
            write_atomically(folder / name, text.encode())
        return world

    @classmethod
    def load(cls, folder: Path) -> World:
        """A folder that was prepared. Raises `InputError` when it was not."""
        try:
            port = json.loads((folder / "world.json").read_text(encoding="utf-8"))["port"]
        except (OSError, ValueError, KeyError, TypeError):
            advice = f"prepare it first: evalgate conformance --prepare {folder}"
            raise InputError(f"{folder}: not a prepared folder; {advice}") from None
        return cls(folder, int(port))
