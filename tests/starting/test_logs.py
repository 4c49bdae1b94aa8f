"""Real logs as suites: the suite asks exactly what was asked, and expects what was expected."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.starting.draft import Draft
from evalgate.starting.logs import read_log
from evalgate.starting.texts import cases_text, suite_text
from evalgate.suite import Suite, load_suite
from tests.conftest import JSON, outcome

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
INSPECT, LM_EVAL = LOGS / "inspect-0.3.285", LOGS / "lm-eval-0.4.13"


def loaded(draft: Draft, folder: Path) -> Suite:
    """The draft as a suite that a check would load."""
    (folder / f"{draft.name}.yaml").write_text(suite_text(draft, "m", "b"), encoding="utf-8")
    (folder / f"{draft.name}.jsonl").write_bytes(cases_text(draft.rows))
    return load_suite(folder / f"{draft.name}.yaml")


def asked(suite: Suite) -> dict[str, tuple[Any, Any]]:
    """By case: what is asked, and the target."""
    return {case.id: (suite.request(case).prompt, case.target) for case in suite.cases}


@pytest.mark.parametrize("name", ["baseline.eval", "baseline.json"])
def test_a_log_of_inspect_asks_what_was_asked(name: str, tmp_path: Path) -> None:
    suite = loaded(read_log(INSPECT / name, None, []), tmp_path)
    samples = json.loads((INSPECT / "baseline.json").read_text())["samples"]
    found = asked(suite)
    for sample in samples:
        (message,) = found[sample["id"]][0]
        assert (message.role, message.content) == ("user", sample["input"])
        assert found[sample["id"]][1] == sample["target"]
    assert [assertion.type for assertion in suite.assertions] == ["exact"]
    assert suite.operation == "bench"
    assert len(found) == (40 if name.endswith(".eval") else 10)


def test_samples_of_lm_eval_ask_what_was_asked(tmp_path: Path) -> None:
    suite = loaded(read_log(LM_EVAL / "baseline.jsonl", "codes", []), tmp_path)
    rows = [json.loads(line) for line in (LM_EVAL / "baseline.jsonl").read_text().splitlines()]
    sent = {json.loads(row["arguments"]["gen_args_0"]["arg_0"][0])[0]["content"]: row["target"] for row in rows}
    assert {prompt[0].content: target for prompt, target in asked(suite).values()} == sent
    assert suite.parameters["stop"] == ["\n\n"]
    assert suite.parameters["max_tokens"] == 32


def test_epochs_and_failed_samples_are_one_case_each(tmp_path: Path) -> None:
    draft = read_log(INSPECT / "hard.eval", None, [])
    assert len({row["id"] for row in draft.rows}) == len(draft.rows) == 8
    assert [each.why for each in draft.everything_unsaid] == ["a scorer that no grader here is known to equal"]


def test_a_run_that_was_cut_short_gives_what_it_has_and_says_so() -> None:
    draft = read_log(INSPECT / "failed.eval", None, [])
    assert draft.rows
    assert any("not finished" in remark for remark in draft.told)


def test_metrics_of_a_filter_are_not_taken_for_graders() -> None:
    with pytest.raises(InputError, match=r"exact_match,strict-match.*--grader NAME"):
        read_log(LM_EVAL / "hard.jsonl", None, [])


def test_a_grader_that_was_named_takes_their_place() -> None:
    draft = read_log(LM_EVAL / "hard.jsonl", None, [{"type": "contains"}])
    assert draft.assertions == [{"type": "contains"}]
    assert len(draft.rows) == 8


def test_results_of_promptfoo_are_sent_to_the_other_option() -> None:
    with pytest.raises(InputError, match="--from-promptfoo"):
        read_log(LOGS / "promptfoo-0.123.1" / "baseline.json", None, [])


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def generated(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "source": "generate"}


def log(folder: Path, samples: list[Any], **header: Any) -> Path:
    head = {"version": 2, "status": "success", "eval": {"task": "t", "scorers": [{"name": "exact"}]}, "plan": {}}
    path = folder / "log.json"
    path.write_text(json.dumps({**head, **header, "samples": samples}))
    return path


def test_words_of_the_system_that_all_share_stand_in_the_prompt(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    samples = [
        {"id": n, "target": ["x"], "messages": [system, user(f"q{n}"), generated("a"), user("more")]} for n in (1, 2)
    ]
    draft = read_log(log(tmp_path, samples), None, [])
    assert draft.prompt == [system, user("{{ input }}")]
    assert [(row["id"], row["input"], row["target"]) for row in draft.rows] == [("1", "q1", "x"), ("2", "q2", "x")]


def test_conversations_stay_conversations(tmp_path: Path) -> None:
    talk = [user("hello {{ name }}"), {"role": "assistant", "content": "hi"}]
    samples = [{"id": n, "target": "x", "messages": [*talk, user(f"q{n}"), generated("a")]} for n in (1, 2)]
    suite = loaded(read_log(log(tmp_path, samples), None, []), tmp_path)
    prompt = next(iter(asked(suite).values()))[0]
    assert [message.content for message in prompt[:2]] == ["hello {{ name }}", "hi"]


def test_samples_with_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    picture = [{"type": "image", "image": "data:…"}]
    samples = [{"id": 1, "target": "x", "input": "q"}, {"id": 2, "target": "x", "messages": [user(picture)]}]  # type: ignore[arg-type]
    draft = read_log(log(tmp_path, samples), None, [])
    assert [row["id"] for row in draft.rows] == ["1"]
    assert any("left out 1 samples" in remark and "pictures" in remark for remark in draft.told)


def test_solvers_are_named_in_comments(tmp_path: Path) -> None:
    plan = {
        "steps": [{"solver": "chain_of_thought", "params": {"template": "x"}}, {"solver": "generate"}],
        "config": {"max_tokens": 9},
    }
    draft = read_log(log(tmp_path, [{"id": 1, "target": "x", "input": "q"}], plan=plan), None, [])
    assert "chain_of_thought" in draft.unsaid[0].line
    assert draft.generation == {"temperature": 0, "max_tokens": 9}


def lines(folder: Path, *rows: Mapping[str, Any]) -> Path:
    path = folder / "samples_task_2026-11-23T12-36-30.1.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def row(number: int, text: Any = None, parameters: Any = None, **more: Any) -> dict[str, Any]:
    request = {"arg_0": text or f"q{number}", "arg_1": {"until": ["\n"]} if parameters is None else parameters}
    return {
        "doc_id": number,
        "doc": {"n": number},
        "target": "x",
        "metrics": ["exact_match"],
        "arguments": {"gen_args_0": request},
        **more,
    }


def test_a_prompt_without_a_chat_template_is_a_text(tmp_path: Path) -> None:
    draft = read_log(lines(tmp_path, row(1), row(2)), None, [])
    assert draft.operation == "task"
    assert draft.prompt == "{{ input }}"
    assert [each["input"] for each in draft.rows] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(1, parameters=" continuation")], "compares likelihoods"),
        ([{**row(1), "arguments": {}}], "does not hold what was asked"),
        ([row(1, text=[1, 2])], "expected the prompt as a text"),
        ([row(1, text='[{"role": "user", "content": [1]}]')], "no texts"),
        ([{"doc_id": 1, "doc": {}}], "does not hold what was asked"),
        ([row(1), row(2, text='[{"role": "user", "content": "q"}]')], "some samples as a text"),
    ],
)
def test_samples_that_cannot_be_asked_again_say_why(tmp_path: Path, rows: list[Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_log(lines(tmp_path, *rows), None, [])


WRITERS: Mapping[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "blank": lambda path: path.write_bytes(b"\n\n"),
    "text": lambda path: path.write_text("no log"),
    "other json": lambda path: path.write_text("{}"),
    "header only": lambda path: path.write_text('{"status": "success", "eval": {}}'),
    "no samples": lambda path: path.write_text('{"status": "success", "eval": {}, "samples": []}'),
    "damaged zip": lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 100),
    "deep": lambda path: path.write_text("[" * 100_000),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("ending", [".json", ".jsonl", ".eval"])
def test_what_is_no_log_is_refused(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / f"log{ending}"
    WRITERS[name](path)
    with pytest.raises(InputError):
        read_log(path, None, [])


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("header.json", b" " * (257 * 1024**2))
    with pytest.raises(InputError, match="larger than 256 MiB"):
        read_log(path, None, [])


@given(run=JSON, plan=JSON, status=JSON)
def test_any_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, run: Any, plan: Any, status: Any
) -> None:
    header = {"eval": run if isinstance(run, dict) else {"scorers": run}, "plan": {"steps": plan, "config": plan}}
    path = log(tmp_path_factory.getbasetemp(), [{"id": 1, "input": "q", "target": "x"}], **header, status=status)
    made = outcome(lambda: read_log(path, "op", [{"type": "exact"}]))
    assert isinstance(made, Draft | InputError)


@given(
    sample=st.dictionaries(
        st.sampled_from(["id", "input", "messages", "target", "metadata", "scores", "attachments"]),
        JSON | st.just([{"role": "user", "content": "x"}]),
    )
)
def test_any_sample_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, sample: dict[str, Any]) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = log(folder, [sample])
    made = outcome(lambda: loaded(read_log(path, "op", [{"type": "exact"}]), folder))
    assert isinstance(made, Suite | InputError)


@given(
    changes=st.dictionaries(
        st.sampled_from(["doc_id", "doc", "target", "arguments", "metrics", "filter", "doc_hash"]), JSON
    )
)
def test_any_line_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = lines(folder, {**row(1), **changes})
    made = outcome(lambda: loaded(read_log(path, "op", [{"type": "exact"}]), folder))
    assert isinstance(made, Suite | InputError)
