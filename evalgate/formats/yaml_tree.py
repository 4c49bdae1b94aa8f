"""YAML to plain data, with the place of each value: composed within bounds, read as YAML 1.2 and JSON read plain words.

PyYAML's own 1.1 would make false of the target `no`, 750 of `12:30`, 8 of `010` and a date of `2024-01-31`: what looks
like a text to its author and to an editor stays one. Numbers keep the text they were written in where it says more than
their value (`evalgate.formats.written`).

Values are counted while they are composed, before anything is built of them: a node takes half a kilobyte, so that few
megabytes of commas would fill the memory. Limits are steps and sizes, so that they hold on any machine.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, NoReturn

import yaml

from evalgate.errors import InputError
from evalgate.formats.written import integer, real

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: slower, otherwise the same
    from yaml import SafeLoader  # type: ignore[assignment]  # the two share no base that mypy knows

MAX_NODES = 200_000
MAX_REPEATED = 20_000  # by aliases, which can make a small file describe a huge tree ("billion laughs")
MAX_DEPTH = 64

Location = tuple[int | str, ...]


class Mark(NamedTuple):
    """Where something stands: line and column from 1."""

    path: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


Marks = dict[Location, Mark]


def read_tree(text: str, path: Path) -> tuple[object, Marks]:
    """The data of one YAML document, and where each value stands; raises `InputError` for what is none."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise InputError(f"{path}: empty; expected a mapping of keys to values")
        builder = _Builder(path)
        return builder.build(node, ()), builder.marks
    except yaml.MarkedYAMLError as failure:
        place = _mark(path, failure.problem_mark) if failure.problem_mark else f"{path}:1"
        problem = failure.problem or failure.context
        if problem == _TOO_DEEP:
            problem = f"nested deeper than {MAX_DEPTH} levels"
        told = (
            problem
            if isinstance(failure, _BeyondBounds) or problem != failure.problem
            else f"malformed YAML: {problem}"
        )
        raise InputError(f"{place}: {told}") from None
    except (yaml.YAMLError, ValueError) as failure:
        raise InputError(f"{path}: malformed YAML: {str(failure).splitlines()[0]}") from None
    finally:
        if loader is not None:
            loader.dispose()


_TAG = "tag:yaml.org,2002:"
_TOO_DEEP = "exceeded maximum nesting depth"  # as newer releases of libyaml say it, before we can
_PLAIN = {  # the core schema of YAML 1.2 (§10.3.2) without what JSON lacks: octals, hexadecimals, infinities, NaN
    "null": re.compile(r"(?:~|null|Null|NULL)?\Z"),
    "bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"),
    "float": re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z"),
}


_BEGINNINGS = frozenset("~nNtTfF+-.0123456789")  # of all that a plain word can be but a text
_TEXT = _TAG + "str"
RESOLVERS = {None: [(_TAG + kind, pattern) for kind, pattern in _PLAIN.items()]}  # as PyYAML wants them


class _BeyondBounds(yaml.MarkedYAMLError):
    """Well-formed, and too much."""


class _Loader(SafeLoader):
    """Composes nodes, knows plain words as above, and stops at a depth at which the C composer has stack left."""

    yaml_implicit_resolvers = RESOLVERS
    _depth = _nodes = 0

    def resolve(self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]) -> str:
        """As PyYAML does it, but for what cannot be anything else: most of what a file takes would be spent here."""
        if kind is yaml.ScalarNode and (not implicit[0] or (value and value[0] not in _BEGINNINGS)):
            return _TEXT
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return tag

    def descend_resolver(self, current_node: yaml.Node, current_index: object) -> None:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH} levels", current_node)
        if self._nodes > MAX_NODES:
            self._refuse(f"more than {MAX_NODES} values; keep cases in a JSONL file", current_node)

    @staticmethod
    def _refuse(problem: str, node: yaml.Node | None) -> NoReturn:
        raise _BeyondBounds(problem=problem, problem_mark=None if node is None else node.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Builder:
    """Node tree to plain data; knows where it is, so that it can say so."""

    def __init__(self, path: Path) -> None:
        self.marks: Marks = {}
        self._path, self._nodes = path, 0
        self._known: set[int] = set()  # nodes that hold others, by identity: the tree keeps them alive
        self._repeated = 0

    def build(self, node: yaml.Node, location: Location) -> object:
        mark = self.marks.get(location)
        if mark is None:
            mark = self.marks[location] = _mark(self._path, node.start_mark)
        self._nodes += 1
        if self._nodes > MAX_NODES or self._repeated > MAX_REPEATED or len(location) > MAX_DEPTH:
            many = f"{MAX_NODES if self._nodes > MAX_NODES else MAX_REPEATED} values"
            what = f"{MAX_DEPTH} levels" if len(location) > MAX_DEPTH else many
            raise InputError(f"{mark}: more than {what} (aliases are expanded)")
        if not isinstance(node, yaml.ScalarNode):
            self._repeated += len(node.value) if id(node) in self._known else 0
            self._known.add(id(node))
        tag = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.build(child, (*location, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and (tag == "str" or (tag in _PLAIN and _PLAIN[tag].match(node.value))):
            return self._scalar(tag, node.value, mark)
        raise InputError(f"{mark}: a value with the tag {tag!r} cannot be read; leave the tag away")

    def _scalar(self, tag: str, text: str, mark: Mark) -> object:
        if tag == "str":
            return text
        if tag in ("null", "bool"):
            return None if tag == "null" else text.lower() == "true"
        try:
            return integer(text) if tag == "int" else real(text)
        except ValueError as failure:
            raise InputError(f"{mark}: {failure}") from None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            mark = _mark(self._path, key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{mark}: a key must be a plain word")
            key = str(key_node.value)
            place = (*location, key)
            if key in result:
                dotted, first = ".".join(map(str, place)), self.marks[place].line
                message = f"{mark} {dotted}: duplicate key; first given on line {first}"
                raise InputError(message)
            self.marks[place] = mark
            result[key] = self.build(value_node, place)
        return result


def _mark(path: Path, found: yaml.Mark) -> Mark:
    return Mark(path, found.line + 1, found.column + 1)
