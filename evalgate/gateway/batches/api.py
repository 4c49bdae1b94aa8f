"""`/v1/files` and `/v1/batches`, as the OpenAI API has them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial

import orjson
from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from evalgate.errors import EvalgateError
from evalgate.gateway.asked import headers_of
from evalgate.gateway.batches.input import ENDPOINTS, MOST_BYTES
from evalgate.gateway.batches.lines import FIXED_OPERATION, FIXED_TIER
from evalgate.gateway.batches.shapes import Json, batch_object, deleted_object, file_object, list_object
from evalgate.gateway.batches.tier import BatchTier, logger
from evalgate.gateway.caller import Caller
from evalgate.gateway.refusal import Refused
from evalgate.gateway.shapes import error_body, retry_header
from evalgate.router.call import LONGEST_NAME
from evalgate.store import files, jobs
from evalgate.store.files import CHUNK, KeptFile
from evalgate.store.jobs import Job

WINDOW = 86_400.0  # seconds, the only completion window that there is
OVERHEAD = 64 * 1024  # bytes of a form beside its file
MOST_BODY = 64 * 1024  # bytes of a batch's own JSON
MOST_FILES, MOST_BATCHES = 10_000, 100  # on one page
LONGEST_FILE_NAME = 255
PURPOSE = "batch"
_METADATA = (16, 64, 512)  # pairs, characters of a name, of a value

Handler = Callable[[BatchTier, Caller, Request], Awaitable[Response]]


def routes(tier: BatchTier) -> list[Route]:
    """The routes that the gateway's application mounts."""
    table: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/files", _upload),
        ("GET", "/v1/files", _files),
        ("GET", "/v1/files/{file}", _file),
        ("DELETE", "/v1/files/{file}", _delete),
        ("GET", "/v1/files/{file}/content", _content),
        ("POST", "/v1/batches", _create),
        ("GET", "/v1/batches", _batches),
        ("GET", "/v1/batches/{batch}", _batch),
        ("POST", "/v1/batches/{batch}/cancel", _cancel),
    ]
    return [Route(path, _guarded(tier, handler), methods=[method]) for method, path, handler in table]


