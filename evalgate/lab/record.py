"""Recording: every case of every suite, asked of every variant of the lab, kept in the store, written to files.

The store is what makes it resumable: a run that was killed goes on where it stopped, and only when a variant has
answered everything is its recording written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from evalgate.catalog import Endpoint
from evalgate.collect import Collector
from evalgate.errors import LabError
from evalgate.exchange import Answer, JsonValue, Question
from evalgate.providers.recording import answer_row, write_recording
from evalgate.store import Store, answer_key
from evalgate.suite import Suite

CHUNK = 40  # questions between two looks at the progress


async def record(
    endpoints: Sequence[Endpoint],
    suites: Sequence[Suite],
    store: Store,
    on_progress: Callable[[str, int, int], None],
) -> None:
    """Ask everything of `endpoints`, one after the other; `on_progress(variant, done, all)`.

    Raises `LabError` when a question stays without an answer.
    """
    async with Collector(store, {}, now=time.time) as collector:
        for endpoint in endpoints:
            questions = [question for _, question in _questions(suites, endpoint)]
            for start in range(0, len(questions), CHUNK):
                answers = await collector.ask(endpoint, questions[start : start + CHUNK])
                for answer in answers:
                    if answer.failed:
                        raise LabError(f"{endpoint.id}: {answer.error}; start again to go on from here")
                on_progress(endpoint.id, start + len(answers), len(questions))


def write(endpoint: Endpoint, suites: Sequence[Suite], store: Store, path: Path, engine: str) -> int:
    """Write the recording of one variant from the store; returns how many answers it holds.

    Raises `LabError` when an answer is missing: a recording is whole or not at all.
    """
    asked = list(_questions(suites, endpoint))
    keys = [answer_key(question.request.hash, endpoint.config, question.repeat) for _, question in asked]
    known = store.find(keys)
    if missing := [question.case_id for (_, question), key in zip(asked, keys, strict=True) if key not in known]:
        raise LabError(f"{endpoint.id}: {len(missing)} cases are not answered yet, the first is {missing[0]!r}")
    answers = [known[key] for key in keys]
    rows = [_row(suite, question, answer) for (suite, question), answer in zip(asked, answers, strict=True)]
    write_recording(path, _header(endpoint, answers, engine), rows)
    return len(rows)


def _questions(suites: Sequence[Suite], endpoint: Endpoint) -> Iterator[tuple[Suite, Question]]:
    """Everything that a check may ask of `endpoint`: of the baseline twice as much, to hold it against itself."""
    for again in (False, True):
        for suite in sorted(suites, key=lambda each: each.operation):
            if again and endpoint.id != suite.file.baseline:
                continue
            repeats = range(suite.file.repeats * again, suite.file.repeats * (1 + again))
            for case in sorted(suite.cases, key=lambda each: each.id):
                for repeat in repeats:
                    yield suite, Question(case.id, suite.request(case), repeat)


def _row(suite: Suite, question: Question, answer: Answer) -> Mapping[str, JsonValue]:
    asked: dict[str, JsonValue] = {
        "operation": suite.operation,
        "case": question.case_id,
        "request": question.request.hash,
        "repeat": question.repeat,
    }
    return asked | answer_row(answer)


def _header(endpoint: Endpoint, answers: Sequence[Answer], engine: str) -> dict[str, JsonValue]:
    days = [time.strftime("%Y-%m-%d", time.gmtime(answer.answered_at)) for answer in answers]
    return {
        "variant": endpoint.id,
        "model": endpoint.model,
        "engine": engine,
        "quantization": endpoint.quantization.label,
        "bits_per_weight": endpoint.quantization.bits_per_weight,
        "serving": dict(endpoint.variant.serving),
        "recorded": [min(days), max(days)],
        "answers": len(answers),
    }
