"""A mock OpenAI server in C (`mock_openai.c`), so cheap that it is not what is measured; and the questions for it.

A question is about 200 tokens and ends in `[[q:KEY]]`; the right answer is a hash of the key. A model called `mock-80`
is right on 80 % of the keys, the same ones each time, so the accuracy of a run that loses nothing is known exactly:
0.83 for 200 questions, 0.787 for 1000, 0.8014 for 5000.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

SOURCE = Path(__file__).with_name("mock_openai.c")
FAULTS = "--p500 .02 --p429 .02 --preset .01 --ptrunc .01 --pbadjson .01 --pslow .01 --retry-after .05 --slow-ms 20"
WORDS = (
    "the river moves past an old mill where people once made flour and now a small museum shows how water power "
    "turned heavy stones each day while workers carried sacks along narrow paths to carts that waited by a gate"
)

SUITE = """\
operation: bench_exact
model: mock
baseline: full
cases: {items}
prompt: [{{role: user, content: "{{{{ input }}}}"}}]
generation: {{temperature: 0}}
assert: [{{type: exact}}]
gate: {{margin: 0.05}}
"""
CATALOG = """\
version: 1
providers:
  - {{id: mock, base_url: "{url}", concurrency: {concurrency}, api_key_env: MOCK_KEY}}
models:
  - id: mock
    variants:
      - {{id: full, provider: mock, served_as: mock-80, quantization: bf16, price: {{input: 1, output: 2}}}}
      - {{id: same, provider: mock, served_as: mock-80, tag: b, quantization: fp8, price: {{input: 0.5, output: 1}}}}
      - {{id: worse, provider: mock, served_as: mock-60, quantization: int4, price: {{input: 0.1, output: 0.2}}}}
"""
KEY = "sk-mock-0123456789abcdef"


def compiler() -> str | None:
    """The C compiler of this machine."""
    return shutil.which("cc") or shutil.which("gcc")


class Mock:
    """The running server, on a free port of the loopback; `options` are those of `mock_openai.c`."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        binary = folder / "mock_openai"
        if not binary.exists():
            found = compiler()
            assert found is not None, "the mock server needs a C compiler (cc)"
            subprocess.run([found, "-O2", "-w", "-o", binary, SOURCE], check=True)
        self._process = subprocess.Popen([binary, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline().rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Mock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def stats(self) -> dict[str, int]:
        """Counters: `requests`, `ok_unique` (questions answered), `unique`, `connections`, `peak_inflight`, …"""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__stats", timeout=5) as reply:
            counters: dict[str, int] = json.load(reply)
        return counters

    def reset(self) -> None:
        """Zero the counters."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/__reset", method="POST")
        urllib.request.urlopen(request, timeout=5).close()


def items(count: int) -> Iterable[dict[str, str]]:
    """Questions with their right answers."""
    choice, words = random.Random(7), WORDS.split()
    for number in range(count):
        key = f"item-{number:06d}"
        text = " ".join(choice.choice(words) for _ in range(160))
        prompt = f"Read the text and give the code of the item. {text} [[q:{key}]] Answer with the code only."
        yield {"id": key, "input": prompt, "target": _answer(key)}


def write_house(folder: Path, count: int, url: str, *, concurrency: int = 64) -> None:
    """A folder to run evalgate in: `suite.yaml` with so many cases, and `catalog.yaml` with the mock's variants."""
    path = folder / f"items-{count}.jsonl"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(item) + "\n" for item in items(count))
    (folder / "suite.yaml").write_text(SUITE.format(items=path.name), encoding="utf-8")
    (folder / "catalog.yaml").write_text(CATALOG.format(url=url, concurrency=concurrency), encoding="utf-8")


def _answer(key: str) -> str:
    """FNV-1a over the key, folded to 32 bits: as the mock computes it."""
    value = 14695981039346656037
    for byte in key.encode():
        value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"ANS-{(value ^ (value >> 32)) & 0xFFFFFFFF:08x}"
