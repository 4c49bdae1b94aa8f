"""Suites, catalogues and datasets that nobody should have to fear: what is written where, and what is told of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

SUITE = """\
operation: name_colour
model: toy
baseline: full
cases: cases.jsonl
prompt: "Colour {{ input }}:"
assert:
  - type: exact
gate: {margin: 0.5}
"""
CATALOG = """\
version: 1
providers:
  - {id: here, base_url: "http://127.0.0.1:9/v1"}
models:
  - id: toy
    variants:
      - {id: full, provider: here, quantization: bf16, price: {input: 1, output: 2}}
      - {id: small, provider: here, quantization: int4, price: {input: 1, output: 2}}
"""
CASES = "".join(f'{{"id": "c{n}", "input": "number {n}", "target": "shade {n}"}}\n' for n in range(3))

Write = Callable[[Path], None]


def _put(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _suite(old: str, new: str) -> Write:
    assert old in SUITE
    return lambda folder: _put(folder, "suite.yaml", SUITE.replace(old, new))


def _catalog(old: str, new: str) -> Write:
    assert old in CATALOG
    return lambda folder: _put(folder, "catalog.yaml", CATALOG.replace(old, new))


def _file(name: str, content: str | bytes) -> Write:
    return lambda folder: _put(folder, name, content)


def _cases(content: str | bytes, name: str = "cases.csv") -> Write:
    def write(folder: Path) -> None:
        _put(folder, "suite.yaml", SUITE.replace("cases.jsonl", name))
        _put(folder, name, content)

    return write


def _pipe(name: str) -> Write:
    def write(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return write


def _holes(name: str, size: int) -> Write:
    def write(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.truncate(size)

    return write


def _prompt(template: str) -> Write:
    return _suite('"Colour {{ input }}:"', json.dumps(template))


def _grader(text: str) -> Write:
    return _suite("  - type: exact", f"  - {text}")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
INLINE = "cases:\n" + "".join(f"  - {{id: c{n}, input: 'word {n}', target: x}}\n" for n in range(70_000))

# what is written beside what is whole, and what has to be told
HOSTILE: dict[str, tuple[Write, str]] = {
    "suite: empty": (_file("suite.yaml", ""), "suite.yaml: empty"),
    "suite: a list": (_file("suite.yaml", "- a"), "suite.yaml:1:1: expected a mapping"),
    "suite: binary": (_file("suite.yaml", b"\x00\x01\x02"), "suite.yaml: malformed YAML"),
    "suite: not UTF-8": (_file("suite.yaml", SUITE.encode() + b"description: \xff"), "suite.yaml:9: not UTF-8 at byte"),
    "suite: two documents": (_file("suite.yaml", SUITE + "---\na: 1"), "suite.yaml:9:1: malformed YAML"),
    "suite: unclosed": (_suite("{margin: 0.5}", "{margin: 0.5"), "suite.yaml:9:1: malformed YAML"),
    "suite: tabs": (_suite("  - type", "\t- type"), "suite.yaml:7:1: malformed YAML"),
    "suite: unknown key": (_suite("model:", "modle:"), "suite.yaml:2:1 modle: unknown key; did you mean 'model'?"),
    "suite: unknown key in gate": (
        _suite("{margin", "{seeed: 1, margin"),
        "gate.seeed: unknown key; did you mean 'seed'?",
    ),
    "suite: unknown key in generation": (
        _suite("gate:", "generation: {temprature: 0}\ngate:"),
        "suite.yaml:8:14 generation.temprature: unknown key; did you mean 'temperature'?",
    ),
    "suite: unknown key in a message": (
        _suite('"Colour {{ input }}:"', "[{role: user, contents: x}]"),
        "prompt.0.contents: unknown key; did you mean 'content'?",
    ),
    "suite: unknown option of a grader": (_grader("{type: exact, normalize: x}"), "suite.yaml:7:19 assert.0.normalize"),
    "suite: duplicate key": (_suite("model: toy", "model: toy\nmodel: toy"), "suite.yaml:3:1 model: duplicate key"),
    "suite: a tag": (_suite("toy", "!!python/object/apply:os.system [ls]"), "suite.yaml:2:1: a value with the tag"),
    "suite: a bomb": (_file("suite.yaml", BOMB), "values (aliases are expanded)"),
    "suite: contains itself": (_file("suite.yaml", "a: &a {b: *a}"), "64 levels"),
    "suite: an alias of nothing": (_suite("toy", "*toy"), "suite.yaml:2:8: malformed YAML: found undefined alias"),
    "suite: merge key": (_suite("gate: {", "gate: {<<: {seed: 1}, "), "gate.<<: unknown key"),
    "suite: deep": (_file("suite.yaml", "a: " + "[" * 100_000), "nested deeper than 64 levels"),
    "suite: wide": (_file("suite.yaml", "a: [" + "a," * 1_500_000 + "]"), "more than 200000 values"),
    "suite: 100 MB": (_holes("suite.yaml", 100 << 20), "larger than 4 MiB; keep the cases in a JSONL file"),
    "suite: many cases inline": (_suite("cases: cases.jsonl\n", INLINE), "values; keep cases in a JSONL file"),
    "suite: a pipe": (_pipe("suite.yaml"), "suite.yaml: cannot be read: not a regular file"),
    "suite: a huge number": (_suite("0.5", "9" * 2000), "suite.yaml:8:8: a number of more than 1000 digits"),
    "suite: infinite": (_suite("0.5", "1e999"), "suite.yaml:8:8: a number too large"),
    "suite: beyond 64 bits": (
        _suite("{margin", "{seed: 99999999999999999999, margin"),
        "gate.seed: a number beyond 64",
    ),
    "suite: a long key": (_suite("model: toy", "model: toy\n" + "k" * 1000 + ": 1"), "unknown key; expected one of"),
    "prompt: endless": (
        _prompt("{% for a in range(9999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ input }}"),
        "suite.yaml:5:1 prompt: the template fails for case 'c0': more than",
    ),
    "prompt: endless by recursion": (
        _prompt(
            "{% for a in [1] * 900 recursive %}{% if loop.depth < 9 %}{{ loop([1] * 900) }}{% endif %}{% endfor %}"
        ),
        "suite.yaml:5:1 prompt: the template fails for case 'c0': more than",
    ),
    "prompt: huge": (_prompt("{{ 'x' * 300000000 }}"), "suite.yaml:5:1 prompt: the template fails for case 'c0': more"),
    "prompt: of Python": (_prompt("{{ ''.__class__.__mro__ }}"), "suite.yaml:5:1 prompt"),
    "prompt: of Jinja": (_prompt("{{ self._TemplateReference__context }}"), "suite.yaml:5:1 prompt"),
    "prompt: includes": (_prompt("{% include '/etc/passwd' %}"), "suite.yaml:5:1 prompt"),
    "prompt: imports": (_prompt("{% import 'os' as os %}{{ os }}"), "suite.yaml:5:1 prompt"),
    "prompt: the target": (_prompt("{{ target }}"), "'target' is undefined"),
    "prompt: unclosed": (_prompt("{{ input"), "suite.yaml:5:1 prompt: template: unexpected end of template"),
    "prompt: deep": (_prompt("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"), "suite.yaml:5:1 prompt: template"),
    "grader: no pattern": (_grader("{type: regex, value: '('}"), "suite.yaml:7:19 assert.0.value"),
    "grader: $ref to a URL": (
        _grader("{type: json_schema, value: {$ref: 'http://127.0.0.1:9/s.json'}}"),
        "suite.yaml:7:25 assert.0.value",
    ),
    "grader: $ref to a file": (_grader("{type: json_schema, value: {$ref: 'file:///etc/passwd'}}"), "assert.0.value"),
    "grader: $ref to itself": (_grader("{type: json_schema, value: {$ref: '#'}}"), "assert.0.value"),
    "grader: unknown": (_grader("{type: exakt}"), "suite.yaml:7:6 assert.0.type: no grader 'exakt'"),
    "cases: a pipe": (_pipe("cases.jsonl"), "cases.jsonl: the dataset cannot be read: not a regular file"),
    "cases: a device": (_suite("cases.jsonl", "/dev/zero"), "suite.yaml:4:1 cases: '/dev/zero' is outside"),
    "cases: up and away": (_suite("cases.jsonl", "../../../../etc/passwd"), "suite.yaml:4:1 cases: "),
    "cases: absolute": (_suite("cases.jsonl", "/etc/hosts.csv"), "suite.yaml:4:1 cases: '/etc/hosts.csv' is outside"),
    "cases: a NUL": (_suite("cases.jsonl", '"nul\\0.jsonl"'), "suite.yaml:4:1 cases"),
    "cases: a folder": (_suite("cases.jsonl", "."), ".: expected a .jsonl or .csv file"),
    "cases: duplicate ids": (_file("cases.jsonl", CASES + CASES), "cases.jsonl:4: duplicate case id 'c0'"),
    "cases: no input": (_file("cases.jsonl", '{"id": "a"}\n'), "cases.jsonl:1: a case needs an 'input'"),
    "cases: unknown key": (_file("cases.jsonl", '{"id": "a", "inptu": 1}\n'), "cases.jsonl:1 inptu: unknown key"),
    "cases: deep": (_file("cases.jsonl", '{"input": ' + "[" * 90_000 + "]" * 90_000 + "}"), "cases.jsonl:1"),
    "cases: huge number": (_file("cases.jsonl", '{"input": ' + "9" * 5000 + "}"), "cases.jsonl:1"),
    "cases: NaN": (_file("cases.jsonl", '{"input": NaN}'), "cases.jsonl:1:11: malformed JSON"),
    "cases: not UTF-8": (_file("cases.jsonl", b'{"input": "\xff"}'), "cases.jsonl:1:1"),
    "cases: one line of 100 MB": (_holes("cases.jsonl", 100 << 20), "cases.jsonl:4: a row of more than 16 MiB"),
    "cases: a thousand mistakes": (_file("cases.jsonl", "nothing\n" * 1000), "cases.jsonl:10:1: malformed JSON"),
    "CSV: semicolons and BOM": (_cases("\ufeffid;input;target\n1;a;b\n"), "cases.csv:1: no column 'input'; found id;"),
    "CSV: duplicate headers": (_cases("input,input\na,b\n"), "cases.csv:1: duplicate column 'input'"),
    "CSV: a cell too many": (_cases("id,input\n1,a\n2,b,c\n"), "cases.csv:3: 3 values for 2 columns"),
    "CSV: 1 MB without a target": (_cases("input\n" + "x" * 1_000_000 + "\n"), "cases.csv:2: case "),
    "CSV: an open quote": (_cases('input\n"never closed' + "\n" * 100_000), "cases.csv:"),
    "CSV: not UTF-8": (_cases(b"input\n\xff\n"), "cases.csv: not UTF-8 at byte 6"),
    "CSV: a NUL": (_cases("input\na\0b\n"), "cases.csv:2: "),
    "catalogue: empty": (_file("catalog.yaml", "\n"), "catalog.yaml: empty"),
    "catalogue: a bomb": (_file("catalog.yaml", BOMB), "catalog.yaml:"),
    "catalogue: a pipe": (_pipe("catalog.yaml"), "catalog.yaml: cannot be read: not a regular file"),
    "catalogue: 100 MB": (_holes("catalog.yaml", 100 << 20), "catalog.yaml: larger than 4 MiB"),
    "catalogue: unknown key": (_catalog("price: {input", "price: {inptu"), "price.inptu: unknown key"),
    "catalogue: unknown provider": (
        _catalog("provider: here", "provider: hree"),
        "no provider 'hree'; did you mean 'here'?",
    ),
    "catalogue: duplicate variant": (_catalog("id: small", "id: full"), "catalog.yaml:8:10 models.0.variants.1.id"),
    "catalogue: a key in place of its name": (
        _catalog("id: here,", "id: here, api_key_env: sk-proj-123,"),
        "catalog.yaml:3:16 providers.0.api_key_env: expected the name of an environment variable",
    ),
    "catalogue: a file as URL": (_catalog("http://127.0.0.1:9/v1", "file:///etc/passwd"), "providers.0.base_url"),
}
