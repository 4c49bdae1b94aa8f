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
    SignalWithdrawal,
    State,
    Tokens,
)

_SECOND = timedelta(seconds=1)  # the age of evidence is told in whole ones, rounded off
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
    certified = datetime.fromtimestamp(int(min([*told, board.at])), UTC)
    valid_until = certified + timedelta(seconds=operation.policy.valid_seconds)
    same = previous is not None and _certified(previous, operation.policy.valid_seconds) == certified
    proven_again = not same or previous is None or previous.verdict != "green"
    state, passes, withdrawn = _state(operation, verdict, previous, certified, proven_again=proven_again)
    watched = previous.watched if previous is not None and same else None
    if previous is not None and watched is not None and state == "green":
        valid_until = max(valid_until, previous.valid_until)  # the same certification, which was kept proven since
    at = datetime.fromtimestamp(int(board.at), UTC)
    return SignalEntry(
        operation=operation.operation,
        model=operation.model,
        baseline=operation.baseline.id,
        variant=_variant(verdict.variant),
        state=state,
        verdict=verdict.outcome,
        claim=operation.analysis,
        since=previous.since if previous is not None and previous.state == state else at,
        green_runs=passes,
        valid_until=valid_until,
        reason=verdict.reason if state == verdict.outcome or withdrawn is None else _waits(verdict, withdrawn, passes),
        evidence=_evidence(board.run, operation, verdict),
        certified=certified,
        watched=watched,
        withdrawn=withdrawn,
    )


def _certified(entry: SignalEntry, valid_seconds: int) -> datetime:
    """How old the evidence of an entry is; those of an older evalgate tell it by when they run out."""
    return entry.certified or entry.valid_until - timedelta(seconds=valid_seconds)


def withdrawal_of(entry: SignalEntry) -> SignalWithdrawal | None:
    """Why an entry was withdrawn; an older evalgate told it by a red, or by passes that were not yet enough."""
    if entry.withdrawn is None and (entry.state == "red" or (entry.state == "unknown" and entry.green_runs > 0)):
        return SignalWithdrawal(state="red", at=entry.certified or entry.since, reason=entry.reason)
    return entry.withdrawn


def passes_needed(withdrawn: SignalWithdrawal | None, green_after: int) -> int:
    """How many certifications in a row it takes to be green (again)."""
    return max(green_after, PASSES_AFTER_RED) if withdrawn is not None and withdrawn.state == "red" else green_after


def _state(
    operation: OperationBoard,
    verdict: Verdict,
    previous: SignalEntry | None,
    certified: datetime,
    *,
    proven_again: bool,
) -> tuple[State, int, SignalWithdrawal | None]:
    """State, passes in a row, and the withdrawal that still stands.

    One red withdraws at once, as does whoever watches. A pass counts only on answers that were all given after that:
    checking again what is in the store proves nothing again.
    """
    if verdict.outcome == "red":
        return "red", 0, SignalWithdrawal(state="red", at=certified + _SECOND, reason=verdict.reason)
    withdrawn = withdrawal_of(previous) if previous is not None else None
    if verdict.outcome == "inconclusive":  # what was proven worse stays so until it passes
        return ("unknown" if withdrawn is None else withdrawn.state), 0, withdrawn
    passes = previous.green_runs if previous is not None else 0
    if withdrawn is None:
        passes += int(proven_again)
        stays = previous is not None and previous.state == "green"
        return ("green" if stays or passes >= operation.policy.green_after else "unknown"), passes, None
    if certified < withdrawn.at:
        return ("unknown" if passes else withdrawn.state), passes, withdrawn
    passes += int(proven_again)
    if passes >= passes_needed(withdrawn, operation.policy.green_after):
        return "green", passes, None
    return "unknown", passes, withdrawn


def _waits(verdict: Verdict, withdrawn: SignalWithdrawal, passes: int) -> str:
    if verdict.outcome == "inconclusive":
        return f"{verdict.reason}; withdrawn before: {withdrawn.reason}"
    return f"withdrawn: {withdrawn.reason}; passed {passes} times since then, which is not yet enough"


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
