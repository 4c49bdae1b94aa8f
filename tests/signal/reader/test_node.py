"""The reader that `docs/signal.md` shows for Node, taken from there and run against the rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalgate.formats.canonical import digest
from evalgate.signal.envelope import SigningKey
from tests.signal.reader.documents import KEY, MODEL, NOW, OPERATION, STREAM, document, entry, signed
from tests.signal.reader.serving import Publisher
from tests.signal.reader.test_reader import now_document

DOCS = Path(__file__).parents[3] / "docs" / "signal.md"
DRIVER = """
import { createInterface } from "node:readline";
import { SignalReader } from "./reader.mjs";
const [url, pem, stream, cache, operation, model] = process.argv.slice(2);
let reader;
for await (const order of createInterface({ input: process.stdin })) {
  let refused = null;
  if (order === "start") reader = new SignalReader(url, { keys: [pem], stream, cache });
  else await reader.refresh().catch((error) => { refused = error.message; });
  console.log(JSON.stringify({ refused, names: reader.eligible(operation, model).map((e) => e.variant.id) }));
}
"""


@dataclass
class Node:
    """The reader in a process of its own, which does as it is told by line."""

    process: subprocess.Popen[str]
    refused: str | None = None

    def told(self, order: str = "refresh") -> list[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.refused = answer["refused"]
        return list(answer["names"])


@pytest.fixture
def node(tmp_path: Path, publisher: Publisher) -> Iterator[Node]:
    program = shutil.which("node")
    if program is None:
        pytest.skip("no Node here")
    (code,) = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "reader.mjs").write_text(code)
    (tmp_path / "driver.mjs").write_text(DRIVER)
    pem = KEY.public.pem().decode()
    arguments = [publisher.url, pem, STREAM, str(tmp_path / "cache.json"), OPERATION, MODEL]
    publisher.knows_wait = False
    with subprocess.Popen(
        [program, tmp_path / "driver.mjs", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        made = Node(process)
        made.told("start")
        yield made
        assert process.stdin is not None
        process.stdin.close()


def test_it_keeps_the_contract(node: Node, publisher: Publisher) -> None:
    first = now_document(1, entry("green"), entry("red", "red"), entry("unknown", "unknown"))
    soon = time.time() + 1.5
    expiring = json.loads(now_document(2, entry("green"), entry("soon"), prev=digest(first)))
    expiring["entries"][1]["valid_until"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon + 1))
    second = json.dumps(expiring).encode()

    publisher.document = signed(first)
    assert node.told() == ["green"]
    publisher.document = signed(second)
    assert node.told() == ["green", "soon"]
    publisher.document = signed(first)
    assert node.told() == ["green", "soon"]
    assert node.refused == "rolled back: seq 1 after 2"
    publisher.status = 503
    assert node.told("start") == ["green", "soon"], "a restart forgets nothing"
    assert node.told() == ["green", "soon"]
    assert node.refused == "HTTP 503"
    publisher.status = 200
    assert node.told()
    assert node.refused == "rolled back: seq 1 after 2"
    time.sleep(max(0.0, soon + 1 - time.time()))
    assert node.told() == ["green"]
    publisher.document = signed(now_document(3, entry("green", "red"), prev=digest(second)))
    assert node.told() == []
    assert node.refused is None


@pytest.mark.parametrize(
    "what", ["unsigned", "foreign", "tampered", "stream", "schema", "expired", "future", "cut", "chain"]
)
def test_it_refuses_what_is_to_be_refused(node: Node, publisher: Publisher, what: str) -> None:
    first = now_document(1, entry("first"))
    publisher.document = signed(first)
    assert node.told() == ["first"]
    good = now_document(2, entry("second"), prev=digest(first))
    publisher.document = {
        "unsigned": good,
        "foreign": signed(good, SigningKey.generate()),
        "tampered": signed(good).replace(b'"payload":"ey', b'"payload":"eyJ'),
        "stream": signed(now_document(2, entry("second"), prev=digest(first), stream="other")),
        "schema": signed(now_document(2, entry("second"), prev=digest(first), schema="evalgate.signal/v2")),
        "expired": signed(document(2, entry("second"), prev=digest(first), at=time.time() - 700)),
        "future": signed(document(2, entry("second"), prev=digest(first), at=NOW + 10**9)),
        "cut": signed(good)[:-20],
        "chain": signed(now_document(2, entry("second"), prev=digest(good))),
    }[what]
    assert node.told() == ["first"]
    assert node.refused
    publisher.document = signed(good)
    assert node.told() == ["second"]
