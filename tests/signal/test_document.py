"""From board to signal: hysteresis, validity, and a snapshot that forgets nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from pydantic import ValidationError

from evalgate.gate import (
    BaselineCheck,
    Board,
    MetricEvidence,
    OperationBoard,
    Policy,
    Trying,
    Usage,
    VariantFacts,
    Verdict,
)
from evalgate.signal import SignalDocument, issue

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
WEEK = 7 * 86_400
Outcome = Literal["green", "red", "inconclusive"]
POLICY = Policy(
    margin=0.05,
    alpha=0.05,
    beta=0.05,
    red_margin=0.0,
    claim="traffic",
    control="family",
    metrics=("score",),
    min_score={},
    baseline_check=True,
    unit="case",
    cluster_weight="cases",
    repeats=1,
    seed=1,
    valid_seconds=WEEK,
    on_inconclusive="fail",
)


def facts(name: str, config: str = "1") -> VariantFacts:
    return VariantFacts(
        name, "acme", "direct", None, "fp8", "declared", 8.0, "sha256:" + config * 64, "1", "2", "listed"
    )


def board(outcome: Outcome, *, day: int = 0, operation: str = "sort", config: str = "1") -> Board:
    at = (NOW + timedelta(days=day)).timestamp()
    usage = Usage(300, 0, 0.0, {"text": 300}, 100.0, 10.0, "counted", 0.001, 50.0, 0.0, at)
    metric = MetricEvidence("score", 0.9, 0.89, -0.01, (-0.03, 0.01), 0.9, 31.4, 0.2, 9, 6, ())
    verdict = Verdict(
        variant=facts("cheap", config),
        outcome=outcome,
        cause="open" if outcome == "inconclusive" else "proven",
        reason="because",
        note="",
        cases=300,
        e_needed=20.0,
        e_value=31.4,
        beyond_margin=False,
        trying=Trying(1, 0.05, 0),
        metrics=(metric,),
        diagnostics=(),
        usage=usage,
        baseline_usage=usage,
        suspicions=(),
        flips=(),
    )
    digest = "sha256:" + "0" * 64
    one = OperationBoard(
        operation=operation,
        model="model",
        suite="s.yaml",
        suite_hash=digest,
        grading_hash=digest,
        policy=POLICY,
        analysis="traffic",
        baseline=facts("full"),
        baseline_check=BaselineCheck("green", 70, 0.0),
        family=1,
        available=400,
        verdicts=(verdict,),
    )
    return Board(f"run-{day}", at, 10, (one,))


def after(*outcomes: Outcome) -> SignalDocument:
    document = None
    for day, outcome in enumerate(outcomes):
        document = issue(board(outcome, day=day), document, stream="a/b", now=NOW + timedelta(days=day))
    assert document is not None
    return document


def state(*outcomes: Outcome) -> str:
    return after(*outcomes).entries[0].state


def test_a_first_green_counts_at_once() -> None:
    assert state("green") == "green"


def test_one_red_withdraws_at_once() -> None:
    assert state("green", "green", "red") == "red"


def test_inconclusive_is_unknown() -> None:
    assert state("green", "inconclusive") == "unknown"


def test_after_a_red_one_pass_is_not_enough_and_two_are() -> None:
    assert state("red", "green") == "unknown"
    assert state("red", "green", "green") == "green"


def test_after_a_red_an_inconclusive_run_does_not_clear_the_name() -> None:
    assert state("red", "inconclusive") == "red"
    assert state("red", "inconclusive", "green") == "unknown"
    assert state("red", "green", "inconclusive", "green") == "unknown"


def test_the_same_answers_checked_again_are_not_a_second_pass() -> None:
    red = after("red")
    once = issue(board("green", day=1), red, stream="a/b", now=NOW)
    again = issue(board("green", day=1), once, stream="a/b", now=NOW)
    assert again.entries[0].state == "unknown"
    assert again.entries[0].green_runs == 1


def test_another_configuration_has_no_past() -> None:
    document = issue(board("green", day=1, config="2"), after("red"), stream="a/b", now=NOW)
    assert document.entries[0].state == "green"


def test_a_green_is_valid_from_its_oldest_answer_not_from_the_day_of_printing() -> None:
    late = issue(board("green"), None, stream="a/b", now=NOW + timedelta(days=30))
    assert late.entries[0].valid_until == NOW + timedelta(seconds=WEEK)


def test_answers_that_a_wrong_clock_dated_into_the_future_are_no_younger_than_the_run() -> None:
    one = board("green")
    verdict = one.operations[0].verdicts[0]
    ahead = (NOW + timedelta(days=30)).timestamp()
    usages = {name: replace(getattr(verdict, name), oldest=ahead) for name in ("usage", "baseline_usage")}
    jumped = replace(one.operations[0], verdicts=(replace(verdict, **usages),))
    document = issue(replace(one, operations=(jumped,)), None, stream="a/b", now=NOW)
    assert document.entries[0].valid_until == NOW + timedelta(seconds=WEEK)


def test_since_stays_while_the_state_does() -> None:
    assert after("green", "green", "green").entries[0].since == NOW
    assert after("green", "red").entries[0].since == NOW + timedelta(days=1)


def test_operations_that_the_run_did_not_touch_are_kept() -> None:
    document = issue(board("red", operation="extract"), after("green"), stream="a/b", now=NOW)
    assert [(entry.operation, entry.state) for entry in document.entries] == [("extract", "red"), ("sort", "green")]


def test_variants_that_the_run_did_not_judge_keep_their_entry_and_their_past() -> None:
    red = after("red")
    one = board("green", day=1)
    verdict = one.operations[0].verdicts[0]
    other = replace(verdict, variant=replace(verdict.variant, id="other"))
    document = issue(
        replace(one, operations=(replace(one.operations[0], verdicts=(other,)),)), red, stream="a/b", now=NOW
    )
    assert [(entry.variant.id, entry.state) for entry in document.entries] == [("cheap", "red"), ("other", "green")]


def test_a_changed_suite_forgets_what_the_old_one_proved() -> None:
    one = board("green", day=1)
    verdict = one.operations[0].verdicts[0]
    other = replace(verdict, variant=replace(verdict.variant, id="other"))
    changed = replace(one.operations[0], verdicts=(other,), suite_hash="sha256:" + "5" * 64)
    document = issue(replace(one, operations=(changed,)), after("green"), stream="a/b", now=NOW)
    assert [entry.variant.id for entry in document.entries] == ["other"]


def test_old_answers_of_the_baseline_make_an_old_green() -> None:
    one = board("green", day=5)
    verdict = one.operations[0].verdicts[0]
    aged = replace(verdict, baseline_usage=replace(verdict.baseline_usage, oldest=NOW.timestamp()))
    document = issue(
        replace(one, operations=(replace(one.operations[0], verdicts=(aged,)),)), None, stream="a/b", now=NOW
    )
    assert document.entries[0].valid_until == NOW + timedelta(seconds=WEEK)


def test_two_entries_for_one_variant_are_refused() -> None:
    document = after("green")
    doubled = document.model_copy(update={"entries": document.entries * 2})
    with pytest.raises(ValidationError, match="two entries for 'cheap' on 'sort'"):
        SignalDocument.model_validate_json(doubled.encode())


def test_documents_count_up_and_name_the_one_before() -> None:
    first = after("green")
    second = issue(board("green"), first, stream="a/b", now=NOW)
    assert (first.seq, first.prev, second.seq) == (1, None, 2)
    assert second.prev is not None
    assert second.prev != issue(board("green"), replace_stream(first), stream="a/b", now=NOW).prev


def replace_stream(document: SignalDocument) -> SignalDocument:
    return document.model_copy(update={"stream": "other/one"})


def test_what_is_encoded_reads_back_equal() -> None:
    document = after("green", "red")
    assert SignalDocument.model_validate_json(document.encode()) == document


def test_share_of_answered_calls_is_told() -> None:
    one = board("green")
    verdict = one.operations[0].verdicts[0]
    failed = replace(verdict, usage=replace(verdict.usage, failed=30))
    told = replace(one, operations=(replace(one.operations[0], verdicts=(failed,)),))
    assert issue(told, None, stream="a/b", now=NOW).entries[0].evidence.success == 0.9


def test_a_time_without_a_zone_is_refused() -> None:
    data = after("green").model_dump(mode="json", by_alias=True)
    data["entries"][0]["valid_until"] = "2030-01-01T00:00:00"
    with pytest.raises(ValidationError, match="timezone"):
        SignalDocument.model_validate(data)
