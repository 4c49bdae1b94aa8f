"""Files, batches and lists as the OpenAI API writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from evalgate.exchange import JsonValue
from evalgate.store.files import KeptFile
from evalgate.store.jobs import Job

Json = Mapping[str, JsonValue]
_TIMES = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)


def file_object(file: KeptFile) -> Json:
    """One file."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created_at),
        "expires_at": int(file.expires_at),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def batch_object(job: Job, counts: tuple[int, int, int]) -> Json:
    """One batch; `counts`: of all its requests, those that are done, and those that failed."""
    total, completed, failed = counts
    errors: JsonValue = None if job.errors is None else {"object": "list", "data": orjson.loads(job.errors)}
    times = {name: None if (at := getattr(job, name)) is None else int(at) for name in _TIMES}
    return {
        "id": job.job,
        "object": "batch",
        "endpoint": job.endpoint,
        "errors": errors,
        "input_file_id": job.input_file,
        "completion_window": "24h",
        "status": job.status,
        "output_file_id": job.output_file,
        "error_file_id": job.error_file,
        "created_at": int(job.created_at),
        "expires_at": int(job.expires_at),
        **times,
        "request_counts": {"total": total, "completed": completed, "failed": failed},
        "metadata": None if job.metadata is None else orjson.loads(job.metadata),
    }


def list_object(data: Sequence[Json], *, more: bool) -> Json:
    """A page of a list."""
    ids = [each["id"] for each in data]
    return {
        "object": "list",
        "data": [dict(each) for each in data],
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": more,
    }


def deleted_object(file: str) -> Json:
    """What is said of a file that was there."""
    return {"id": file, "object": "file", "deleted": True}


def result_line(job: str, number: int, custom_id: str, *, response: JsonValue = None, error: JsonValue = None) -> bytes:
    """A line of a results' file: a response, or why there is none. The same line has the same id, however often."""
    row: Json = {
        "id": f"batch_req_{job.removeprefix('batch_')}_{number}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }
    return orjson.dumps(row)


def response_of(job: str, number: int, status: int, body: JsonValue) -> JsonValue:
    """An HTTP response within a line."""
    return {"status_code": status, "request_id": f"req_{job.removeprefix('batch_')}_{number}", "body": body}
