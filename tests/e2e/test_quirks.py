"""What an endpoint does is never mistaken for quality, and never for free: whole checks of endpoints with quirks."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from evalgate.report.next_step import next_step
from tests.conftest import Loopback, Sent, failure
from tests.e2e.quirks import CASES, WIRES, Behaviour, Play, Said, right, verdict

CHEAP = {"id": "cheap", "price": {"input": 0.5, "output": 0.5}}
DEAR = {"id": "dear", "price": {"input": 50, "output": 50}}


@pytest.fixture
def play(server: Loopback, tmp_path: Path, quick: None) -> Play:
    del quick
    return Play(server, tmp_path)


NO_USAGE = {
    "absent": None,
    "null": {"prompt_tokens": None, "completion_tokens": None},
    "zero": (0, 0),
    "text": ("many", "few"),
    "negative": (-40, -10),
    "empty": {},
    "beyond": (99_999_999, 99_999_999),
}


@pytest.mark.parametrize("usage", NO_USAGE.values(), ids=NO_USAGE)
def test_a_dear_variant_that_does_not_count_saves_nothing_and_takes_no_traffic(play: Play, usage: object) -> None:
    play.write(DEAR)
    play.behaviours["dear"] = lambda answer, number: Said(answer, usage=usage)  # type: ignore[arg-type]
    board = play.check()
    judged = verdict(board, "dear")
    assert judged.outcome == "green"
    assert judged.usage.tokens == "estimated"
    assert judged.saving == pytest.approx(-49)
    document = play.publish(board)
    assert document.entries[0].evidence.tokens.basis == "estimated"
    decision = play.route(document)
    assert decision.chosen.endpoint.id == "full"
    assert next(each for each in decision.candidates if each.endpoint.id == "dear").estimated


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("silent", ["variant", "baseline", "both", "every second of the variant's"])
def test_on_every_wire_a_price_decides_where_nobody_counts(play: Play, wire: str, silent: str) -> None:
    def uncounted(answer: str, number: int) -> Said:
        return Said(answer, usage=None if "second" not in silent or number % 2 else (40, 10))

    same = {"id": "same", "price": {"input": 1, "output": 1}, "wire": wire}
    play.write(CHEAP | {"wire": wire}, DEAR | {"wire": wire}, same, wire=wire)
    silents = {"baseline": ["full"], "both": ["full", "cheap", "dear", "same"]}.get(silent, ["cheap", "dear", "same"])
    play.behaviours |= dict.fromkeys(silents, uncounted)
    board = play.check()
    assert [verdict(board, name).outcome for name in ("cheap", "dear", "same")] == ["green"] * 3
    assert [verdict(board, name).saving for name in ("cheap", "dear", "same")] == pytest.approx([0.5, -49, 0])
    decision = play.route(play.publish(board))
    assert (decision.chosen.endpoint.id, decision.saving) == ("cheap", pytest.approx(0.5))
    assert decision.estimated


def test_a_variant_that_counts_now_and_then_takes_no_saving_from_others(play: Play) -> None:
    play.write(CHEAP, {"id": "other", "price": {"input": 0.25, "output": 0.25}})
    play.behaviours["other"] = lambda answer, number: Said(answer, usage=None if number % 2 else (40, 10))
    board = play.check()
    assert verdict(board, "cheap").usage.tokens == "counted"
    assert verdict(board, "cheap").baseline_usage.cost_usd == pytest.approx(50e-6)
    assert verdict(board, "cheap").saving == pytest.approx(0.5)
    assert verdict(board, "other").saving == pytest.approx(0.75)
    assert play.route(play.publish(board)).chosen.endpoint.id == "other"


def test_reasoning_that_is_booked_beside_the_answer_is_paid_for(play: Play) -> None:
    usage = {"prompt_tokens": 40, "completion_tokens": 10, "total_tokens": 550}
    usage |= {"completion_tokens_details": {"reasoning_tokens": 500}}
    play.write(CHEAP)
    play.behaviours["cheap"] = lambda answer, number: Said(answer, usage=usage)
    board = play.check()
    assert verdict(board).usage.output_tokens == 510
    assert verdict(board).saving == pytest.approx(1 - 0.5 * 550 / 50)
    assert play.route(play.publish(board)).chosen.endpoint.id == "full"


def test_a_long_answer_that_nobody_counts_is_no_short_one(play: Play) -> None:
    said = "reasoning " * 400
    play.write({"id": "cheap", "price": {"input": 0.9, "output": 0.9}})
    play.behaviours["cheap"] = lambda answer, number: Said(answer, reasoning=said, usage=None)
    board = play.check()
    assert verdict(board).outcome == "green"
    assert (verdict(board).saving or 0) < 0
    assert play.route(play.publish(board)).chosen.endpoint.id == "full"


@pytest.mark.parametrize("wire", WIRES)
def test_a_budget_counts_what_the_server_does_not(play: Play, wire: str) -> None:
    dear = {"id": "dear", "price": {"input": 500, "output": 500}, "wire": wire}
    play.write(dear, suite={"budget": 0.01}, wire=wire)
    play.behaviours |= dict.fromkeys(("full", "dear"), lambda answer, number: Said(answer, usage=None))
    board = play.check()
    assert verdict(board, "dear").cause == "budget"
    assert board.requests < CASES


SILENT: dict[str, tuple[Said | Sent, str]] = {
    "reasoning only": (Said(None, reasoning="hm " * 20), "empty: reasoning was returned, no content"),
    "nothing": (Said(""), "empty"),
    "a space": (Said(" \u200b\n"), "empty"),
    "thinking within": (Said("<think>it is shade</think>"), "empty: reasoning was returned, no content"),
    "cut in reasoning": (Said(None, "length", reasoning="hm " * 20), "empty: the token limit cut the reasoning off"),
    "filtered": (Said(None, "content_filter"), "stopped by a content filter"),
    "a call of tools": (Said(None, "tool_calls", tool_call=True), "tool calls without content"),
}
FORBIDS = [{"type": "regex", "value": "(?s)^(?!.*forbidden)"}]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", SILENT)
def test_whoever_says_nothing_is_not_as_good_by_a_suite_that_only_forbids(play: Play, wire: str, kind: str) -> None:
    said, told = SILENT[kind]
    play.write(CHEAP | {"wire": wire}, suite={"assert": FORBIDS}, wire=wire)
    play.behaviours["cheap"] = lambda answer, number: said
    board = play.check()
    judged = verdict(board)
    assert judged.outcome != "green"
    assert f"100 % of answers {told}" in judged.reason
    assert judged.usage.kinds.get("text") is None
    assert sum(judged.usage.kinds.values()) == judged.usage.answers > 0
    document = play.publish(board)
    assert told in document.entries[0].reason
    assert document.entries[0].evidence.kinds == dict(judged.usage.kinds)
    assert play.route(document).chosen.endpoint.id == "full"


@pytest.mark.parametrize("wire", WIRES)
def test_a_content_filter_is_one_thing_whether_it_says_400_or_200(play: Play, wire: str) -> None:
    error = {"message": "filtered", "code": "content_filter", "type": "content_filter"}
    forms = [Said(None, "content_filter"), Said("", "content_filter"), Sent(json.dumps({"error": error}).encode(), 400)]
    forms.append(Sent(json.dumps({"error": error}).encode()))
    concluded = set()
    for number, form in enumerate(forms):
        play.write(CHEAP | {"id": f"cheap{number}", "wire": wire}, wire=wire)
        play.behaviours[f"cheap{number}"] = lambda answer, number, form=form: form
        judged = verdict(play.check(), f"cheap{number}")
        concluded.add((judged.outcome, judged.cause, tuple(judged.usage.kinds.items()), judged.reason))
    ((outcome, cause, kinds, reason),) = concluded
    assert (outcome, cause, [kind for kind, _ in kinds]) == ("inconclusive", "failures", ["filtered"])
    assert "100 % of answers stopped by a content filter" in reason


def test_a_refusal_in_its_own_field_is_one(play: Play) -> None:
    play.write(CHEAP, suite={"assert": FORBIDS})
    play.behaviours["cheap"] = lambda answer, number: Said(None, refusal="I cannot help with that.")
    judged = verdict(play.check())
    assert judged.outcome == "red"
    assert "100 % of answers refusals" in judged.reason


def test_a_suite_may_say_that_nothing_is_an_answer(play: Play) -> None:
    play.write(CHEAP, suite={"assert": [FORBIDS[0] | {"allow_empty": True}]})
    play.behaviours["cheap"] = lambda answer, number: Said("")
    judged = verdict(play.check())
    assert (judged.outcome, judged.usage.kinds.get("empty")) == ("green", judged.usage.answers)


@pytest.mark.parametrize("kind", ["reasoning only", "nothing", "cut in reasoning", "a call of tools"])
def test_a_baseline_that_says_nothing_makes_the_suite_unfit_and_that_is_why(play: Play, kind: str) -> None:
    said, told = SILENT[kind]
    play.write(CHEAP)
    play.behaviours["full"] = lambda answer, number: said
    judged = verdict(play.check())
    assert (judged.outcome, judged.cause) == ("inconclusive", "scores")
    assert "suite unfit: the baseline" in judged.reason
    assert f"100 % of answers {told}" in judged.reason


def test_a_baseline_that_is_filtered_is_no_reason_to_mend_the_suite(play: Play) -> None:
    play.write(CHEAP)
    play.behaviours["full"] = lambda answer, number: Said(None, "content_filter")
    judged = verdict(play.check())
    assert (judged.outcome, judged.cause) == ("inconclusive", "failures")
    assert "stopped by a content filter" in judged.reason


@pytest.mark.parametrize("wire", WIRES)
def test_another_model_than_was_asked_for_proves_nothing(play: Play, wire: str) -> None:
    play.write(CHEAP | {"wire": wire}, wire=wire)
    play.behaviours["cheap"] = lambda answer, number: Said(answer, model="some-other-model-mini")
    board = play.check()
    assert (verdict(board).outcome, verdict(board).cause) == ("inconclusive", "identity")
    assert "answers as 'some-other-model-mini'" in verdict(board).reason
    document = play.publish(board)
    assert document.entries[0].state == "unknown"
    assert play.route(document).chosen.endpoint.id == "full"
    play.write(CHEAP | {"wire": wire, "answers_as": ["toy", "some-other-model-mini"]}, wire=wire)
    assert verdict(play.check()).outcome == "green"


def changing(before: str | None, after: str | None) -> Behaviour:
    count = itertools.count()
    return lambda answer, number: Said(answer, model=before if next(count) < 20 else after)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("who", ["full", "cheap"])
def test_a_model_that_changes_in_the_middle_makes_the_verdict_inconclusive(play: Play, wire: str, who: str) -> None:
    play.write(CHEAP | {"wire": wire}, wire=wire)
    play.behaviours[who] = changing("toy-2026-01-01", "toy-2026-06-01")
    judged = verdict(play.check())
    assert (judged.outcome, judged.cause) == ("inconclusive", "identity")
    assert f"{who} answered as 'toy-2026-01-01' and from case" in judged.reason
    assert "on as 'toy-2026-06-01'" in judged.reason


@pytest.mark.parametrize(
    ("before", "after"),
    [("toy", "a/Toy"), ("toy", "toy:free"), (None, "toy"), ("toy", None), ("toy", "one"), ("one", "two"), ("", "toy")],
)
def test_another_spelling_and_a_declared_alias_are_no_change(play: Play, before: str | None, after: str | None) -> None:
    play.write(CHEAP | {"answers_as": ["toy", "one", "two"]})
    play.behaviours["cheap"] = changing(before, after)
    assert verdict(play.check()).outcome == "green"


def test_a_baseline_that_changes_between_its_two_answers_is_two_models(play: Play) -> None:
    play.write(CHEAP)
    asked: set[int] = set()

    def full(answer: str, number: int) -> Said:
        again = number in asked
        asked.add(number)
        return Said(answer, model="toy-2026-06-01" if again else "toy-2026-01-01")

    play.behaviours["full"] = full
    assert verdict(play.check()).cause == "identity"


def refuse(answer: str, number: int) -> Sent:
    del answer, number
    return failure(400, "unsupported parameter: max_tokens")


BAD: dict[str, Behaviour] = {
    "refuses": refuse,
    "no key": lambda answer, number: failure(401, "bad key"),
    "no credit": lambda answer, number: Sent(b'{"error": {"code": "insufficient_quota", "message": "no"}}', 429),
    "no model": lambda answer, number: failure(404, "no such model"),
    "broken": lambda answer, number: failure(500, "boom"),
    "drops": lambda answer, number: Sent(b"", reset=True),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("bad", BAD)
def test_one_bad_endpoint_takes_no_verdict_from_the_others(play: Play, wire: str, bad: str) -> None:
    play.write(CHEAP, {"id": "bad", "price": {"input": 0.1, "output": 0.1}, "wire": wire})
    play.behaviours["bad"] = BAD[bad]
    board = play.check()
    assert board.exit_code == 4
    assert (verdict(board, "bad").outcome, verdict(board, "bad").cause) == ("inconclusive", "unreachable")
    assert verdict(board).outcome == "green"
    document = play.publish(board)
    states = {entry.variant.id: entry.state for entry in document.entries}
    assert states == {"cheap": "green", "bad": "unknown"}
    decision = play.route(document)
    assert decision.chosen.endpoint.id == "cheap"
    assert {each.endpoint.id: each.cost for each in decision.candidates}["bad"] is None


@pytest.mark.parametrize("bad", BAD)
def test_the_only_variant_is_unknown_where_it_cannot_be_asked(play: Play, bad: str) -> None:
    play.write(CHEAP)
    first = play.publish(play.check())
    assert first.entries[0].state == "green"
    play.write(CHEAP, suite={"assert": [{"type": "contains"}], "generation": {"max_tokens": 60}})
    play.behaviours["cheap"] = BAD[bad]
    board = play.check()
    assert (board.exit_code, verdict(board).cause) == (4, "unreachable")
    document = play.publish(board, first)
    entry = document.entries[0]
    assert (entry.state, entry.evidence.success, entry.evidence.tokens.basis) == ("unknown", 0, "unknown")
    decision = play.route(document)
    assert (decision.chosen.endpoint.id, decision.reason) == ("full", "the baseline: nothing cheaper is eligible")


def test_a_baseline_that_is_down_leaves_the_other_operations_alone(play: Play) -> None:
    play.write(CHEAP)
    play.behaviours["full"] = BAD["no key"]
    board = play.check()
    assert board.exit_code == 4
    assert verdict(board).cause == "unreachable"
    assert "'full'" in verdict(board).reason or "p-full" in verdict(board).reason
    assert play.publish(board).entries[0].state == "unknown"


def test_a_verdict_that_stands_is_kept_when_the_baseline_dies_later(play: Play) -> None:
    worse = {"id": "other", "price": {"input": 1, "output": 1}}
    play.write(CHEAP, worse, suite={"gate": {"margin": 0.1, "control": "verdict", "baseline_check": False}})
    play.behaviours["other"] = lambda answer, number: Said("mud" if number % 4 == 1 else answer)
    play.behaviours |= dict.fromkeys(
        ("full", "cheap"), lambda answer, number: Said("mud" if number % 4 == 0 else answer)
    )
    alive = play.check(max_cases=45)
    assert (verdict(alive).outcome, verdict(alive, "other").outcome) == ("green", "inconclusive")
    play.behaviours["full"] = BAD["no key"]
    board = play.check()
    assert (verdict(board).outcome, verdict(board, "other").cause) == ("green", "unreachable")


def test_what_was_refused_is_asked_again_when_somebody_says_so(play: Play) -> None:
    play.write(CHEAP, {"id": "bad", "price": {"input": 0.1, "output": 0.1}})
    play.behaviours["bad"] = refuse
    board = play.check()
    assert verdict(board, "bad").cause == "unreachable"
    play.behaviours["bad"] = right
    half = verdict(play.check(), "bad")  # refusals are kept, and nobody is asked for them
    assert (half.cause, half.usage.kinds["refused"]) == ("failures", 19)
    assert "--retry-failed" in next_step(board.operations[0], half)
    board = play.check(retry_failed=True)
    assert (verdict(board, "bad").outcome, board.exit_code) == ("green", 0)


def test_calls_that_failed_now_and_then_are_the_cause_and_not_too_few_cases(play: Play) -> None:
    play.write(CHEAP)
    play.behaviours["cheap"] = lambda answer, number: Said(answer) if number % 5 else refuse(answer, number)
    judged = verdict(play.check())
    assert (judged.outcome, judged.cause) == ("inconclusive", "failures")


def test_a_baseline_whose_calls_fail_is_not_called_noisy(play: Play) -> None:
    count = itertools.count()
    play.write(CHEAP)
    play.behaviours["full"] = lambda answer, number: Said(answer) if next(count) % 3 else refuse(answer, number)
    judged = verdict(play.check())
    assert (judged.outcome, judged.cause) == ("inconclusive", "failures")
    assert "calls failed" in judged.reason


@pytest.mark.parametrize("limit", [{"max_cases": 20}, {}])
def test_a_baseline_that_scores_nothing_is_told_to_mend_the_suite_whatever_ended_it(
    play: Play, limit: dict[str, int]
) -> None:
    play.write(CHEAP, suite={} if limit else {"budget": {"calls": 70}})
    play.behaviours |= dict.fromkeys(("full", "cheap"), lambda answer, number: Said("mud"))
    judged = verdict(play.check(**limit))
    assert judged.cause == "scores"
    assert "never reaches full marks on score (0.000 on average" in judged.reason


def test_too_few_cases_are_told_to_be_too_few(play: Play) -> None:
    play.write(CHEAP)
    assert verdict(play.check(max_cases=20)).cause == "limited"
