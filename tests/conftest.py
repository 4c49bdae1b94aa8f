"""What every room's tests stand on: one hypothesis profile, files to start from, and a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from evalgate.catalog import Catalog, Endpoint, load_catalog
from evalgate.errors import InputError
from evalgate.exchange import Question, Request

settings.register_profile(
    "evalgate", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("evalgate")

# what a shell starts in the background ignores SIGINT, and so would every process that is tested with it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)

SUITE: dict[str, object] = {
    "operation": "name_colour",
    "model": "toy",
    "baseline": "full",
    "cases": [{"id": f"c{n}", "input": f"number {n}", "target": f"shade {n}"} for n in range(3)],
    "prompt": "Colour {{ input }}:",
    "assert": [{"type": "exact"}],
    "gate": {"margin": 0.05},
}


def outcome(action: Callable[[], object]) -> object:
    """What `action` returns, or the `InputError` that it raises; nothing else may come out of it."""
    try:
        return action()
    except InputError as failure:
        return failure


def pointed_at(told: str, folder: Path) -> str:
    """What stands in the file at the first place that an error names as `file:line:column`, to the end of its line."""
    place = re.search(r"([\w./-]+\.(?:yaml|jsonl|csv)):(\d+):(\d+) ", told)
    assert place is not None, told
    line = (folder / Path(place[1]).name).read_text().splitlines()[int(place[2]) - 1]
    return line[int(place[3]) - 1 :]


def written(folder: Path, name: str, content: object) -> Path:
    """A YAML file; JSON is YAML, but for characters that YAML does not print or takes for line ends."""
    text = json.dumps(content, ensure_ascii=False)
    path = folder / name
    path.write_text(re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", lambda it: f"\\u{ord(it[0]):04x}", text))
    return path


def suite_file(folder: Path, **changes: object) -> Path:
    """A suite that loads, but for `changes`; a change to None leaves the key away."""
    content = {key.rstrip("_"): value for key, value in ({**SUITE, **changes}).items() if value is not None}
    return written(folder, "suite.yaml", content)


def variant(name: str = "full", **changes: object) -> dict[str, object]:
    """An entry of a catalogue."""
    return {"id": name, "provider": "here", "quantization": "bf16", "price": {"input": 1, "output": 2}, **changes}


def catalog(folder: Path, *variants: Mapping[str, object], **provider: object) -> Catalog:
    """A catalogue with one provider called `here` and one model called `toy`."""
    here = {"id": "here", "base_url": "http://127.0.0.1:9/v1", **provider}
    models = [{"id": "toy", "variants": list(variants) or [variant()]}]
    return load_catalog(written(folder, "catalog.yaml", {"version": 1, "providers": [here], "models": models}))


def questions(count: int) -> list[Question]:
    """Different questions, `q0` to `q<count-1>`."""
    return [Question(f"c{n}", Request(f"q{n}", {"temperature": 0.0})) for n in range(count)]


@dataclass
class Asked:
    """A call that arrived at the server; `nth` counts the calls with this prompt, from 1."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, object]
    nth: int
    query: str = ""
    peer: object = None

    @property
    def prompt(self) -> str:
        return str(self.body.get("prompt"))


@dataclass
class Sent:
    """What the server does with a call: answers, or breaks off after `only` bytes, or before the first.

    With `pieces` it sends those one by one instead of the body; a number among them is a pause in seconds.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    only: int | None = None
    reset: bool = False
    after: float = 0.0
    pieces: Sequence[bytes | float] = ()


def completion(text: str, **more: object) -> Sent:
    """A completion as the OpenAI API sends it."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return Sent(json.dumps({"choices": [{"text": text, "finish_reason": "stop"}], "usage": usage, **more}).encode())


def failure(status: int, message: str = "no", **headers: str) -> Sent:
    """An error as the OpenAI API sends it, with leave to try again at once."""
    named = {"retry-after-ms": "1"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(json.dumps({"error": {"message": message}}).encode(), status, named)


class Loopback:
    """An HTTP server in a thread; `behave` says what becomes of a call, `asked` keeps all of them.

    `left` is set when somebody closes a stream before its end.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.behave: Callable[[Asked], Sent] = lambda asked: completion(f"answer to {asked.prompt}")
        self.most_at_once = 0
        self.left = threading.Event()
        self._running = 0
        self._counts: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def prompts(self) -> Counter[str]:
        """How often each prompt arrived."""
        return Counter(asked.prompt for asked in self.asked)

    def endpoint(self, folder: Path, **provider: object) -> Endpoint:
        """A variant that is served here."""
        return catalog(folder, base_url=self.url, **provider).endpoints("toy")["full"]

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        await self._runner.cleanup()
        late = asyncio.all_tasks() - {asyncio.current_task()}  # calls whose client left long ago
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _start(self) -> int:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._counts[str(body.get("prompt"))] += 1
        asked = Asked(request.path, dict(request.headers), body, self._counts[str(body.get("prompt"))])
        asked.query = request.query_string
        asked.peer = request.transport and request.transport.get_extra_info("peername")
        self.asked.append(asked)
        sent = self.behave(asked)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        await asyncio.sleep(sent.after)
        self._running -= 1
        if sent.reset:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if sent.pieces:
            return await self._in_pieces(request, sent)
        if sent.only is None:
            return web.Response(
                body=sent.body, status=sent.status, headers={"Content-Type": "application/json"} | sent.headers
            )
        partial = web.StreamResponse(headers=sent.headers | {"Content-Length": str(len(sent.body))})
        await partial.prepare(request)
        await partial.write(sent.body[: sent.only])
        assert request.transport is not None
        request.transport.close()
        return partial

    async def _in_pieces(self, request: web.Request, sent: Sent) -> web.StreamResponse:
        response = web.StreamResponse(status=sent.status, headers=sent.headers)
        await response.prepare(request)
        try:
            for piece in sent.pieces:
                await (response.write(piece) if isinstance(piece, bytes) else asyncio.sleep(piece))
        except ConnectionResetError:
            self.left.set()
        return response


@pytest.fixture
def server() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Next to no pause between two attempts, also where the server could not ask for it."""
    monkeypatch.setattr("evalgate.providers.retry.BASE_SECONDS", 0.001)
    monkeypatch.setattr("evalgate.providers.retry.CAP_SECONDS", 0.01)
    monkeypatch.setattr("evalgate.providers.retry.FLOOR_SECONDS", 0.001)
