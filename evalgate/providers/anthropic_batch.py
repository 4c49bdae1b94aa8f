"""Anthropic's Message Batches API: the requests go to `/messages/batches` in one body, and one file comes back.

A batch can carry nothing of ours. So when the response to its creation is lost, nobody can tell it from other batches
while it runs, and it is paid without being fetched; `submit` is therefore never tried again on a mere suspicion.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing

import orjson

from evalgate.catalog import Endpoint, Provider
from evalgate.exchange import JsonValue
from evalgate.providers.anthropic import build, read
from evalgate.providers.batch import BatchState, KeyedAnswer, KeyedBody, KeyedQuestion, Result, split
from evalgate.providers.batch_results import accepted, answer_of, batch_in, count, id_of, row_of
from evalgate.providers.reply import Reply
from evalgate.providers.transfer import Transfer

MOST_QUESTIONS, MOST_BYTES = 100_000, 256_000_000
_PATH = "/messages/batches"
_STATUS = {  # of an error's type, as the API's own documentation pairs them
    "invalid_request": 400,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_NOT_DONE = {"expired": "expired: it was not reached within 24 hours", "canceled": "canceled: the batch was cancelled"}


class AnthropicBatches:
    """See `BatchClient`."""

    traceable = False

    def __init__(self, provider: Provider, key: str | None) -> None:
        self._provider = provider
        self._http = Transfer(provider, key)

    def split(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], most: int) -> Iterator[list[KeyedQuestion]]:
        """See `BatchClient.split`."""

        def size(item: KeyedQuestion) -> int:
            return len(_request(item[0], orjson.dumps(build(endpoint, item[1].request)[1]))) + 1

        most = min(most, MOST_QUESTIONS)
        return split(items, size, most, MOST_BYTES - 100)

    async def submit(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], token: str) -> str:
        """See `BatchClient.submit`; the token goes nowhere."""
        built = ((key, build(endpoint, question.request)[1]) for key, question in items)
        return await self.hand_in("/messages", [(key, orjson.dumps(body)) for key, body in built], token)

    async def hand_in(self, path: str, bodies: Sequence[KeyedBody], token: str) -> str:
        """See `BatchClient.hand_in`."""
        del path, token  # messages are all that there is, and nothing of ours can go along
        body = b",".join(_request(key, params) for key, params in bodies)
        reply = await self._http.send(_PATH, b'{"requests":[' + body + b"]}")
        return id_of(accepted(reply, self._provider, self._http.redact), "batch")

    async def find(self, tokens: Collection[str], since: float) -> Mapping[str, str]:
        """See `BatchClient.find`: there is no way to find any."""
        return {}

    async def poll(self, batch: str) -> BatchState:
        """See `BatchClient.poll`."""
        body = await self._look(batch)
        counts = body.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        finished = sum(count(counts.get(name)) for name in ("succeeded", "errored", "canceled", "expired"))
        status = body.get("processing_status")
        return BatchState(
            status == "ended",
            finished + count(counts.get("processing")),
            finished,
            self._http.redact(str(status)),
            cancelled=isinstance(body.get("cancel_initiated_at"), str),
        )

    async def results(self, batch: str) -> AsyncGenerator[tuple[str, Result], None]:
        """See `BatchClient.results`; results that were thrown away (after 29 days) are none."""
        url = (await self._look(batch)).get("results_url")
        if not isinstance(url, str):
            return
        path = self._http.path_of(url) or f"{_PATH}/{batch}/results"
        async with aclosing(self._http.lines(path)) as lines:
            async for line in lines:
                if (row := row_of(line)) is not None:
                    yield row[0], _result(row[1].get("result"))

    async def fetch(self, batch: str) -> AsyncGenerator[KeyedAnswer, None]:
        """See `BatchClient.fetch`."""
        async with aclosing(self.results(batch)) as results:
            async for key, result in results:
                yield key, answer_of(result, read, self._http.redact)

    async def cancel(self, batch: str) -> None:
        """See `BatchClient.cancel`."""
        if not (await self.poll(batch)).done:  # one that is done would turn it down
            await self._http.post(f"{_PATH}/{batch}/cancel", {})

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def _look(self, batch: str) -> dict[str, JsonValue]:
        return batch_in(await self._http.get(f"{_PATH}/{batch}"), batch, self._http.redact)


def _result(result: JsonValue) -> Result:
    result = result if isinstance(result, dict) else {}
    kind = result.get("type")
    if kind == "succeeded":
        return Reply(200, result.get("message"))
    if kind == "errored":
        error = result.get("error")  # an error response, as the Messages API sends it: its type is "error"
        inner = error.get("error") if isinstance(error, dict) else None
        inner = inner if isinstance(inner, dict) else error
        named = inner.get("type") if isinstance(inner, dict) else None
        return Reply(_STATUS.get(named, 500) if isinstance(named, str) else 500, {"error": inner})
    return _NOT_DONE.get(str(kind), f"a result of unknown type {kind!r}")


def _request(key: str, params: bytes) -> bytes:
    return orjson.dumps({"custom_id": key, "params": orjson.Fragment(params)})
