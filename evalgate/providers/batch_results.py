"""One line of a batch's results, as the answer that the same question would have got on its own.

But for one thing: what would end a run elsewhere (a rejected key, used-up credit, a model that is not there) is here
the answer `error`. It must not cost the other answers in the file, which are paid, and it says nothing of any model.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from evalgate.catalog import Provider
from evalgate.errors import ProviderError
from evalgate.exchange import Answer, JsonValue
from evalgate.providers.base import AttemptFailed
from evalgate.providers.batch import BatchUnknown, Result
from evalgate.providers.body import parse_whole
from evalgate.providers.http import KEY_REJECTED, RETRYABLE
from evalgate.providers.reply import Reply, as_said, is_filtered, is_spent, message_of

Redact = Callable[[str], str]
Read = Callable[[Reply, float, Redact], Answer]

_OF_THE_ENDPOINT = {402, 404, 405}  # see the hints in `http`
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,199}")  # it becomes part of a path, and a key in the store


def row_of(line: bytes) -> tuple[str, dict[str, JsonValue]] | None:
    """A line's custom id and content; None for a line that is none, or was too long to be read."""
    try:
        row = parse_whole(line)
    except ValueError:
        return None
    key = row.get("custom_id") if isinstance(row, dict) else None
    return (key, row) if isinstance(key, str) and isinstance(row, dict) else None


def answer_of(result: Result, read: Read, redact: Redact) -> Answer:
    """The answer in a result; its latency is 0."""
    if isinstance(result, str):
        return unanswered(result, redact)
    reply = as_said(result)
    if may_differ(reply):
        return unanswered(f"HTTP {reply.status}: {message_of(reply.body)}", redact)
    try:
        return read(reply, 0.0, redact)
    except AttemptFailed as failure:
        return unanswered(failure.reason, redact)


def may_differ(reply: Reply) -> bool:
    """Whether the same request may fare better another time, or elsewhere: the endpoint's trouble, not its own."""
    status = reply.status
    may_pass = status in RETRYABLE or status >= 500
    turned_away = status in _OF_THE_ENDPOINT or 300 <= status < 400 or is_spent(reply.body)
    return may_pass or turned_away or (status in KEY_REJECTED and not is_filtered(reply.body))


def unanswered(why: str, redact: Redact) -> Answer:
    """What may turn out better when it is asked again."""
    return Answer("", "error", error=redact(why))


def accepted(reply: Reply, provider: Provider, redact: Redact) -> JsonValue:
    """The body of the reply to something that was handed in; raises `ProviderError` when it was turned down."""
    if reply.status >= 300:
        said = redact(message_of(reply.body))
        raise ProviderError(f"provider {provider.id!r} takes no batch (HTTP {reply.status}): {said}")
    return reply.body


def batch_in(reply: Reply, batch: str, redact: Redact) -> dict[str, JsonValue]:
    """What the reply says of a batch; raises `BatchUnknown` when the provider does not know it."""
    if reply.status == 404:
        raise BatchUnknown(batch)
    if reply.status >= 300 or not isinstance(reply.body, dict):
        raise AttemptFailed(f"HTTP {reply.status}: {redact(message_of(reply.body))}")
    return reply.body


def id_of(body: JsonValue, what: str) -> str:
    """The id of a file or batch that was made; raises `AttemptFailed` when there is none to be used."""
    given = body.get("id") if isinstance(body, dict) else None
    if not isinstance(given, str) or not _ID.fullmatch(given):
        reason = f"the response names no id of the {what}"
        raise AttemptFailed(reason)
    return given


def count(value: JsonValue) -> int:
    """Requests; 0 when the server counts nonsense."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
