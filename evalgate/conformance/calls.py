"""Calls to the router as its users make them, and what became of each."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from evalgate.conformance.upstreams import Ledger

if TYPE_CHECKING:
    import httpx

CONCURRENCY = 8
NAMED_IN = ("header", "metadata")  # where a call may name its operation
_HEADER = "x-evalgate-operation"
_LARGEST_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. `extra` are further fields of the body, as a user of this router might send them."""

    operation: str | None
    stream: bool = False
    named_in: tuple[str, ...] = NAMED_IN
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a call: `asked` are the model servers that saw it, in order; `served` whose answer came back.

    `status` is None when the router broke off.
    """

    call: Call
    marker: str
    status: int | None
    served: str | None
    asked: tuple[str, ...]
    at: float

    @property
    def failed(self) -> bool:
        """Its caller has no whole answer."""
        return self.served is None


class Caller:
    """Asks the router. Use as an asynchronous context."""

    def __init__(self, router: str, model: str, ledger: Ledger, *, api_key: str | None, timeout: float) -> None:
        base = router.rstrip("/")
        self.url = base if base.endswith("/chat/completions") else f"{base.removesuffix('/v1')}/v1/chat/completions"
        self.model, self.ledger, self.calls = model, ledger, 0
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout, self._turn = timeout, asyncio.Semaphore(CONCURRENCY)
        self._client: httpx.AsyncClient | None = None

    async def ask(self, call: Call) -> Reply:
        """Ask once; a router that cannot be reached, or answers nonsense, is a failed call."""
        import httpx

        marker = f"evalgate-call-{secrets.token_hex(6)}"
        client = self._client
        if client is None:
            raise RuntimeError("not open: use it as a context")
        async with self._turn:
            self.calls += 1
            started = time.monotonic()
            try:
                async with client.stream(
                    "POST", self.url, json=self._body(call, marker), headers=self._heading(call)
                ) as response:
                    status: int | None = response.status_code
                    text = await _read(response)
            except httpx.HTTPError:
                status, text = None, b""
        served = _content(text, stream=call.stream) if status == 200 else None
        return Reply(call, marker, status, served, self.ledger.who(marker), started)

    async def ask_all(self, calls: list[Call]) -> list[Reply]:
        """Ask them all, a few at a time."""
        return list(await asyncio.gather(*(self.ask(call) for call in calls)))

    def _body(self, call: Call, marker: str) -> dict[str, Any]:
        metadata = dict(call.metadata)
        if call.operation is not None and "metadata" in call.named_in:
            metadata["operation_id"] = call.operation
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": f"Who are you? ({marker})"}],
            "max_tokens": 16,
            **call.extra,
        }
        if metadata:
            body["metadata"] = metadata
        if call.stream:
            body["stream"] = True
        return body

    def _heading(self, call: Call) -> dict[str, str]:
        named = {_HEADER: call.operation} if call.operation is not None and "header" in call.named_in else {}
        return {**self._headers, **named, **call.headers}

    async def __aenter__(self) -> Caller:
        import httpx

        # a connection that is kept may be one that the router closes at this moment, or lost when it was restarted;
        # trust_env: a proxy that is meant for the internet must not stand before loopback
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=self._timeout, limits=once, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()


async def _read(response: httpx.Response) -> bytes:
    """The body, or its beginning: whatever listens there may be no router, and talk for ever."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            break
    return bytes(body)


def _content(data: bytes, *, stream: bool) -> str | None:
    """The text of a whole answer; None of anything else, such as a stream that ends without saying so."""
    try:
        if not stream:
            content = json.loads(data)["choices"][0]["message"]["content"]
            return content if isinstance(content, str) else None
        events = [line[5:].strip() for line in data.decode().splitlines() if line.startswith("data:")]
        if "[DONE]" not in events:
            return None
        choices = [choice for each in events if each != "[DONE]" for choice in json.loads(each)["choices"]]
        return "".join(choice["delta"].get("content") or "" for choice in choices)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
