"""HTTP as every wire protocol here needs it: one session, bounded bodies, typed failures, and no key in any message.

aiohttp, because calls are many and a harness should cost little CPU beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from evalgate import __version__
from evalgate.catalog import Provider
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import JsonValue
from evalgate.providers.base import AttemptFailed

MAX_BODY_BYTES = 8 * 1024 * 1024
RETRYABLE = {408, 409, 425, 429}  # and whatever begins with 5
KEY_REJECTED = {401, 403}
MAX_MESSAGE = 300
MIN_SECRET = 16  # characters; shorter keys are placeholders such as EMPTY, and may be words of an answer
_TURNED_AWAY = {  # scored as a bad answer, each of these would be held against the model
    402: "its credit is used up",
    404: "check base_url, and the model's name there (served_as)",
    405: "check base_url",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is not a reason to try again: 2xx, or a refusal of this one question (4xx)."""

    status: int
    body: JsonValue


class HttpClient:
    """POSTs JSON to one provider."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        self._provider, self._key = provider, key
        headers = {"Content-Type": "application/json", "User-Agent": f"evalgate/{__version__}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._base = (provider.base_url or "").rstrip("/")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=provider.concurrency),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=provider.timeout, sock_connect=min(10.0, 0.9 * provider.timeout)),
        )

    async def post(self, path: str, body: Mapping[str, JsonValue]) -> Reply:
        """POST `body`; raises `AttemptFailed` when another attempt may help, `ProviderError` when no call will."""
        try:
            async with self._session.post(
                self._base + path, data=orjson.dumps(body), allow_redirects=False
            ) as response:
                data = await self._read(response)
                return self._judge(response, data)
        except aiohttp.ClientConnectorError as failure:
            raise AttemptFailed(f"no connection: {failure.strerror}", unreachable=True) from None
        except (aiohttp.InvalidURL, UnicodeError):
            raise InputError(f"provider {self._provider.id!r}: invalid base_url {self._base}") from None
        except aiohttp.ServerTimeoutError:  # of the connection alone: nothing else has a time limit of its own
            raise AttemptFailed("no connection in time", unreachable=True) from None
        except TimeoutError:
            raise AttemptFailed(f"no answer within {self._provider.timeout:g} s") from None
        except aiohttp.ClientError as failure:
            raise AttemptFailed(f"connection broke: {self.redact(type(failure).__name__)}") from None

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def redact(self, text: str) -> str:
        """`text` without the key, on one line, shortened: for messages that may echo what was sent."""
        without = text.replace(self._key, "[key]") if self._key else text
        return " ".join(without.split())[:MAX_MESSAGE]

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                response.close()  # the rest is not wanted, and reading it would cost time and memory
                message = f"provider {self._provider.id!r} sent an answer of more than {MAX_BODY_BYTES >> 20} MiB"
                raise InputError(f"{message}; lower max_tokens in the suite, or look at what answers at {self._base}")
            chunks.append(chunk)
        data = b"".join(chunks)
        if self._key is not None and len(self._key) >= MIN_SECRET:  # an endpoint that echoes it must not get it stored
            data = data.replace(self._key.encode(), b"[key]")
        return data

    def _judge(self, response: aiohttp.ClientResponse, data: bytes) -> Reply:
        status = response.status
        if status in RETRYABLE or status >= 500:
            message = f"HTTP {status}: {self.redact(error_message(data))}"
            raise AttemptFailed(message, retry_after=_retry_after(response.headers))
        if status in KEY_REJECTED:
            variable = self._provider.api_key_env or "api_key_env (none is set in the catalogue)"
            message = f"provider {self._provider.id!r} rejects the key (HTTP {status}); check {variable}"
            raise ProviderError(message)
        if hint := _TURNED_AWAY.get(status) or (_TURNED_AWAY[404] if 300 <= status < 400 else None):
            what = f"provider {self._provider.id!r} at {response.url.path} turns every call away (HTTP {status})"
            raise ProviderError(f"{what}: {self.redact(error_message(data))}; {hint}")
        try:
            return Reply(status, orjson.loads(data))
        except orjson.JSONDecodeError:
            if status >= 400:
                return Reply(status, {"error": {"message": data.decode(errors="replace")}})
            raise AttemptFailed("the response is not JSON") from None


def error_message(data: bytes) -> str:
    """The human part of an error body, whatever its shape."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return data.decode(errors="replace").strip()
    return message_of(body)


def message_of(body: JsonValue) -> str:
    """`error.message`, `error` or `message` of a JSON error body; else the body itself."""
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message", error) if isinstance(error, dict) else error
    if isinstance(message, str):
        return message
    try:
        return orjson.dumps(message).decode()
    except TypeError:  # orjson reads four times as deep as it writes
        return "a message that is nested too deeply"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After`; dates and nonsense are left to the backoff."""
    for name, unit in (("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
