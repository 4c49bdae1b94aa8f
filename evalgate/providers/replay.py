"""Protocol `replay`: answers from a recording, by request hash. What was not recorded is an error, never a skip."""

from __future__ import annotations

from pathlib import Path

from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.exchange import ROUND, Answer, Question
from evalgate.providers.base import Allowance
from evalgate.providers.recording import RecordedKey, read_recording


class ReplayClient:
    """Answers as a real endpoint once did."""

    def __init__(self) -> None:
        self.allowance: Allowance | None = None
        self._recordings: dict[Path, dict[RecordedKey, Answer]] = {}

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Return the recorded answer; raises `InputError` naming the case when there is none."""
        assert endpoint.recording is not None
        path = endpoint.recording
        answers = self._recordings.get(path)
        if answers is None:
            answers = self._recordings[path] = read_recording(path)
        # a round asks the same once more, and a recording can only say the same once more
        answer = answers.get((question.request.hash, question.repeat % ROUND))
        if answer is None:
            which = f" (repeat {question.repeat})" if question.repeat else ""
            message = f"{path}: no recorded answer of {endpoint.id!r} for case {question.case_id!r}{which}"
            advice = "record it again, or judge it live (the lab's own: evalgate lab check SUITE)"
            raise InputError(f"{message}; it was never recorded, or has changed since: {advice}")
        return answer

    def hurry(self, seconds: float | None) -> None:
        """Nobody waits."""

    async def close(self) -> None:
        """Nothing to let go of."""
