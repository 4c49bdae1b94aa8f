"""What a file says is what is asked and compared, in whichever format it says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import as_text
from evalgate.graders import bind
from evalgate.suite import Case, Suite, load_suite, load_suites
from tests.suite.test_load import refusal

WRITTEN = ["3.10", "5.00", "1e5", "1E5", "1.5e+3", "0.1000000000000000055", "9" * 40, "-0", "1e-07"]
NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9])?", fullmatch=True)
HEAD = """operation: price
model: toy
baseline: full
gate: {margin: 0.05}
"""


def suite(
    folder: Path, cases: str, *, prompt: str = "{{ input }}", grader: str = "type: exact", more: str = ""
) -> Suite:
    path = folder / "suite.yaml"
    path.write_text(f"{HEAD}prompt: '{prompt}'\nassert: [{{{grader}}}]\ncases: {cases}\n{more}")
    return load_suite(path)


def of_jsonl(folder: Path, row: str, **more: str) -> Suite:
    (folder / "cases.jsonl").write_text(row)
    return suite(folder, "cases.jsonl", **more)


def only(loaded: Suite) -> tuple[Case, str]:
    (case,) = loaded.cases
    prompt = loaded.request(case).prompt
    assert isinstance(prompt, str)
    return case, prompt


@pytest.mark.parametrize("text", [*WRITTEN, "true", "null"])
def test_a_scalar_is_asked_and_compared_as_it_was_written(tmp_path: Path, text: str) -> None:
    row = f'{{"id": "a", "input": [{text}], "target": {text}}}'
    for loaded in (suite(tmp_path, f"[{row}]"), of_jsonl(tmp_path, row)):
        case, prompt = only(loaded)
        assert prompt == f"[{text}]"
        assert as_text(case.target) == text


@pytest.mark.parametrize("text", ["+5", ".5", "5.", "+.5e1"])
def test_so_is_one_that_only_yaml_has(tmp_path: Path, text: str) -> None:
    case, prompt = only(suite(tmp_path, f"[{{id: a, input: {text}, target: {text}}}]"))
    assert (prompt, as_text(case.target)) == (text, text)


@given(NUMBER)
def test_any_number_is_one_thing_in_yaml_and_in_jsonl(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder, row = tmp_path_factory.getbasetemp(), f'{{"id": "a", "input": {{"n": {text}}}, "target": {text}}}'
    inline, (of_file, prompt) = suite(folder, f"[{row}]"), only(of_jsonl(folder, row))
    assert prompt == only(inline)[1] == f'{{"n": {text}}}'
    assert as_text(of_file.target) == text
    assert inline.hash == load_suite(folder / "suite.yaml").hash


def test_a_cell_of_a_csv_file_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("id,input,target\n007,3.10,True\n")
    case, prompt = only(suite(tmp_path, "cases.csv"))
    assert (case.id, prompt, case.target) == ("007", "3.10", "True")


@pytest.mark.parametrize("written", ["007", "1.0", "1.10", "+5", "9" * 30])
def test_an_id_is_its_text(tmp_path: Path, written: str) -> None:
    assert only(suite(tmp_path, f"[{{id: {written}, input: x}}]", grader="type: exact, value: x"))[0].id == written


@pytest.mark.parametrize("part", ["input", "target", "metadata"])
def test_another_text_is_another_suite(tmp_path: Path, part: str) -> None:
    row = {"id": "'a'", "input": "'x'", "target": "'y'", "metadata": "{}"}
    suites = []
    for text in ("3.10", "3.1"):
        changed = row | {part: f"{{n: {text}}}" if part == "metadata" else text}
        inside = ", ".join(f"{key}: {value}" for key, value in changed.items())
        suites.append(suite(tmp_path, f"[{{{inside}}}]"))
    assert suites[0].hash != suites[1].hash
    assert (bind(suites[0]).hash != bind(suites[1]).hash) == (part == "target")


def test_so_is_another_text_that_an_assertion_expects(tmp_path: Path) -> None:
    one, other = (
        suite(tmp_path, "[{id: a, input: x}]", grader=f"type: exact, value: {text}") for text in ("3.10", "3.1")
    )
    assert as_text(one.assertions[0].value) == "3.10"
    assert one.hash != other.hash
    assert bind(one).hash != bind(other).hash


def test_clusters_are_told_apart_by_their_text(tmp_path: Path) -> None:
    rows = [f'{{"id": "{text}", "input": "{text}", "metadata": {{"v": {text}}}}}' for text in ("1.0", "1.00", "1")]
    loaded = of_jsonl(tmp_path, "\n".join(rows), grader="type: exact, value: x", more="cluster_by: metadata.v")
    assert len(loaded.units) == 3


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ input }}", '{"p": 3.10, "ok": true, "no": null, "all": [1e5, "é"]}'),
        ("{{ input.p }}|{{ input.ok }}|{{ input.no }}|{{ input.all }}", '3.10|true|null|[1e5, "é"]'),
        ("{{ input | tojson }}", '{"p": 3.10, "ok": true, "no": null, "all": [1e5, "é"]}'),
        ("{{ input.p ~ input.ok ~ input.all }}", '3.10true[1e5, "é"]'),
        ("{{ input.all | join(input.ok) }}", "1e5trueé"),
        ('{{ [input, input] | join(input.no, attribute="ok") }}', "truenulltrue"),
        ("{{ input.all | string | upper }}", '[1E5, "É"]'),
        ('{{ input.all | map("string") | join(" ") }}', "1e5 é"),
        ('{{ input.ok | replace("t", "T") }}{{ input.all | trim }}', 'True[1e5, "é"]'),
        ('{{ "%s %s %.1f" | format(input.ok, input.all, input.p) }}', 'true [1e5, "é"] 3.1'),
        ('{{ "%s %s" % (input.ok, input.p) }}', "true 3.10"),
        ('{{ "{}".format(input.p) }}', "3.10"),
        ("{% for key, value in input.items() %}{{ key }}={{ value }};{% endfor %}", None),
        ("{{ input.keys() }}", '["p", "ok", "no", "all"]'),
        ("{{ input.p + 1 }} {{ input.p * 2 }} {{ input.p | round(1) }} {{ input.p | int }}", "4.1 6.2 3.1 3"),
        ("{% if input.p > 3 and input.ok and not input.no %}yes{% endif %}", "yes"),
        ("{{ input.p == 3.1 }}", "true"),
        ("{{ (1, true) }}", "[1, true]"),
        ("{{ input | tojson(2) | length > 20 }}", "true"),
        ('{{ "x" | indent(2, false) }}', "x"),
    ],
)
def test_a_value_is_written_alike_wherever_a_template_makes_a_text_of_it(
    tmp_path: Path, template: str, text: str | None
) -> None:
    row = '{"id": "a", "input": {"p": 3.10, "ok": true, "no": null, "all": [1e5, "é"]}, "target": "x"}'
    _, prompt = only(of_jsonl(tmp_path, row, prompt=template))
    assert prompt == ('p=3.10;ok=true;no=null;all=[1e5, "é"];' if text is None else text)


def test_sampling_parameters_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(f"{HEAD}prompt: x\nassert: [{{type: exact, value: y}}]\ncases: [{{id: a, input: b}}]\n")
    plain = load_suite(path)
    path.write_text(path.read_text() + "generation: {temperature: 0.00, max_tokens: +8}\n")
    written = load_suite(path)
    path.write_text(path.read_text().replace("0.00", "0.0").replace("+8", "8"))
    assert {type(value) for value in written.parameters.values()} == {int, float}
    assert written.hash == load_suite(path).hash != plain.hash


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"repeats": 10**20}, "repeats: a number beyond 64 bits"),
        ({"gate": {"margin": 0.1, "max_cases": 10**20}}, "gate.max_cases: a number beyond 64 bits"),
        ({"assert_": [{"type": "numeric", "tolerance": 10**20}]}, "a number beyond 64 bits"),
        (
            {"generation": {"tools": [{"function": {"name": "f", "parameters": {"maximum": 10**20}}}]}},
            "parameters: a number beyond 64 bits",
        ),
    ],
)
def test_a_number_that_could_not_be_sent_is_refused_where_it_stands(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    assert told in refusal(tmp_path, **changes)


def test_a_number_that_nobody_can_count_with_is_refused_with_its_line(tmp_path: Path) -> None:
    for text in ("9" * 2000, "1e999", "0." + "1" * 2000):
        with pytest.raises(InputError, match=r"cases\.jsonl:2(:11)?: .*number"):
            of_jsonl(tmp_path, f'{{"input": 1}}\n{{"input": {text}}}')


KNOWN = {
    "add_numbers": "sha256:2f2785f3a4a2aed2739576f8e29794e379b57f0e598927dfe58308f917681dad",
    "classify_feedback": "sha256:0b0e5c25815b887f39b2038f9cb401b8e5dce990f41c8ec04bf9e167540e2d2b",
    "extract_order": "sha256:a4f59a5053c61830c6a84ade267cba82595e89d8858bb6b65a5c896310ae8426",
    "recall_fact": "sha256:8cb8456a494587833e74805ec375c117dd80c23bfec639182ffaacc9e323c57c",
}


def test_suites_that_need_none_of_this_have_the_hash_that_they_had() -> None:
    suites = load_suites([Path(__file__).parents[2] / "suites" / "lab"])
    assert {each.operation: each.hash for each in suites} == KNOWN


def test_nor_does_any_plain_value_change_a_hash(tmp_path: Path) -> None:
    row = '{"id": "a", "input": {"n": [1, -2, 2.5, 5.0, true, null, "x"]}, "target": 12.25, "metadata": {"k": 0.1}}'
    expected = "sha256:74bef1b1a576977f58150361a44de30220ef53fa5894e32dfdee74e2df89d480"
    assert suite(tmp_path, f"[{row}]").hash == of_jsonl(tmp_path, row).hash == expected
