"""What the gateway itself answers when a call does not get through, in the words of whichever API was called."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "overloaded_error",
]  # Anthropic's words, most of which are OpenAI's too


class Refused(Exception):
    """A call that goes no further. `status` is HTTP's; `retry_after` in seconds, where another try may help then.

    `message` is for the client's eyes: it names what was received and what was expected, and no secret.
    """

    def __init__(self, status: int, kind: Kind, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.retry_after = status, kind, message, retry_after
