"""Documents that people write: what is read, what is refused, and that the refusal names the place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from evalgate.errors import InputError
from evalgate.formats import documents, yaml_tree
from evalgate.formats.documents import Document, Strict, did_you_mean, parse_yaml, read_yaml
from tests.conftest import JSON, outcome

HERE = Path("doc.yaml")
YAML_LIKE = st.text(st.sampled_from("ab01.:,-?&*!|>'\"#%@`{}[]<=~\\ \n\t\r\ufeff\u2028\x85"), max_size=60)


def parsed(text: str) -> object:
    return parse_yaml(text, HERE).data


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, HERE)
    return str(caught.value)


@given(st.text() | YAML_LIKE)
@example("a: !!bool x")
@example("a: !!int ''")
@example("a: !!float ''")
@example("a: !!timestamp x")
@example("a: !!set {x}")
@example("=: =")
@example("&a [*a]")
@example("? [a]\n: 1")
@example("%YAML 2.0\n---\na: 1")
@example("a: " + "9" * 5000)
@example("a: 0x" + "f" * 9000)
@example('a: "\\ud800"')
def test_any_text_is_a_document_or_an_input_error(text: str) -> None:
    result = outcome(lambda: parse_yaml(text, HERE))
    assert isinstance(result, Document) or str(result).startswith("doc.yaml")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    result = outcome(lambda: read_yaml(path))
    assert isinstance(result, Document) or str(path) in str(result)


class Quoting(yaml.SafeDumper):
    """Quotes every text: unquoted, PyYAML's own text `1e3` is a number to YAML 1.2."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@given(JSON)
def test_whatever_json_can_say_is_read_back(value: object) -> None:
    assert parsed(yaml.dump({"a": value}, Dumper=Quoting, allow_unicode=True)) == {"a": value}


@pytest.mark.parametrize(
    "text", ["no", "Yes", "on", "OFF", "y", "12:30", "010", "0x1F", "1_000", "2024-01-31", "<<", "="]
)
def test_what_looks_like_a_text_is_a_text(text: str) -> None:
    assert parsed(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("False", False), ("~", None), ("", None), ("-7", -7), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0)],
)
def test_plain_words_are_read_as_yaml_1_2_and_json_do(text: str, value: object) -> None:
    assert parsed(f"a: {text}") == {"a": value}


@pytest.mark.parametrize("text", [".nan", ".inf", "-.INF"])
def test_there_is_no_nan_and_no_infinity(text: str) -> None:
    assert parsed(f"a: {text}") == {"a": text}


@pytest.mark.parametrize("number", ["9" * 4000, "0." + "1" * 4000, "1e400"])
def test_a_number_that_nobody_can_count_with_is_refused_with_its_line(number: str) -> None:
    assert refusal(f"a: 1\nb: {number}").startswith("doc.yaml:2:1: a number ")


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "9" * 40])
def test_a_number_beyond_64_bits_is_kept_as_it_is(number: str) -> None:
    assert parsed(f"a: {number}") == {"a": int(number)}


@pytest.mark.parametrize(
    "text",
    ["!!python/object/apply:os.system [ls]", "!!binary aGk=", "!mine x", "!!int {b: 1}", "!!str [a]", "!!set {a}"],
)
def test_tags_are_refused(text: str) -> None:
    assert "leave the tag away" in refusal(f"a: {text}")


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert parsed("no: 1\n1: 2\n~: 3\n1.5: 4\ntrue: 5") == {"no": 1, "1": 2, "~": 3, "1.5": 4, "true": 5}


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    assert refusal("a:\n  b: 1\n  c: 2\n  'b': 3") == "doc.yaml:4:3 a.b: duplicate key; first given on line 2"


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert parsed("x: &x {a: 1}\ny: {<<: *x}") == {"x": {"a": 1}, "y": {"<<": {"a": 1}}}


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes("\ufeffa: é\r\nb: |\r\n  one\r\n  two\r\n".encode())
    document = read_yaml(path)
    assert document.data == {"a": "é", "b": "one\ntwo\n"}
    assert document.line("b") == 2


@pytest.mark.parametrize("text", ["", "# only a comment", "\n\n"])
def test_an_empty_document_is_refused(text: str) -> None:
    assert refusal(text) == "doc.yaml: empty; expected a mapping of keys to values"


def test_two_documents_in_one_file_are_refused() -> None:
    assert "another document" in refusal("a: 1\n---\nb: 2")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_it_costs_the_stack(opening: str) -> None:
    assert "nested deeper than 64 levels" in refusal(opening * 200_000)


def test_a_structure_that_contains_itself_is_refused() -> None:
    assert "64 levels" in refusal("a: &a {b: *a}")


def test_aliases_cannot_make_a_small_file_a_huge_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_tree, "MAX_NODES", 10_000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "more than 10000 values (aliases are expanded)" in refusal("\n".join(lines))


def test_a_huge_file_is_refused_without_being_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 1 << 20)
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * (1 << 20) + b"\na: 1")
    with pytest.raises(InputError, match="larger than 1 MiB"):
        read_yaml(path)


def test_a_missing_file_and_a_folder_are_input_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_yaml(path)


class Inner(Strict):
    count: int = Field(ge=0)


class Outer(Strict):
    name: str
    inner: Inner = Inner(count=1)
    words: list[str] | str = "x"


def told(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, HERE).validate(Outer)
    return str(caught.value).splitlines()


def test_an_unknown_key_is_told_with_line_and_nearest_key() -> None:
    assert told("name: a\ninner:\n  coutn: 2\n  count: 1") == [
        "doc.yaml:3:3 inner.coutn: unknown key; did you mean 'count'?"
    ]


def test_every_mistake_is_told_on_its_own_line() -> None:
    assert told("inner:\n  count: -1") == [
        "doc.yaml:1:1 name: missing; this key is required",
        "doc.yaml:2:3 inner.count: input should be greater than or equal to 0, got '-1'",
    ]


def test_a_list_with_a_wrong_member_is_not_told_that_it_is_no_text() -> None:
    assert told("name: a\nwords: [b, 1]") == ["doc.yaml:2:12 words.1: input should be a valid string, got '1'"]


@pytest.mark.parametrize(("text", "kind"), [("[a]", "a list"), ("word", "a text"), ("~", "nothing"), ("3", "a int")])
def test_only_a_mapping_can_be_a_document(text: str, kind: str) -> None:
    assert told(text) == [f"doc.yaml:1:1: expected a mapping of keys to values, got {kind}"]


def test_a_hundred_mistakes_are_cut_short() -> None:
    lines = told("name: a\nwords: [" + ", ".join("1" for _ in range(100)) + "]")
    assert len(lines) == documents.MAX_ERRORS_SHOWN + 1
    assert lines[-1] == "… and 90 more"


@given(JSON)
def test_any_document_validates_or_is_an_input_error(value: object) -> None:
    document = parse_yaml(yaml.dump({"name": value, "inner": value, "words": value}, Dumper=Quoting), HERE)
    result = outcome(lambda: document.validate(Outer))
    assert isinstance(result, Outer) or str(result).startswith("doc.yaml:")


def test_did_you_mean_lists_what_there_is_when_nothing_is_near() -> None:
    assert did_you_mean("zzz", {"alpha", "beta"}) == "; expected one of alpha, beta"
    assert did_you_mean("x", {f"key{n:02}" for n in range(30)}).endswith("key19, …")


def test_few_aliases_that_describe_very_much_are_refused_soon() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert "more than 20000 values (aliases are expanded)" in refusal(bomb)
    assert parsed("a: &a [1, 2]\nb: [*a, *a]") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}
