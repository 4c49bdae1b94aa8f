"""Logs that the tools themselves wrote (tests/fixtures/logs/README.md), held against the mock server's known truth.

The truth is computed here from the server's rule, so that no log has to be believed: a model called `…-NN` is right on
NN % of the keys, decided by a hash of key and model (`mock_openai.c` of the bench kit).
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.integrations.scores import PairedScores, ScoreTable, pair, read_scores

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
INSPECT, LM_EVAL, PROMPTFOO = (LOGS / one for one in ("inspect-0.3.285", "lm-eval-0.4.13", "promptfoo-0.123.1"))
# tool: (baseline = mock-80, variant = mock-60, metric, number of cases)
RUNS = {
    "inspect .eval": (INSPECT / "baseline.eval", INSPECT / "variant.eval", "exact", 40),
    "inspect JSON": (INSPECT / "baseline.json", INSPECT / "variant.json", "exact", 10),
    "lm-eval": (LM_EVAL / "baseline.jsonl", LM_EVAL / "variant.jsonl", "exact_match", 40),
    "promptfoo": (PROMPTFOO / "baseline.json", PROMPTFOO / "variant.json", "score", 40),
}


_MASK = 0xFFFFFFFFFFFFFFFF
KEYS = [f"item-{index:06d}" for index in range(40)]


def _fnv(text: str, state: int = 14695981039346656037) -> int:
    for byte in text.encode():
        state = ((state ^ byte) * 1099511628211) & _MASK
    return state


def _uniform(state: int) -> float:
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) * 2.0**-53


def is_right(key: str, model: str) -> bool:
    """Tell whether `model` gives the right answer for `key`."""
    return _uniform(_fnv(model, _fnv(key)) ^ 0x5151) * 100 < int(model.rsplit("-", 1)[1])


def true_scores(model: str, keys: list[str] | None = None) -> dict[str, float]:
    """Return the exact-match score of `model` for each key."""
    return {key: float(is_right(key, model)) for key in keys or KEYS}


def true_gains_and_losses(baseline: str, variant: str, keys: list[str] | None = None) -> tuple[int, int]:
    """Return on how many keys only `variant` is right, and on how many only `baseline`."""
    before, after = true_scores(baseline, keys), true_scores(variant, keys)
    return sum(after[key] > before[key] for key in before), sum(after[key] < before[key] for key in before)


def flips(paired: PairedScores) -> tuple[int, int]:
    return sum(one > 0 for one in paired.differences), sum(one < 0 for one in paired.differences)


def by_key(table: ScoreTable, metric: str) -> dict[str, float]:
    return {case.split("@")[0].split("/")[0]: score for case, score in table.metrics[metric].items()}


@pytest.mark.parametrize("run", RUNS)
def test_gains_and_losses_are_those_of_the_models(run):
    baseline, variant, metric, cases = RUNS[run]
    paired = pair(read_scores(baseline), read_scores(variant))
    assert paired.metric == metric
    assert len(paired.ids) == cases
    assert flips(paired) == true_gains_and_losses("mock-80", "mock-60", KEYS[:cases])
    assert not any(paired.baseline_errored + paired.variant_errored)


def test_the_known_truth_has_flips_in_both_directions():
    assert true_gains_and_losses("mock-80", "mock-60") == (5, 13)


@pytest.mark.parametrize("run", ["inspect .eval", "inspect JSON", "lm-eval"])
@pytest.mark.parametrize(("side", "model"), [(0, "mock-80"), (1, "mock-60")])
def test_every_case_has_the_score_of_its_own_question(run, side, model):
    path, metric, cases = RUNS[run][side], RUNS[run][2], RUNS[run][3]
    assert by_key(read_scores(path), metric) == true_scores(model, KEYS[:cases])


@pytest.mark.parametrize(("name", "model"), [("baseline", "mock-80"), ("variant", "mock-60")])
def test_every_promptfoo_test_has_the_score_of_its_own_question(tmp_path, name, model):
    output = json.loads((PROMPTFOO / f"{name}.json").read_text())
    for row in output["results"]["results"]:  # the tests have no ids: give them one, to know them again
        row["testCase"]["metadata"]["id"] = row["vars"]["input"].split("[[q:")[1].split("]]")[0]
    (tmp_path / "named.json").write_text(json.dumps(output))
    assert by_key(read_scores(tmp_path / "named.json"), "score") == true_scores(model)


def test_all_tools_agree_on_the_means():
    for side, mean in ((0, 0.825), (1, 0.625)):
        for run in ("inspect .eval", "lm-eval", "promptfoo"):
            scores = read_scores(RUNS[run][side]).metrics[RUNS[run][2]].values()
            assert sum(scores) / len(scores) == pytest.approx(mean)


def test_the_tool_and_the_model_are_told():
    told = {run: (table.tool, table.model) for run, (path, *_) in RUNS.items() for table in [read_scores(path)]}
    assert told == {
        "inspect .eval": ("inspect", "openai-api/mock/mock-80"),
        "inspect JSON": ("inspect", "openai-api/mock/mock-80"),
        "lm-eval": ("lm-eval", None),
        "promptfoo": ("promptfoo", "openai:chat:mock-80"),
    }


def test_a_cost_that_promptfoo_does_not_know_is_not_zero():
    assert read_scores(PROMPTFOO / "baseline.json").cost is None


def test_logs_of_different_tools_do_not_pair():
    with pytest.raises(InputError, match=r"metric: .* has 'exact', .* has 'exact_match'"):
        pair(read_scores(INSPECT / "baseline.eval"), read_scores(LM_EVAL / "variant.jsonl"))


def test_the_same_documents_in_another_order_pair_all_the_same(tmp_path):
    lines = (LM_EVAL / "variant.jsonl").read_text().splitlines()
    random.Random(1).shuffle(lines)
    rows = [json.loads(line) | {"doc_id": index} for index, line in enumerate(lines)]  # another shuffle of the split
    (tmp_path / "shuffled.jsonl").write_text("\n".join(map(json.dumps, rows)))
    baseline = read_scores(LM_EVAL / "baseline.jsonl")
    assert pair(baseline, read_scores(tmp_path / "shuffled.jsonl")) == pair(
        baseline, read_scores(LM_EVAL / "variant.jsonl")
    )


def test_the_same_promptfoo_tests_in_another_order_pair_all_the_same(tmp_path):
    output = json.loads((PROMPTFOO / "variant.json").read_text())
    rows = output["results"]["results"]
    random.Random(1).shuffle(rows)
    for index, row in enumerate(rows):  # what promptfoo writes when the file of tests is in this order
        row["testIdx"], row["testCase"]["description"] = index, f"Row #{index + 1}"
    (tmp_path / "shuffled.json").write_text(json.dumps(output))
    baseline = read_scores(PROMPTFOO / "baseline.json")
    assert pair(baseline, read_scores(tmp_path / "shuffled.json")) == pair(
        baseline, read_scores(PROMPTFOO / "variant.json")
    )


class TestInspectHard:
    """Two epochs of eight samples; one sample fails in both; one scorer returns a dictionary; clusters."""

    path = INSPECT / "hard.eval"

    def test_epochs_are_averaged_and_counted(self):
        table = read_scores(self.path)
        assert len(table.metrics["exact"]) == 8
        assert set(table.repeats.values()) == {2}

    def test_a_sample_that_failed_scores_0_on_every_metric(self):
        table = read_scores(self.path)
        assert table.errors.keys() == {"item-000002"}
        assert {metric: cases["item-000002"] for metric, cases in table.metrics.items()} == {
            "exact": 0.0,
            "shape.partial": 0.0,
            "shape.prefix": 0.0,
        }

    def test_grades_and_booleans_within_a_dictionary(self):
        table = read_scores(self.path)
        assert table.metrics["shape.partial"]["item-000001"] == 0.5
        assert table.metrics["shape.prefix"]["item-000001"] == 0.0
        assert table.metrics["shape.prefix"]["item-000000"] == 1.0

    def test_a_length_is_no_score_but_does_not_spoil_the_others(self):
        with pytest.raises(InputError, match=r"hard.eval:samples/.*json shape.length: received 12, expected a number"):
            read_scores(self.path, metric="shape.length")
        assert list(read_scores(self.path, metric="exact").metrics) == ["exact"]

    def test_several_metrics_have_to_be_chosen_from(self):
        table = read_scores(self.path)
        with pytest.raises(InputError, match=r"several \(exact, shape.length, shape.partial, shape.prefix\)"):
            pair(table, table)

    def test_clusters_come_from_the_metadata(self):
        table = read_scores(self.path)
        paired = pair(table, table, "exact")
        assert paired.clusters == tuple(f"source-{index // 2}" for index in range(8))
        assert paired.variant_errored == (False, False, True, False, False, False, False, False)


def test_an_inspect_run_that_failed_is_refused():
    with pytest.raises(InputError, match=r"header.json status: received 'error', expected 'success'; finish it with"):
        read_scores(INSPECT / "failed.eval")


class TestLmEvalHard:
    """Nine documents, of which the last is the first again; two filters; a metric that is no number (bleu)."""

    path = LM_EVAL / "hard.jsonl"

    def test_a_metric_is_named_with_its_filter(self):
        assert list(read_scores(self.path).metrics) == ["exact_match,flexible-extract", "exact_match,strict-match"]

    def test_the_short_name_is_ambiguous_between_filters(self):
        with pytest.raises(InputError, match=r"several \(exact_match,flexible-extract, exact_match,strict-match\)"):
            read_scores(self.path, metric="exact_match")

    def test_a_document_that_stands_twice_is_one_case(self):
        table = read_scores(self.path, metric="exact_match,strict-match")
        assert by_key(table, "exact_match,strict-match") == true_scores("mock-80", KEYS[:8])
        assert {case.split("@")[0]: count for case, count in table.repeats.items()} == {
            key: 2 if key == "item-000000" else 1 for key in KEYS[:8]
        }

    def test_a_metric_that_is_no_number_is_refused(self):
        with pytest.raises(InputError, match=r"hard.jsonl:1 bleu,strict-match: received a list"):
            read_scores(self.path, metric="bleu,strict-match")


class TestPromptfooHard:
    """Three tests, two prompts, two providers, `--repeat 2`; named metrics; some calls fail."""

    path = PROMPTFOO / "hard.json"

    def test_several_providers_are_an_error_that_names_them(self):
        with pytest.raises(InputError) as raised:
            read_scores(self.path)
        assert f"{self.path}#bf16" in str(raised.value)
        assert f"{self.path}#openai:chat:mock-60" in str(raised.value)

    @pytest.mark.parametrize("provider", ["bf16", "openai:chat:mock-80"])
    def test_a_provider_is_chosen_by_label_or_by_id(self, provider):
        table = read_scores(Path(f"{self.path}#{provider}"))
        assert table.model == "bf16"
        assert len(table.metrics["score"]) == 6

    def test_an_unknown_provider_is_an_error(self):
        with pytest.raises(InputError, match=r"received provider 'nope'; the file has .*#bf16"):
            read_scores(Path(f"{self.path}#nope"))

    def test_two_providers_of_one_file_pair(self):
        paired = pair(read_scores(Path(f"{self.path}#bf16")), read_scores(Path(f"{self.path}#openai:chat:mock-60")))
        before, after = (true_scores(model, KEYS[:3]) for model in ("mock-80", "mock-60"))
        failed = {"bf16": "item-000002", "mock-60": "item-000000"}
        for index, case in enumerate(paired.ids):
            key = case.split("@")[0]
            assert paired.baseline[index] == (0 if key == failed["bf16"] else before[key])
            assert paired.variant[index] == (0 if key == failed["mock-60"] else after[key])
            assert paired.baseline_errored[index] == (key == failed["bf16"])

    def test_repeats_are_averaged_and_prompts_are_cases(self):
        table = read_scores(Path(f"{self.path}#bf16"))
        assert set(table.repeats.values()) == {2}
        assert len({case.split("/")[0] for case in table.repeats}) == 3
        assert len({case.split("/")[1] for case in table.repeats}) == 2

    def test_a_named_metric_covers_the_tests_that_have_it_and_failures_count_as_0(self):
        table = read_scores(Path(f"{self.path}#bf16"))
        prefix = {case.split("@")[0]: score for case, score in table.metrics["prefix"].items()}
        assert prefix == {"item-000000": 1.0, "item-000002": 0.0}
        assert table.metrics.keys() == {"score", "success", "exact", "prefix"}

    def test_the_rows_one_a_line_read_the_same(self, tmp_path):
        rows = json.loads(self.path.read_text())["results"]["results"]
        lines = tmp_path / "hard.jsonl"
        lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert read_scores(Path(f"{lines}#bf16")).metrics == read_scores(Path(f"{self.path}#bf16")).metrics
