"""Makes the next signal document from a board and the document before it. Pure: time is passed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evalgate.formats.canonical import digest
from evalgate.gate import Board, OperationBoard, Usage, VariantFacts, Verdict
from evalgate.signal.document import (
    HEARTBEAT,
    SignalDocument,
    SignalEntry,
    SignalEvidence,
    SignalPrice,
    SignalQuantization,
    SignalVariant,
    State,
    Tokens,
)

PASSES_AFTER_RED = 2  # one proven failure withdraws at once; coming back takes two passes


def issue(board: Board, previous: SignalDocument | None, *, stream: str, now: datetime) -> SignalDocument:
    """The next document: the board's verdicts, and the previous entries that it says nothing about.

    What an older suite proved of a variant that was not judged this time is not kept.
    """
    suites = {each.operation: each.suite_hash for each in board.operations}
    told = {(each.operation, verdict.variant.id) for each in board.operations for verdict in each.verdicts}
    kept = [
        entry
        for entry in (previous.entries if previous else ())
        if (entry.operation, entry.variant.id) not in told
        and suites.get(entry.operation, entry.evidence.suite) == entry.evidence.suite
    ]
    made = [
        _entry(board, operation, verdict, previous.entry(operation.operation, verdict.variant.id) if previous else None)
        for operation in board.operations
        for verdict in operation.verdicts
    ]
    entries = sorted((*kept, *made), key=lambda entry: (entry.operation, entry.variant.id))
    policy = [[e.operation, e.evidence.margin, e.evidence.alpha, e.evidence.control, e.claim] for e in entries]
    now = now.astimezone(UTC).replace(microsecond=0)
    return SignalDocument(
        stream=stream,
        seq=previous.seq + 1 if previous else 1,
        issued_at=now,
        expires_at=now + HEARTBEAT,
        prev=digest(previous.encode()) if previous else None,
        policy=digest(policy),
        entries=tuple(entries),
    )


def _entry(board: Board, operation: OperationBoard, verdict: Verdict, previous: SignalEntry | None) -> SignalEntry:
    if previous is not None and previous.variant.config != verdict.variant.config:
        previous = None  # another configuration is another variant; its past says nothing about this one
    # a green is as old as all of its evidence; what a wrong clock dated into the future is no younger than the run
    told = [usage.oldest for usage in (verdict.usage, verdict.baseline_usage) if usage.answers]
    oldest = min([*told, board.at])
    answered = datetime.fromtimestamp(int(oldest), UTC)
    valid_until = answered + timedelta(seconds=operation.policy.valid_seconds)
    fresh = previous is None or previous.valid_until != valid_until
    state, passes = _state(verdict, previous, fresh=fresh)
    unchanged = previous is not None and previous.state == state
    return SignalEntry(
        operation=operation.operation,
        model=operation.model,
        baseline=operation.baseline.id,
        variant=_variant(verdict.variant),
        state=state,
        verdict=verdict.outcome,
        claim=operation.analysis,
        since=previous.since if previous is not None and unchanged else datetime.fromtimestamp(int(board.at), UTC),
        green_runs=passes,
        valid_until=valid_until,
        reason=verdict.reason,
        evidence=_evidence(board.run, operation, verdict),
    )


def _state(verdict: Verdict, previous: SignalEntry | None, *, fresh: bool) -> tuple[State, int]:
    """State and passes in a row. One red withdraws at once; after a red, one pass is not yet enough.

    A pass counts only on fresh answers: checking again what is in the store proves nothing again.
    """
    if verdict.outcome == "red":
        return "red", 0
    withdrawn = previous is not None and (
        previous.state == "red" or (previous.state == "unknown" and previous.green_runs > 0)
    )
    if verdict.outcome == "inconclusive":
        return ("red" if withdrawn else "unknown"), 0  # what was proven worse stays so until it passes
    passes = (previous.green_runs if previous is not None else 0) + int(fresh)
    if withdrawn and passes < PASSES_AFTER_RED:
        return "unknown", passes
    return "green", passes


def _variant(facts: VariantFacts) -> SignalVariant:
    return SignalVariant(
        id=facts.id,
        provider=facts.provider,
        path=facts.path,
        tag=facts.tag,
        quantization=SignalQuantization(label=facts.quantization, source=facts.quantization_source),
        config=facts.config,
        price=SignalPrice(input=facts.price_input, output=facts.price_output, basis=facts.price_basis),
    )


def _evidence(run: str, operation: OperationBoard, verdict: Verdict) -> SignalEvidence:
    metric, usage = verdict.worst, verdict.usage
    return SignalEvidence(
        suite=operation.suite_hash,
        baseline_config=operation.baseline.config,
        cases=verdict.cases,
        metric=metric.metric,
        delta=metric.delta,
        interval=metric.interval,
        level=metric.level,
        margin=operation.policy.margin,
        alpha=operation.policy.alpha,
        control=operation.policy.control,
        e_green=metric.e_green,
        e_red=metric.e_red,
        flips=(metric.broke, metric.fixed),
        success=1 - usage.failed / usage.answers if usage.answers else 0.0,  # a spent budget asks nothing
        tokens=_tokens(usage),
        baseline_tokens=_tokens(verdict.baseline_usage),
        kinds=dict(usage.kinds.items()),
        attempt=verdict.trying.number,
        charged=verdict.trying.level,
        beyond_margin=verdict.beyond_margin,
        run=run,
    )


def _tokens(usage: Usage) -> Tokens:
    return Tokens(input=usage.input_tokens, output=usage.output_tokens, basis=usage.tokens)