def _guarded(tier: BatchTier, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            caller = tier.doorkeeper.admit(headers_of(request.scope["headers"]))
            return await handler(tier, caller, request)
        except Refused as refused:
            return _refusal(refused)
        except EvalgateError as failure:  # the store's; what it says is the operator's
            logger.warning("%s %s: %s", request.method, request.url.path, failure)
            return _refusal(Refused(503, "api_error", "the store of batches cannot be reached", retry_after=5.0))
        except ClientDisconnect:
            return Response(status_code=499)

    return endpoint


def _refusal(refused: Refused) -> Response:
    headers = {name.decode(): value.decode() for name, value in retry_header(refused.retry_after)}
    return Response(error_body("openai", refused), refused.status, headers, "application/json")


# files


async def _upload(tier: BatchTier, caller: Caller, request: Request) -> Response:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and len(declared) < 20 and int(declared) > MOST_BYTES + OVERHEAD:
        raise _too_large()
    form = await _form(_Bounded(request.scope, request.receive))
    try:
        return await _keep(tier, caller, form)
    finally:
        await form.close()


async def _keep(tier: BatchTier, caller: Caller, form: FormData) -> Response:
    upload, purpose = form.get("file"), form.get("purpose")
    if not isinstance(upload, UploadFile):
        raise _invalid("file: expected a file of JSON lines, as multipart/form-data")
    if purpose != PURPOSE:
        raise _invalid(f"purpose: expected {PURPOSE!r}, got {str(purpose)[:40]!r}")
    now = tier.now()
    name = (upload.filename or "file")[:LONGEST_FILE_NAME].replace("\0", "")
    expires_at = min(tier.keep_until(), now + _lifetime(form))
    file = files.new_file(caller.id, name, PURPOSE, now, expires_at)
    await asyncio.to_thread(files.begin, tier.store, file)
    size = number = 0
    while data := await upload.read(CHUNK):
        await asyncio.to_thread(files.append, tier.store, file, number, data)
        size, number = size + len(data), number + 1
    await asyncio.to_thread(files.finish, tier.store, file, size)
    kept = await asyncio.to_thread(files.find, tier.store, caller.id, file.id)
    return _json(file_object(kept or file))


def _lifetime(form: FormData) -> float:
    """Seconds that the client wants the file to be kept, at most."""
    given = form.get("expires_after[seconds]")
    if given is None:
        return float("inf")
    if not isinstance(given, str) or not given.isdigit() or not 3600 <= int(given[:9]) <= 2_592_000:
        raise _invalid("expires_after.seconds: expected a number of seconds from 3600 to 2592000")
    return float(given)


async def _files(tier: BatchTier, caller: Caller, request: Request) -> Response:
    query = request.query_params
    most = _limit(query.get("limit"), MOST_FILES, MOST_FILES)
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise _invalid(f"order: expected 'asc' or 'desc', got {order[:20]!r}")
    look = partial(files.listed, purpose=query.get("purpose"), after=query.get("after"), oldest_first=order == "asc")
    page = await asyncio.to_thread(partial(look, most=most), tier.store, caller.id)
    if page is None:
        raise _missing("file", query.get("after", ""))
    return _json(list_object([file_object(each) for each in page[0]], more=page[1]))


async def _file(tier: BatchTier, caller: Caller, request: Request) -> Response:
    return _json(file_object(await _found(tier, caller, request)))


async def _delete(tier: BatchTier, caller: Caller, request: Request) -> Response:
    file = await _found(tier, caller, request)
    await asyncio.to_thread(files.delete, tier.store, file)
    return _json(deleted_object(file.id))


async def _content(tier: BatchTier, caller: Caller, request: Request) -> Response:
    file = await _found(tier, caller, request)
    headers = {"content-length": str(file.bytes), "x-content-type-options": "nosniff"}
    pieces = _pieces(files.content(tier.store, file))
    return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)


async def _pieces(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, content, None)) is not None:
        yield piece


async def _found(tier: BatchTier, caller: Caller, request: Request) -> KeptFile:
    name = request.path_params["file"]
    file = await asyncio.to_thread(files.find, tier.store, caller.id, name) if _is_name(name) else None
    if file is None:
        raise _missing("file", name)
    return file


# batches


async def _create(tier: BatchTier, caller: Caller, request: Request) -> Response:
    body = await _body(request)
    endpoint, given = body.get("endpoint"), body.get("input_file_id")
    if endpoint not in ENDPOINTS:
        raise _invalid(f"endpoint: expected one of {', '.join(ENDPOINTS)}, got {str(endpoint)[:60]!r}")
    if body.get("completion_window") != "24h":
        raise _invalid(f"completion_window: expected '24h', got {str(body.get('completion_window'))[:20]!r}")
    metadata = _metadata(body.get("metadata"))
    operation = caller.operation or metadata.get("operation_id") or None
    if operation is not None and len(operation) > LONGEST_NAME:
        raise _invalid(f"metadata.operation_id: expected at most {LONGEST_NAME} characters")
    name = given if isinstance(given, str) and _is_name(given) else ""
    file = await asyncio.to_thread(files.find, tier.store, caller.id, name)
    if file is None or file.purpose != PURPOSE:
        raise _invalid(f"input_file_id: there is no file {str(given)[:60]!r} with the purpose {PURPOSE!r}")
    now = tier.now()
    job = Job(
        job=jobs.new_name(),
        owner=caller.id,
        operation=operation,
        tier=caller.tier or ("realtime" if metadata.get("tier") == "realtime" else "batch"),
        fixed=FIXED_OPERATION * (caller.operation is not None) + FIXED_TIER * (caller.tier is not None),
        endpoint=str(endpoint),
        input_file=file.id,
        metadata=orjson.dumps(metadata) if body.get("metadata") is not None else None,
        status="validating",
        created_at=now,
        expires_at=now + WINDOW,
    )
    await asyncio.to_thread(jobs.add, tier.store, job)
    tier.ring()
    return _json(batch_object(job, (0, 0, 0)))


