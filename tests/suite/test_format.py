"""What a suite may be made of: other files, examples, conversations, pictures, datasets with columns of their own."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Message
from evalgate.suite import Suite, load_suite
from evalgate.suite.turns import problem_with
from tests.conftest import JSON, SUITE, suite_file, written

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{ input }}"}]
ROWS = [{"text": f"word {n}", "label": "odd" if n % 2 else "even", "lang": "de" if n < 3 else "en"} for n in range(8)]
CALL = {"id": "k1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
BROKEN = {"id": "k1", "type": "function", "function": {"name": "look", "arguments": "{"}}


def refusal(folder: Path, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        load_suite(suite_file(folder, **changes))
    return str(caught.value).replace(str(folder) + "/", "")


def asked(suite: Suite, name: str) -> str | tuple[Message, ...]:
    return suite.request(next(case for case in suite.cases if case.id == name)).prompt


def test_a_prompt_in_a_file_is_the_same_suite_as_one_that_is_written_out(tmp_path: Path) -> None:
    plain = load_suite(suite_file(tmp_path))
    (tmp_path / "prompt.md").write_text("Colour {{ input }}:\n")
    assert load_suite(suite_file(tmp_path, prompt="file://prompt.md")).hash == plain.hash


def test_a_mistake_in_a_prompt_file_is_told_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Colour {{ inputs }}:\n")
    messages = [{"role": "user", "content": "file://prompt.md"}]
    assert refusal(tmp_path, prompt=messages).startswith("prompt.md:1:1 prompt.0.content: 'inputs' is undefined")


@pytest.mark.parametrize("name", ["/etc/passwd", "../prompt.md", "missing.md", "", "."])
def test_a_prompt_from_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "prompt.md").write_text("stolen {{ input }}")
    (tmp_path / "in").mkdir()
    assert "suite.yaml:1:" in refusal(tmp_path / "in", prompt=f"file://{name}")


def test_a_link_that_leads_away_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.md").write_text("{{ input }}")
    (tmp_path / "in" / "prompt.md").symlink_to(tmp_path / "secret.md")
    assert "'prompt.md' is outside of the suite's folder" in refusal(tmp_path / "in", prompt="file://prompt.md")


def test_a_suite_that_extends_another_says_only_what_is_different(tmp_path: Path) -> None:
    whole = load_suite(suite_file(tmp_path, generation={"seed": 3, "max_tokens": 7}))
    written(tmp_path, "base.yaml", {**SUITE, "generation": {"seed": 2, "max_tokens": 7}})
    path = written(tmp_path, "own.yaml", {"extends": "base.yaml", "generation": {"seed": 3}})
    assert load_suite(path).hash == whole.hash


def test_a_mistake_is_told_in_the_file_in_which_it_is_written(tmp_path: Path) -> None:
    written(tmp_path, "base.yaml", {**SUITE, "generation": {"sede": 2}})
    path = written(tmp_path, "own.yaml", {"extends": "base.yaml", "repeats": 0})
    with pytest.raises(InputError) as caught:
        load_suite(path)
    told = str(caught.value).replace(str(tmp_path) + "/", "").splitlines()
    assert [line.partition(":")[0] for line in told] == ["base.yaml", "own.yaml"]
    assert "generation.sede: unknown key; did you mean 'seed'?" in told[0]


def test_suites_cannot_extend_each_other(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        written(tmp_path, f"{one}.yaml", {**SUITE, "extends": f"{other}.yaml"})
    with pytest.raises(InputError, match=r"b\.yaml:1:\d+ extends: a suite that is extended cannot extend another"):
        load_suite(tmp_path / "a.yaml")


def test_tools_beside_generation_are_those_of_generation(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    inside = load_suite(suite_file(tmp_path, generation={"tools": tools, "tool_choice": "required"}))
    beside = load_suite(suite_file(tmp_path, tools=tools, generation={"tool_choice": "required"}))
    assert beside.parameters == inside.parameters
    assert beside.hash == inside.hash
    assert "write them once" in refusal(tmp_path, tools=tools, generation={"tools": tools})


def test_examples_of_the_suite_stand_before_every_case_and_are_not_asked(tmp_path: Path) -> None:
    suite = load_suite(suite_file(tmp_path, examples={"ids": ["c2"]}))
    assert {case.id for case in suite.cases} == {"c0", "c1"}
    assert asked(suite, "c0") == "Colour number 2: shade 2\n\nColour number 0:"
    assert len(load_suite(suite_file(tmp_path, examples={"count": 1})).cases) == 2


def test_examples_in_a_chat_are_turns_behind_those_of_the_system(tmp_path: Path) -> None:
    shown = [{"input": "red", "target": "warm"}]
    suite = load_suite(suite_file(tmp_path, prompt=CHAT, examples=shown))
    assert asked(suite, "c1") == (
        Message("system", "Be brief."),
        Message("user", "red"),
        Message("assistant", "warm"),
        Message("user", "number 1"),
    )
    other = suite_file(tmp_path, prompt=CHAT, examples=[{"input": "red", "target": "cold"}])
    assert load_suite(other).hash != suite.hash


def test_examples_have_a_template_of_their_own_which_sees_the_target(tmp_path: Path) -> None:
    spec = {
        "cases": [{"input": "red", "target": "warm"}],
        "template": "{{ input }} is {{ target }}.",
        "separator": "\n",
    }
    assert asked(load_suite(suite_file(tmp_path, examples=spec)), "c1") == "red is warm.\nColour number 1:"


@pytest.mark.parametrize(
    ("examples", "told"),
    [
        ({"count": 9}, "there are only 3 cases to choose from"),
        ({"ids": ["nobody"]}, "no case 'nobody'"),
        ({}, "say how many of the suite's cases are examples"),
        ({"count": 1, "ids": ["c1"]}, "two ways to choose"),
        ({"count": 3}, "no cases"),
        ([{"input": "red"}], "has no target to show"),
        ([{"input": "number 1", "target": "x"}], "asks what the example"),
        ({"cases": "/etc/passwd"}, "is outside of the suite's folder"),
        ({"cases": [{"input": "a", "target": "b"}], "template": []}, "examples.template"),
    ],
)
def test_examples_that_cannot_be_shown_are_refused(tmp_path: Path, examples: object, told: str) -> None:
    assert told in refusal(tmp_path, examples=examples)


def test_a_conversation_stands_before_what_the_prompt_asks(tmp_path: Path) -> None:
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "k1", "content": "a lamp"},
    ]
    suite = load_suite(suite_file(tmp_path, prompt=CHAT, cases=[{"id": "a", "input": "{{ 1 }}", "messages": history}]))
    assert asked(suite, "a") == (
        Message("system", "Be brief."),
        Message("user", "hi"),
        Message("assistant", "", (CALL,)),
        Message("tool", "a lamp", (), "k1"),
        Message("user", "{{ 1 }}"),
    )


def test_a_case_may_be_a_conversation_and_nothing_else(tmp_path: Path) -> None:
    cases = [{"messages": [{"role": "user", "content": word}]} for word in ("one", "two")]
    suite = load_suite(suite_file(tmp_path, prompt=[], cases=cases))
    assert {suite.request(case).prompt[0].content for case in suite.cases} == {"one", "two"}  # type: ignore[union-attr]
    assert len({case.id for case in suite.cases}) == 2


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([], ": expected a list of messages"),
        ("hi", ": expected a list of messages"),
        ([{"role": "usr", "content": "x"}], ".0.role: "),
        ([{"role": "user", "contents": "x"}], "contents: unknown key; did you mean 'content'?"),
        ([{"role": "user"}], ".0: a message needs content, or calls of tools"),
        ([{"role": "tool", "content": "x"}], ".0: a message of role tool, and no other"),
        ([{"role": "tool", "content": "x", "tool_call_id": "k"}], ".0.tool_call_id: 'k' answers no call"),
        ([{"role": "assistant", "tool_calls": [CALL]}], ": the call 'k1' is not answered"),
        (
            [{"role": "assistant", "tool_calls": [CALL]}, {"role": "user", "content": "x"}],
            ".1: the call 'k1' has to be",
        ),
        ([{"role": "assistant", "tool_calls": [BROKEN]}], "expected the arguments as a JSON object"),
        ([{"role": "user", "tool_calls": [CALL]}], ".0: only the assistant calls tools"),
    ],
)
def test_what_is_no_conversation_is_refused(tmp_path: Path, messages: object, told: str) -> None:
    found = refusal(tmp_path, prompt=CHAT, cases=[{"input": "x", "messages": messages}])
    assert f"cases.0 messages{told}" in found or (told in found and "cases.0 messages." in found)


@settings(max_examples=30)
@given(JSON | st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "tool"])}, optional={"content": JSON})))
def test_any_value_is_a_conversation_or_told_why_it_is_none(value: object) -> None:
    assert problem_with(value) is None or isinstance(problem_with(value), str)  # type: ignore[arg-type]


def test_a_picture_is_part_of_the_request_and_of_the_hash(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    prompt = [{"role": "user", "content": [{"text": "What is it?"}, {"image": "{{ input }}.png"}]}]
    path = suite_file(tmp_path, prompt=prompt, cases=[{"id": "c", "input": "a"}])
    suite = load_suite(path)
    request = suite.request(suite.cases[0])
    assert request.images == ["data:image/png;base64," + base64.b64encode(PNG).decode()]
    before = suite.hash
    (tmp_path / "a.png").write_bytes(PNG + b"more")
    with pytest.raises(InputError, match=r"the picture 'a\.png' has changed since it was loaded"):
        suite.request(suite.cases[0])
    assert load_suite(path).hash != before
    assert load_suite(path).request(suite.cases[0]).hash != request.hash


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("text.png", "is no picture in PNG, JPEG, GIF or WebP"),
        ("missing.png", "cannot be read"),
        ("/etc/passwd", "is outside of the suite's folder"),
        ("data:text/html;base64,AAAA", "expected data:image/png"),
        ("https://", "is no URL of a picture"),
        (".", "is not a regular file"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "text.png").write_text("nothing to see")
    cases = [{"input": "x", "messages": [{"role": "user", "content": [{"image": name}]}]}]
    assert told in refusal(tmp_path, prompt=CHAT, cases=cases)


def test_there_is_a_request_of_each_kind_to_be_held_against_who_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    cases = [{"input": f"number {n}"} for n in range(3)]
    cases.append({"input": "x", "messages": [{"role": "user", "content": [{"image": "a.png"}]}]})  # type: ignore[dict-item]
    suite = load_suite(suite_file(tmp_path, prompt=CHAT, cases=cases))
    assert [bool(request.images) for request in suite.kinds_of_requests()] == [False, True]


def test_pictures_of_the_web_are_named_as_the_openai_api_names_them(tmp_path: Path) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    cases = [{"input": "x", "messages": [{"role": "user", "content": [{"type": "text", "text": "see"}, part]}]}]
    suite = load_suite(suite_file(tmp_path, prompt=CHAT, cases=cases))
    assert suite.request(suite.cases[0]).images == ["https://example.org/a.png"]


def stored(folder: Path, ending: str) -> str:
    name = f"rows{ending}"
    if ending == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / name)
    elif ending == ".csv":
        lines = [",".join(ROWS[0]), *(",".join(row.values()) for row in ROWS)]
        (folder / name).write_text("\n".join(lines))
    else:
        (folder / name).write_text("\n".join(map(json.dumps, ROWS)))
    return name


COLUMNS = {"input": "text", "target": "label", "metadata": ["lang"]}


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_columns_are_renamed_rows_filtered_and_counted(tmp_path: Path, ending: str) -> None:
    spec = {"path": stored(tmp_path, ending), "columns": COLUMNS, "filter": {"lang": "en"}, "limit": 3}
    suite = load_suite(suite_file(tmp_path, cases=None, dataset=spec))
    assert sorted(str(case.input) for case in suite.cases) == ["word 3", "word 4", "word 5"]
    assert {str(case.target) for case in suite.cases} == {"odd", "even"}
    assert all(case.metadata == {"lang": "en"} for case in suite.cases)


def test_rows_that_are_named_are_left_out(tmp_path: Path) -> None:
    spec = {"path": stored(tmp_path, ".jsonl"), "columns": COLUMNS, "filter": {"lang": "en"}, "limit": 2}
    suite = load_suite(suite_file(tmp_path, cases=None, dataset={**spec, "without": {"text": ["word 3", "word 9"]}}))
    assert sorted(str(case.input) for case in suite.cases) == ["word 4", "word 5"]


def test_a_sample_is_the_same_whatever_the_rows_are_kept_in(tmp_path: Path) -> None:
    hashes = set()
    for ending in (".jsonl", ".csv", ".parquet"):
        spec = {"path": stored(tmp_path, ending), "columns": COLUMNS, "limit": 4, "shuffle": 7}
        hashes.add(load_suite(suite_file(tmp_path, cases=None, dataset=spec)).hash)
    assert len(hashes) == 1


def test_a_folder_is_read_as_the_hub_would_be(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "data" / "test-00000-of-00001.parquet")
    spec = {"path": "data", "split": "test", "columns": COLUMNS}
    suite = load_suite(suite_file(tmp_path, cases=None, dataset=spec))
    assert len(suite.cases) == len(ROWS)
    assert "Available splits: ['test']" in refusal(tmp_path, cases=None, dataset={**spec, "split": "tset"})


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"path": "a/b", "split": "test", "columns": COLUMNS}, "dataset.revision: missing; a dataset of the hub needs"),
        ({"path": "a/b", "split": "test", "revision": "main"}, "dataset.revision: string should match pattern"),
        ({"path": "a/b"}, "dataset.split: missing"),
        ({"path": "nowhere", "split": "test"}, "is no folder beside the suite"),
        ({"path": "rows.jsonl", "columns": {"input": "txt"}}, "rows.jsonl:1: no column 'txt'; did you mean 'text'?"),
        (
            {"path": "rows.jsonl", "columns": {"inptu": "text"}},
            "columns.inptu: no key of a case; did you mean 'input'?",
        ),
        ({"path": "rows.jsonl", "split": "test"}, "dataset.split: a file has none"),
        ({"path": "rows.jsonl", "shuffle": 1}, "give a limit too"),
        ({"path": "rows.jsonl", "columns": COLUMNS, "filter": {"lnag": "en"}}, "no column 'lnag'"),
        ({"path": "rows.jsonl", "columns": COLUMNS, "filter": {"lang": "xx"}}, "dataset.filter.lang: no row has 'xx'"),
        (
            {"path": "rows.jsonl", "columns": COLUMNS, "filter": {"lang": ["en", "em"]}},
            "dataset.filter.lang: no row has 'em' in this column",
        ),
        (
            {"path": "rows.jsonl", "columns": COLUMNS, "without": {"text": ["word 3", "wrod 4"]}},
            "dataset.without.text: no row has 'wrod 4' in this column",
        ),
        ({"path": "rows.jsonl", "columns": COLUMNS, "without": {"lnag": "en"}}, "no column 'lnag'"),
        ({"path": "broken.parquet"}, "not a readable Parquet file"),
        ({"path": "/etc/x.csv"}, "is outside of the suite's folder"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_refused(tmp_path: Path, spec: object, told: str) -> None:
    stored(tmp_path, ".jsonl")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no PAR1")
    assert told in refusal(tmp_path, cases=None, dataset=spec)


def test_a_suite_has_its_cases_in_one_place(tmp_path: Path) -> None:
    assert "either under cases or under dataset" in refusal(tmp_path, cases=None)
    assert "either under cases or under dataset" in refusal(tmp_path, dataset=[{"input": 1}])


@pytest.mark.parametrize("inline", [True, False])
def test_defaults_are_what_every_case_has_that_says_nothing_else(tmp_path: Path, inline: bool) -> None:
    rows = [{"id": "a", "input": "x", "metadata": {"k": 1}}, {"id": "b", "input": "y", "target": "own"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    common = {"target": "common", "metadata": {"k": 0, "lang": "de"}}
    suite = load_suite(suite_file(tmp_path, cases=rows if inline else "rows.jsonl", defaults=common))
    found = {case.id: (case.target, case.metadata) for case in suite.cases}
    assert found == {"a": ("common", {"k": 1, "lang": "de"}), "b": ("own", {"k": 0, "lang": "de"})}


def test_a_weight_is_refused_and_says_why(tmp_path: Path) -> None:
    assert "cases.0 weight: cases have no weight" in refusal(tmp_path, cases=[{"input": 1, "weight": 2}])


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, gate={"margn": 0.1, "seeed": 1}, repeats=0, assert_=[], generation={"seed": "x"})
    assert [line.split(" ")[1] for line in told.splitlines()] == [
        *("generation.seed:", "repeats:", "assert:", "gate.margn:", "gate.seeed:")
    ]
    cases = refusal(tmp_path, cases=[{"input": ""}, {"inptu": 1}, {"input": 1}])
    assert len(cases.splitlines()) == 2
