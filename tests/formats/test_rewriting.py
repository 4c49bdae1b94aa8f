"""A file that a person wrote is changed in some values, and in nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import OneLine, as_yaml, rewritten

PATH = Path("c.yaml")
TEXT = """\
# all of this is mine
models:
  - id: a   # the first
    price: {input: 0.10, output: '0.4'}   # negotiated
    tools: yes they work

    # the second
  - id: b
    price:
      input: 1e-1   # why
    choice:   # of tools
    - auto
    - none
    note: >-
      folded
      text

# the end
"""


def data(text: str = TEXT) -> Any:
    return parse_yaml(text, PATH).data


def changed_lines(new: Any, text: str = TEXT) -> list[str]:
    """The lines that are not in both, as a diff has them."""
    import difflib

    lines = difflib.ndiff(text.splitlines(), rewritten(text, new, PATH).splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    new = data()
    new["models"][0]["price"]["input"] = 0.2
    new["models"][1]["price"]["input"] = 0.3
    assert changed_lines(new) == [
        "-     price: {input: 0.10, output: '0.4'}   # negotiated",
        "+     price: {input: 0.2, output: '0.4'}   # negotiated",
        "-       input: 1e-1   # why",
        "+       input: 0.3   # why",
    ]


def test_a_key_is_added_to_its_own_entry_and_the_comment_of_the_next_stays_there() -> None:
    new = data()
    new["models"][0]["tag"] = "eu"
    text = rewritten(TEXT, new, PATH)
    assert "    tools: yes they work\n    tag: eu\n\n    # the second\n  - id: b\n" in text


def test_an_entry_is_added_behind_the_last_before_what_is_said_at_the_end() -> None:
    new = data()
    new["models"].append({"id": "c", "price": OneLine({"input": 1.0})})
    assert rewritten(TEXT, new, PATH).endswith("text\n\n  - id: c\n    price: {input: 1.0}\n# the end\n")


def test_a_list_is_replaced_by_one_on_its_keys_line() -> None:
    new = data()
    new["models"][1]["choice"] = ["auto"]
    assert changed_lines(new) == [
        "-     choice:   # of tools",
        "+     choice: [auto]   # of tools",
        "-     - auto",
        "-     - none",
    ]


def test_a_key_is_removed_with_its_lines() -> None:
    new = data()
    del new["models"][1]["note"]
    assert changed_lines(new) == ["-     note: >-", "-       folded", "-       text", "- "]


def test_line_ends_of_windows_stay() -> None:
    text = TEXT.replace("\n", "\r\n")
    new = data(text)
    new["models"][0]["tag"] = "eu"
    assert "\r\n    tag: eu\r\n" in rewritten(text, new, PATH)
    assert "\n" not in rewritten(text, new, PATH).replace("\r\n", "")


def test_what_two_entries_share_is_not_changed_for_one_of_them() -> None:
    text = "models:\n- id: a\n  price: &p {input: 1}\n- id: b\n  price: *p\n"
    new = data(text)
    new["models"] = copy.deepcopy(new["models"])
    new["models"][0]["price"] = {"input": 2}
    with pytest.raises(InputError, match="cannot be changed in place"):
        rewritten(text, new, PATH)


def test_nothing_to_change_is_nothing_changed() -> None:
    assert rewritten(TEXT.rstrip(), data(), PATH) == TEXT.rstrip()


LEAF = st.sampled_from(
    [1, 0.5, "0.10", "yes", "no: #", "a\nb", "- x", None, True, "", "ü", [1, 2], ["a"], [], {}, OneLine(a=1)]
)
ENTRY = st.dictionaries(st.sampled_from(["k", "l", "m n", "#"]), LEAF | st.dictionaries(st.sampled_from("xyz"), LEAF))
ENTRIES = st.dictionaries(st.sampled_from("abc"), ENTRY, min_size=1).map(
    lambda found: {"version": 1, "models": [{"id": name, **each} for name, each in found.items()]}
)


@given(ENTRIES, ENTRIES, st.booleans())
def test_it_reads_as_what_was_meant_or_is_refused_and_comments_are_all_there(old: Any, new: Any, flow: bool) -> None:
    lines = as_yaml(old if not flow else {**old, "models": [OneLine(each) for each in old["models"]]}).splitlines()
    text = "\n".join(f"{line}   # c{at}" if _may_end(lines, at) else line for at, line in enumerate(lines)) + "\n"
    if parse_yaml(text, PATH).data != old:
        return
    known = [each["id"] for each in old["models"]]
    kept = {each["id"]: each for each in new["models"]}
    target = {
        "version": 1,
        "models": [kept.get(name, {"id": name}) for name in known]
        + [each for each in new["models"] if each["id"] not in known],
    }
    try:
        found = rewritten(text, target, PATH)
    except InputError:
        return
    assert parse_yaml(found, PATH).data == target
    for at, name in enumerate(known):
        if kept.get(name) == old["models"][at] and not flow:
            assert as_lines(text, name) == as_lines(found, name)


def _may_end(lines: list[str], at: int) -> bool:
    return lines[at].endswith((": 1", ": 0.5", "k:", "l:")) or lines[at].startswith(("- id", "models", "version"))


def as_lines(text: str, name: str) -> list[str]:
    """The lines of one entry."""
    found, inside = [], False
    for line in text.splitlines():
        inside = line.startswith(f"- id: {name}") or (inside and line.startswith("  "))
        found += [line] if inside else []
    return found
