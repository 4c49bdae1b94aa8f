"""What makes gates lie: failures, truncation, a baseline that differs from itself, cases that share a source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint, load_catalog
from evalgate.exchange import Answer
from evalgate.gate import Board, Entry, Policy, Record, Sides, Transcript, Verdict, operation_board
from evalgate.suite import Suite, load_suite

CASES = 400
RIGHT = Answer("yes", "stop", 10, 2, 5.0)
WRONG = Answer("no", "stop", 10, 2, 5.0)
CUT = Answer("ye", "length", 10, 2, 5.0)
FAILED = Answer("", "error", error="no answer within 60 s (6 attempts)")
Answers = Callable[[int], Answer]


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    path = tmp_path / "catalog.yaml"
    path.write_text(
        "version: 1\nproviders: [{id: p, base_url: 'http://127.0.0.1:1/v1'}]\nmodels:\n  - id: m\n    variants:\n"
        "      - {id: full, provider: p, quantization: bf16, price: {input: 1, output: 1}}\n"
    )
    return load_catalog(path).endpoints("m")["full"]


def suite(folder: Path, extra: str = "", gate: str = "margin: 0.05", cases: int = CASES, cluster: int = 1) -> Suite:
    path = folder / "s.yaml"
    rows = "".join(
        f"  - {{id: c{n:03}, input: {n}x, target: 'yes', metadata: {{source: s{n // cluster}}}}}\n"
        for n in range(cases)
    )
    path.write_text(
        f"operation: o\nmodel: m\nbaseline: full\nprompt: '{{{{ input }}}}'\nassert: [{{type: exact}}]\n"
        f"gate: {{{gate}}}\n{extra}cases:\n{rows}"
    )
    return load_suite(path)


def judged(
    suite: Suite, endpoint: Endpoint, variant: Answers, baseline: Answers, again: Answers | None = None
) -> Verdict:
    second = Transcript(endpoint, first_repeat=1) if again else None
    sides = Sides(Transcript(endpoint), second, {"v": Transcript(endpoint)})
    record = recorded(suite, sides)
    for index in range(len(suite.cases)):
        for side, answers in ((sides.baseline, baseline), (sides.again, again), (sides.variants["v"], variant)):
            if side is not None and answers is not None:
                answer = answers(index)
                side.add([answer], [{"score": float(answer.text == "yes")}])
    record.rule()
    return operation_board(record, ["score"]).verdicts[0]


def recorded(suite: Suite, sides: Sides, units: Sequence[int] | None = None) -> Record:
    return Record(suite, sides, Entry(Policy.of(suite, ["score"]), suite.units if units is None else units))


def right(index: int) -> Answer:
    del index
    return RIGHT


def every(number: int, answer: Answer) -> Answers:
    return lambda index: answer if index % number == 0 else RIGHT


def test_a_failure_scores_0(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path), endpoint, every(2, FAILED), right)
    assert verdict.usage.failed > 0
    assert verdict.metrics[0].variant_score == pytest.approx(0.5, abs=0.02)


def test_a_red_that_rests_on_failures_alone_is_inconclusive(tmp_path: Path, endpoint: Endpoint) -> None:
    assert judged(suite(tmp_path), endpoint, every(2, WRONG), right).outcome == "red"
    assert judged(suite(tmp_path), endpoint, every(2, FAILED), right).outcome == "inconclusive"


def test_a_green_that_rests_on_the_baselines_failures_is_not_green(tmp_path: Path, endpoint: Endpoint) -> None:
    def half_wrong(index: int) -> Answer:
        return WRONG if index % 10 == 1 else RIGHT

    assert judged(suite(tmp_path), endpoint, half_wrong, every(5, FAILED)).outcome != "green"


def test_a_red_that_holds_without_the_failures_stays_red(tmp_path: Path, endpoint: Endpoint) -> None:
    def mixed(index: int) -> Answer:
        return (FAILED, WRONG, RIGHT, RIGHT)[index % 4]

    assert judged(suite(tmp_path), endpoint, mixed, right).outcome == "red"


def test_availability_and_truncation_are_shown_beside_the_score(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path), endpoint, every(4, CUT), right)
    shown = {metric.metric: metric for metric in verdict.diagnostics}
    assert {"availability", "untruncated", "nonempty", "unrefused", "unfiltered"} <= set(shown)
    assert shown["untruncated"].delta < -0.1


def test_truncation_decides_when_the_gate_says_so(tmp_path: Path, endpoint: Endpoint) -> None:
    gate = "margin: 0.05, metrics: [untruncated]"
    verdict = judged(suite(tmp_path, gate=gate), endpoint, every(2, CUT), right)
    assert verdict.outcome == "red"
    assert verdict.reason.startswith("untruncated proven worse")


def test_a_baseline_that_differs_from_itself_makes_the_suite_unfit(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path), endpoint, right, every(3, WRONG), again=right)
    assert verdict.outcome == "inconclusive" or "unfit" not in verdict.reason
    worse = judged(suite(tmp_path), endpoint, right, right, again=every(3, WRONG))
    assert worse.outcome == "inconclusive"
    assert "suite unfit: the baseline held against itself is red" in worse.reason


def test_a_baseline_that_repeats_itself_lets_the_verdict_stand(tmp_path: Path, endpoint: Endpoint) -> None:
    assert judged(suite(tmp_path), endpoint, right, right, again=right).outcome == "green"


def test_too_few_cases_for_the_baseline_check_is_unfit_too(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path, cases=20), endpoint, right, right, again=right)
    assert "suite unfit" in verdict.reason


def test_cases_of_one_cluster_count_once(tmp_path: Path, endpoint: Endpoint) -> None:
    clustered = suite(tmp_path, extra="cluster_by: metadata.source\n", cluster=4)
    verdict = judged(clustered, endpoint, right, right)
    assert len(clustered.units) == CASES / 4
    assert verdict.cases == judged(suite(tmp_path, cases=CASES // 4), endpoint, right, right).cases
    assert verdict.usage.answers == 4 * verdict.cases


def test_flips_name_the_cases_in_the_order_asked(tmp_path: Path, endpoint: Endpoint) -> None:
    loaded = suite(tmp_path)
    verdict = judged(loaded, endpoint, every(50, WRONG), right)
    assert [flip.case_id for flip in verdict.flips] == [case.id for case in loaded.cases[: verdict.cases : 50]]


def test_claim_suite_is_resolved_by_the_last_case(tmp_path: Path, endpoint: Endpoint) -> None:
    traffic = judged(suite(tmp_path, cases=60), endpoint, right, right)
    finite = judged(suite(tmp_path, cases=60, gate="margin: 0.05, claim: suite"), endpoint, right, right)
    assert traffic.outcome == "inconclusive"
    assert finite.outcome == "green"


def test_a_verdict_that_hangs_on_failures_says_so(tmp_path: Path, endpoint: Endpoint) -> None:
    red = judged(suite(tmp_path), endpoint, every(2, FAILED), right)
    assert red.reason.startswith("red would rest on failed calls (200 of the variant's, 0 of the baseline's)")

    def tenth_wrong(index: int) -> Answer:
        return WRONG if index % 10 == 1 else RIGHT

    green = judged(suite(tmp_path), endpoint, tenth_wrong, every(5, FAILED))
    assert green.outcome == "inconclusive"
    assert green.reason.startswith("green would rest on failed calls")
    assert "Holm" not in green.note


def test_availability_that_is_gated_counts_the_failures(tmp_path: Path, endpoint: Endpoint) -> None:
    gated = suite(tmp_path, gate="margin: 0.05, metrics: [score, availability]")
    assert judged(gated, endpoint, every(2, FAILED), right).outcome == "red"


def test_a_baseline_that_scores_nothing_proves_nobody_as_good(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path), endpoint, every(1, WRONG), every(1, WRONG))
    assert verdict.outcome == "inconclusive"
    assert "the baseline itself scores 0.000 on score" in verdict.reason


def test_the_claim_suite_is_about_the_whole_suite_however_few_cases_may_be_asked(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    whole = suite(tmp_path, gate="margin: 0.05, claim: suite")
    sides = Sides(Transcript(endpoint), None, {"v": Transcript(endpoint)})
    record = recorded(whole, sides, whole.units[:30])  # as under `max_cases: 30`
    for side in (sides.baseline, sides.variants["v"]):
        for _ in range(30):
            side.add([RIGHT], [{"score": 1.0}])
    record.rule()
    assert operation_board(record, ["score"]).verdicts[0].outcome == "inconclusive"


def scored(folder: Path, gate: str, endpoint: Endpoint, variant: Answers, cases: int = CASES) -> Verdict:
    return judged(suite(folder, gate=gate, cases=cases), endpoint, variant, right)


def test_a_single_failure_is_red_where_every_case_is_required(tmp_path: Path, endpoint: Endpoint) -> None:
    gate = "margin: 0.05, min_score: {score: 1.0}"
    verdict = scored(tmp_path, gate, endpoint, lambda index: WRONG if index == 17 else RIGHT)
    assert verdict.outcome == "red"
    assert verdict.cases == 18
    assert verdict.reason.startswith("score ≥ 1 is not reached")
    assert verdict.beyond_margin


def test_green_needs_the_least_score_proven_as_well(tmp_path: Path, endpoint: Endpoint) -> None:
    gate = "margin: 0.05, min_score: {score: 0.9}"
    assert scored(tmp_path, gate, endpoint, right).outcome == "green"
    both_low = judged(suite(tmp_path, gate=gate), endpoint, every(3, WRONG), every(3, WRONG))
    assert both_low.outcome == "red"  # as good as the baseline, and still not good enough


def test_a_call_that_failed_is_not_a_case_that_was_wrong(tmp_path: Path, endpoint: Endpoint) -> None:
    gate = "margin: 0.05, min_score: {score: 1.0}"
    verdict = scored(tmp_path, gate, endpoint, lambda index: FAILED if index == 17 else RIGHT)
    assert verdict.outcome != "red"


def test_a_red_says_whether_the_loss_is_proven_to_be_more_than_the_margin(tmp_path: Path, endpoint: Endpoint) -> None:
    lost = judged(suite(tmp_path), endpoint, every(1, WRONG), right)
    slight = judged(suite(tmp_path), endpoint, every(12, WRONG), right)
    assert (lost.outcome, lost.beyond_margin) == ("red", True)
    assert (slight.outcome, slight.beyond_margin) == ("red", False)
    assert "by more than 0.05" in lost.reason
    assert "perhaps by less than 0.05" in slight.reason


def test_another_prompt_than_was_sent_shows_before_any_score_does(tmp_path: Path, endpoint: Endpoint) -> None:
    longer = replace(RIGHT, input_tokens=17)
    verdict = judged(suite(tmp_path), endpoint, lambda index: longer, right)
    assert verdict.outcome == "green"
    assert verdict.suspicions == ("7 more prompt tokens than the baseline in every case: another chat template",)
    cut = judged(suite(tmp_path), endpoint, lambda index: RIGHT if index % 2 else replace(RIGHT, input_tokens=4), right)
    assert "fewer prompt tokens than the baseline in" in cut.suspicions[0]


def test_the_prompts_tokens_decide_when_the_gate_says_so(tmp_path: Path, endpoint: Endpoint) -> None:
    gate = "margin: 0.05, metrics: [prompt_tokens]"
    assert scored(tmp_path, gate, endpoint, lambda index: replace(RIGHT, input_tokens=17)).outcome == "red"
    assert scored(tmp_path, gate, endpoint, right).outcome == "green"


def test_answers_that_are_all_empty_are_named(tmp_path: Path, endpoint: Endpoint) -> None:
    empty = Answer("", "stop", 10, 40, 5.0, details={"reasoning": "well, let me think about that"})
    verdict = judged(suite(tmp_path), endpoint, lambda index: empty, right)
    assert verdict.outcome == "red"
    assert "100 % of answers empty: reasoning was returned, no content (baseline 0 %)" in verdict.reason
    assert verdict.usage.kinds == {"empty": verdict.cases}


def test_a_baseline_that_never_reaches_full_marks_certifies_nobody(tmp_path: Path, endpoint: Endpoint) -> None:
    loaded = suite(tmp_path)
    sides = Sides(Transcript(endpoint), None, {"v": Transcript(endpoint)})
    record = recorded(loaded, sides)
    for side in (sides.baseline, sides.variants["v"]):
        for _ in range(CASES):
            side.add([RIGHT], [{"score": 0.5}])
    record.rule()
    verdict = operation_board(record, ["score"]).verdicts[0]
    assert (verdict.outcome, verdict.cause) == ("inconclusive", "scores")
    assert "never reaches full marks on score" in verdict.reason


def test_while_the_baseline_is_asked_twice_its_mean_is_what_counts(tmp_path: Path, endpoint: Endpoint) -> None:
    verdict = judged(suite(tmp_path), endpoint, every(40, WRONG), every(40, WRONG), again=right)
    assert verdict.metrics[0].delta < 0  # half of what the second answer was better
    assert verdict.metrics[0].broke == verdict.metrics[0].fixed == 0  # beside the first


def test_who_could_not_be_reached_is_unknown_and_everybody_else_is_judged(tmp_path: Path, endpoint: Endpoint) -> None:
    loaded = suite(tmp_path)
    sides = Sides(Transcript(endpoint), None, {"v": Transcript(endpoint), "gone": Transcript(endpoint)})
    record = recorded(loaded, sides)
    record.drop(sides.variants["gone"], "gone: nobody listens")
    for side in record.open_sides():
        for _ in range(CASES):
            side.add([RIGHT], [{"score": 1.0}])
    record.rule()
    board = Board("r", 1.0, 0, (operation_board(record, ["score"]),))
    good, gone = board.operations[0].verdicts
    assert good.outcome == "green"
    assert (gone.outcome, gone.cause, gone.reason) == ("inconclusive", "unreachable", "gone: nobody listens")
    assert board.exit_code == 4


def test_a_board_is_read_back_as_it_was_written(tmp_path: Path, endpoint: Endpoint) -> None:
    loaded = suite(tmp_path, gate="margin: 0.05, min_score: {score: 0.5}")
    sides = Sides(Transcript(endpoint), None, {"v": Transcript(endpoint)})
    record = recorded(loaded, sides)
    for side in (sides.baseline, sides.variants["v"]):
        for _ in range(CASES):
            side.add([RIGHT], [{"score": 1.0}])
    record.rule()
    board = Board("r", 1.0, 3, (operation_board(record, ["score"]),))
    assert Board.from_json(board.to_json()) == board
