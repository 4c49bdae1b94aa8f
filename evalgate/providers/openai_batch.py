"""OpenAI's batch API: a file of requests goes to `/files`, a batch of it to `/batches`, and two files come back.

One holds the responses, the other the requests that failed or were not reached in time. Azure's and many servers' API
is the same. A batch carries our token in its metadata, so that it can be found again when its id was never heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing

import orjson

from evalgate.catalog import Endpoint, Provider
from evalgate.errors import ProviderError
from evalgate.exchange import JsonValue
from evalgate.providers.base import AttemptFailed
from evalgate.providers.batch import BatchState, KeyedAnswer, KeyedBody, KeyedQuestion, Result, split
from evalgate.providers.batch_results import accepted, answer_of, batch_in, count, id_of, row_of
from evalgate.providers.openai import build, read
from evalgate.providers.reply import Reply, message_of
from evalgate.providers.transfer import Transfer

MOST_QUESTIONS, MOST_BYTES = 50_000, 200_000_000
TOKEN = "evalgate"  # noqa: S105  # its name in the metadata
_DONE = {"completed", "failed", "expired", "cancelled"}
_CROWDED = "token_limit_exceeded"  # "Please try again once some in_progress batches have been completed"
_GETTING_READY = {"pending", "running"}  # of a file: Azure makes no batch of it before it has looked at it
_READY_TRIES, _READY_SECONDS = 120, 5.0
_PAGE, _PAGES = 100, 500
_DAY = 86_400.0  # no two clocks are farther apart


class OpenAIBatches:
    """See `BatchClient`."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        self.traceable = True
        self._provider = provider
        self._http = Transfer(provider, key)

    def split(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], most: int) -> Iterator[list[KeyedQuestion]]:
        """See `BatchClient.split`: all requests of a batch go to the same path, besides."""

        def size(item: KeyedQuestion) -> int:
            path, body = build(endpoint, item[1].request)
            return len(_line(item[0], self._url(path), orjson.dumps(body))) + 1

        by_path: dict[str, list[KeyedQuestion]] = {}
        for item in items:
            by_path.setdefault(build(endpoint, item[1].request)[0], []).append(item)
        for part in by_path.values():
            yield from split(part, size, min(most, MOST_QUESTIONS), MOST_BYTES)

    async def submit(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], token: str) -> str:
        """See `BatchClient.submit`."""
        built = [(key, *build(endpoint, question.request)) for key, question in items]
        return await self.hand_in(built[0][1], [(key, orjson.dumps(body)) for key, _, body in built], token)

    async def hand_in(self, path: str, bodies: Sequence[KeyedBody], token: str) -> str:
        """See `BatchClient.hand_in`."""
        url = self._url(path)
        lines = b"".join(_line(key, url, body) + b"\n" for key, body in bodies)
        uploaded = self._accepted(await self._http.upload("/files", {"purpose": "batch"}, "questions.jsonl", lines))
        file = await self._ready(uploaded)
        body: dict[str, JsonValue] = {
            "input_file_id": file,
            "endpoint": url,
            "completion_window": "24h",
            "metadata": {TOKEN: token},
        }
        return id_of(self._accepted(await self._http.post("/batches", body)), "batch")

    async def find(self, tokens: Collection[str], since: float) -> Mapping[str, str]:
        """See `BatchClient.find`; batches are listed from the newest on."""
        found: dict[str, str] = {}
        path = f"/batches?limit={_PAGE}"
        after = ""
        for _ in range(_PAGES):
            reply = await self._http.get(path + after)
            if reply.status == 404:  # not all that speak this protocol have a list
                self.traceable = False
                break
            page = reply.body
            batches = page.get("data") if isinstance(page, dict) else None
            if not isinstance(page, dict) or not isinstance(batches, list):
                reason = "the list of batches cannot be read"
                raise AttemptFailed(reason)
            rows = [batch for batch in batches if isinstance(batch, dict)]
            for row in rows:
                metadata = row.get("metadata")
                token = metadata.get(TOKEN) if isinstance(metadata, dict) else None
                if isinstance(token, str) and token in tokens:
                    found[token] = id_of(row, "batch")
            created = [at for row in rows if isinstance(at := row.get("created_at"), int)]
            if len(found) == len(tokens) or not rows or not page.get("has_more"):
                break
            if created and max(created) < since - _DAY:
                break
            after = f"&after={id_of(rows[-1], 'batch')}"
        return found

    async def poll(self, batch: str) -> BatchState:
        """See `BatchClient.poll`."""
        body = await self._look(batch)
        status, counts = body.get("status"), body.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        finished = count(counts.get("completed")) + count(counts.get("failed"))
        why = _errors(body.get("errors"))
        return BatchState(
            status in _DONE,
            count(counts.get("total")),
            finished,
            self._http.redact(str(status)),
            cancelled=status in {"cancelling", "cancelled"},
            refused=self._http.redact("; ".join(why)) if status == "failed" else None,
            crowded=any(text.startswith(_CROWDED) for text in why),
        )

    async def results(self, batch: str) -> AsyncGenerator[tuple[str, Result], None]:
        """See `BatchClient.results`."""
        body = await self._look(batch)
        for name in ("output_file_id", "error_file_id"):
            if not body.get(name):
                continue
            file = id_of({"id": body[name]}, "results")
            async with aclosing(self._http.lines(f"/files/{file}/content")) as lines:
                async for line in lines:
                    if (row := row_of(line)) is not None:
                        yield row[0], _result(row[1])

    async def fetch(self, batch: str) -> AsyncGenerator[KeyedAnswer, None]:
        """See `BatchClient.fetch`."""
        async with aclosing(self.results(batch)) as results:
            async for key, result in results:
                yield key, answer_of(result, read, self._http.redact)

    async def cancel(self, batch: str) -> None:
        """See `BatchClient.cancel`."""
        if not (await self.poll(batch)).done:  # one that is done would turn it down
            self._accepted(await self._http.post(f"/batches/{batch}/cancel", {}))

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def _url(self, path: str) -> str:
        return path if self._provider.protocol == "azure" else f"/v1{path}"

    async def _look(self, batch: str) -> dict[str, JsonValue]:
        return batch_in(await self._http.get(f"/batches/{batch}"), batch, self._http.redact)

    async def _ready(self, uploaded: JsonValue) -> str:
        """The id of an uploaded file, when a batch can be made of it."""
        file = id_of(uploaded, "file")
        for _ in range(_READY_TRIES):
            status = uploaded.get("status") if isinstance(uploaded, dict) else None
            if status == "error":
                raise ProviderError(f"provider {self._provider.id!r} cannot use the file of questions it was sent")
            if status not in _GETTING_READY:
                return file
            await asyncio.sleep(_READY_SECONDS)
            uploaded = (await self._http.get(f"/files/{file}")).body
        reason = "the uploaded file does not get ready"
        raise AttemptFailed(reason)

    def _accepted(self, reply: Reply) -> JsonValue:
        return accepted(reply, self._provider, self._http.redact)


def _line(key: str, url: str, body: bytes) -> bytes:
    return orjson.dumps({"custom_id": key, "method": "POST", "url": url, "body": orjson.Fragment(body)})


def _result(row: dict[str, JsonValue]) -> Result:
    response = row.get("response")
    status = response.get("status_code") if isinstance(response, dict) else None
    if isinstance(response, dict) and isinstance(status, int) and status:
        return Reply(status, response.get("body"))
    error = row.get("error")  # "failed with a non-HTTP error": it expired, most often
    return f"{error.get('code')}: {message_of(error)}" if isinstance(error, dict) else "it has no response"


def _errors(errors: JsonValue) -> list[str]:
    """Why a batch was refused as a whole: `code: message (line)` of each error."""
    data = errors.get("data") if isinstance(errors, dict) else None
    told = []
    for error in data if isinstance(data, list) else []:
        if isinstance(error, dict):
            line = f" (line {error['line']})" if isinstance(error.get("line"), int) else ""
            told.append(f"{error.get('code')}: {message_of(error)}{line}")
    return told or ["it names no reason"]