async def _batches(tier: BatchTier, caller: Caller, request: Request) -> Response:
    most = _limit(request.query_params.get("limit"), 20, MOST_BATCHES)
    after = request.query_params.get("after")
    page = await asyncio.to_thread(partial(jobs.listed, after=after, most=most), tier.store, caller.id)
    if page is None:
        raise _missing("batch", after or "")
    told = [batch_object(each, await asyncio.to_thread(jobs.counts, tier.store, each)) for each in page[0]]
    return _json(list_object(told, more=page[1]))


async def _batch(tier: BatchTier, caller: Caller, request: Request) -> Response:
    job = await _job(tier, caller, request)
    return _json(batch_object(job, await asyncio.to_thread(jobs.counts, tier.store, job)))


async def _cancel(tier: BatchTier, caller: Caller, request: Request) -> Response:
    job = await _job(tier, caller, request)
    if job.status not in ("cancelling", "cancelled"):
        cancel = partial(jobs.change, of=("validating", "in_progress"), cancelling_at=tier.now())
        if not await asyncio.to_thread(cancel, tier.store, job.job, "cancelling"):
            job = await _job(tier, caller, request)
            message = f"a batch with status {job.status!r} cannot be cancelled"
            raise Refused(409, "invalid_request_error", message)
        tier.ring()
    return await _batch(tier, caller, request)


async def _job(tier: BatchTier, caller: Caller, request: Request) -> Job:
    name = request.path_params["batch"]
    job = await asyncio.to_thread(jobs.find, tier.store, name, caller.id) if _is_name(name) else None
    if job is None:
        raise _missing("batch", name)
    return job


# what clients may send


def _metadata(given: object) -> dict[str, str]:
    pairs, longest_name, longest_value = _METADATA
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > pairs:
        raise _invalid(f"metadata: expected at most {pairs} pairs of texts")
    for name, value in given.items():
        if not isinstance(value, str) or len(name) > longest_name or len(value) > longest_value:
            expected = f"a name of at most {longest_name} and a text of at most {longest_value} characters"
            raise _invalid(f"metadata.{name[:longest_name]}: expected {expected}")
    return given


async def _body(request: Request) -> Mapping[str, object]:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > MOST_BODY:
            raise Refused(413, "request_too_large", f"the body has more than {MOST_BODY >> 10} KiB")
    try:
        body = orjson.loads(data)
        orjson.dumps(body)  # what is nested too deeply can be read, but not written
    except (json.JSONDecodeError, TypeError, ValueError):
        raise _invalid("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise _invalid("the body is not a JSON object")
    return body


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _invalid("expected multipart/form-data with the fields purpose and file")
    try:
        return await request.form(max_files=1, max_fields=10, max_part_size=OVERHEAD)
    except (MultiPartException, MultipartParseError, HTTPException, KeyError, ValueError) as failure:
        said = failure.detail if isinstance(failure, HTTPException) else str(failure)
        raise _invalid(f"the form cannot be read: {said[:200]}") from None


class _Bounded(Request):
    """A request whose body ends with an error where it is longer than a file may be."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body, piece by piece."""
        size = 0
        async for piece in super().stream():
            size += len(piece)
            if size > MOST_BYTES + OVERHEAD:
                raise _too_large()
            yield piece


def _limit(given: str | None, default: int, most: int) -> int:
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most:
        raise _invalid(f"limit: expected a number from 1 to {most}, got {given[:20]!r}")
    return int(given[:9])


def _is_name(text: str) -> bool:
    """Whether a text may be an id at all; PostgreSQL refuses a NUL within."""
    return text.isascii() and text.isprintable() and len(text) <= 100


def _json(body: Json) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def _invalid(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)


def _too_large() -> Refused:
    return Refused(413, "request_too_large", f"a file may have at most {MOST_BYTES:,} bytes")


def _missing(what: str, name: str) -> Refused:
    return Refused(404, "not_found_error", f"there is no {what} {name[:60]!r}")
