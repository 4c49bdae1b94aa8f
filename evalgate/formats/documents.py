"""Documents that people write: strict YAML in, a validated model out, and errors that name the line.

PyYAML composes the node tree (which knows every line); this module builds plain data from it, refuses duplicate keys on
the way, and keeps the line of each value so that a pydantic error can be told as `file:line key: what, expected what`.
Suite and catalogue both come through here, so that both speak with one voice.

Plain words are read as YAML 1.2 and JSON read them, not as PyYAML's 1.1 does, where the target `no` is false, `12:30`
is 750, `010` is 8 and `2024-01-31` is a date: what looks like a text to its author and to an editor stays one. Numbers
keep the text they were written in where it says more than their value (`evalgate.formats.written`).
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from evalgate.errors import InputError
from evalgate.formats.written import beyond_64_bits, integer, real

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: slower, otherwise the same
    from yaml import SafeLoader  # type: ignore[assignment]  # the two share no base that mypy knows

MAX_BYTES = 64 * 1024 * 1024
MAX_NODES = 2_000_000
MAX_REPEATED = 100_000  # by aliases, which can make a small file describe a huge tree ("billion laughs")
MAX_DEPTH = 64
MAX_ERRORS_SHOWN = 10
_ABOUT_A_KEY = ("unknown_key", "beyond")  # errors of `Strict`, which stand at the mapping and name the key

Location = tuple[int | str, ...]
Lines = dict[Location, int]


class Strict(BaseModel):
    """Base of everything that people write: unknown keys are refused, with the nearest known key."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: object) -> object:
        if isinstance(data, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for key in data:
                if key not in known:
                    context = {"key": str(key), "hint": did_you_mean(str(key), known)}
                    raise PydanticCustomError("unknown_key", "unknown key{hint}", context)
                if beyond_64_bits(data[key]):
                    raise PydanticCustomError("beyond", "a number beyond 64 bits", {"key": str(key)})
        return data


def did_you_mean(word: str, known: set[str]) -> str:
    """Return `; did you mean 'x'?`, or the list of what there is when nothing is near."""
    if near := difflib.get_close_matches(word, sorted(known), n=1):
        return f"; did you mean '{near[0]}'?"
    listed = sorted(known)
    return f"; expected one of {', '.join(listed[:20])}{', …' if len(listed) > 20 else ''}"


ModelT = TypeVar("ModelT", bound=BaseModel)


class Document:
    """A YAML file as plain data, with the line on which each value stands."""

    def __init__(self, path: Path, data: object, lines: Lines) -> None:
        self.path, self.data, self._lines = path, data, lines

    def line(self, *location: int | str) -> int:
        """Line (1-based) of the value at `location`, or of the nearest thing around it."""
        while location and location not in self._lines:
            location = location[:-1]
        return self._lines.get(location, 1)

    def at(self, *location: int | str) -> str:
        """`file:line key.path`, the beginning of every message about this place."""
        dotted = ".".join(str(part) for part in location)
        return f"{self.path}:{self.line(*location)} {dotted}".rstrip()

    def error(self, message: str, *location: int | str) -> InputError:
        """An `InputError` that names the place."""
        return InputError(f"{self.at(*location)}: {message}")

    def validate(self, model: type[ModelT]) -> ModelT:
        """Return the document as `model`; raises `InputError` with a line for each thing that is wrong."""
        if not isinstance(self.data, dict):
            raise self.error(f"expected a mapping of keys to values, got {_kind(self.data)}")
        try:
            return model.model_validate(self.data)
        except ValidationError as failure:
            errors = failure.errors(include_url=False)
            # a union of text and list fails once for each member; a list is not told that it is no text
            fitting = [
                error for error in errors if error["type"] != "string_type" or error["input"].__class__ is not list
            ]
            told = [self._tell(error) for error in fitting or errors]
            shown = list(dict.fromkeys(told))
            more = len(shown) - MAX_ERRORS_SHOWN
            lines = shown[:MAX_ERRORS_SHOWN] + ([f"… and {more} more"] if more > 0 else [])
            raise InputError("\n".join(lines)) from None

    def _tell(self, error: ErrorDetails) -> str:
        # pydantic puts the names of union members into the location; the document has no such keys
        location: Location = ()
        for part in error["loc"]:
            if (*location, part) in self._lines or error["type"] == "missing":
                location = (*location, part)
        if error["type"] in _ABOUT_A_KEY:
            location = (*location, error["ctx"]["key"])
        message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        if error["type"] == "missing":
            message = "missing; this key is required"
        elif error["type"] == "too_short":
            message = f"empty; expected at least {error['ctx']['min_length']}"
        elif error["type"] not in (*_ABOUT_A_KEY, "value_error") and not isinstance(error["input"], dict | list):
            message = f"{message[:1].lower()}{message[1:]}, got {str(error['input'])[:80]!r}"
        return f"{self.at(*location)}: {message}"


def read_yaml(path: Path) -> Document:
    """Read one YAML document.

    Raises `InputError` when the file is missing, not a regular one (a pipe might be waited for for ever), empty, larger
    than 64 MiB, not UTF-8, not well-formed, nested deeper than 64 levels, or has a duplicate key.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot be read: not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            message = f"{path}: larger than {MAX_BYTES >> 20} MiB; keep the cases in a JSONL file beside it"
            raise InputError(message)
        text = data.decode()
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure.strerror}") from None
    except UnicodeDecodeError as failure:
        raise InputError(f"{path}: not UTF-8 at byte {failure.start}") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Document:
    """Like `read_yaml`, for text that is already in memory."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise InputError(f"{path}: empty; expected a mapping of keys to values")
        builder = _Builder(path)
        data = builder.build(node, ())
    except yaml.MarkedYAMLError as failure:
        line = failure.problem_mark.line + 1 if failure.problem_mark else 1
        problem = failure.problem or failure.context
        if problem == _TOO_DEEP:
            raise InputError(f"{path}:{line}: nested deeper than {MAX_DEPTH} levels") from None
        raise InputError(f"{path}:{line}: malformed YAML: {problem}") from None
    except (yaml.YAMLError, ValueError) as failure:
        raise InputError(f"{path}: malformed YAML: {str(failure).splitlines()[0]}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return Document(path, data, builder.lines)


_TAG = "tag:yaml.org,2002:"
_TOO_DEEP = "exceeded maximum nesting depth"  # as newer releases of libyaml say it, before we can
_PLAIN = {  # the core schema of YAML 1.2 (§10.3.2) without what JSON lacks: octals, hexadecimals, infinities, NaN
    "null": re.compile(r"(?:~|null|Null|NULL)?\Z"),
    "bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"),
    "float": re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z"),
}


class _Loader(SafeLoader):
    """Composes nodes, knows plain words as above, and stops at a depth at which the C composer has stack left."""

    yaml_implicit_resolvers = {None: [(_TAG + kind, pattern) for kind, pattern in _PLAIN.items()]}  # noqa: RUF012
    _depth = 0

    def descend_resolver(self, current_node: yaml.Node, current_index: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=current_node.start_mark
            )

    def ascend_resolver(self) -> None:
        self._depth -= 1


class _Builder:
    """Node tree to plain data; knows where it is, so that it can say so."""

    def __init__(self, path: Path) -> None:
        self.lines: Lines = {}
        self._path, self._nodes = path, 0
        self._known: set[int] = set()  # nodes that hold others, by identity: the tree keeps them alive
        self._repeated = 0

    def build(self, node: yaml.Node, location: Location) -> object:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        self._nodes += 1
        if self._nodes > MAX_NODES or self._repeated > MAX_REPEATED or len(location) > MAX_DEPTH:
            many = f"{MAX_NODES if self._nodes > MAX_NODES else MAX_REPEATED} values"
            what = f"{MAX_DEPTH} levels" if len(location) > MAX_DEPTH else many
            raise InputError(f"{self._path}:{line}: more than {what} (aliases are expanded)")
        if not isinstance(node, yaml.ScalarNode):
            self._repeated += len(node.value) if id(node) in self._known else 0
            self._known.add(id(node))
        tag = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.build(child, (*location, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and (tag == "str" or (tag in _PLAIN and _PLAIN[tag].match(node.value))):
            return self._scalar(tag, node.value, line)
        raise InputError(f"{self._path}:{line}: a value with the tag {tag!r} cannot be read; leave the tag away")

    def _scalar(self, tag: str, text: str, line: int) -> object:
        if tag == "str":
            return text
        if tag in ("null", "bool"):
            return None if tag == "null" else text.lower() == "true"
        try:
            return integer(text) if tag == "int" else real(text)
        except ValueError as failure:
            raise InputError(f"{self._path}:{line}: {failure}") from None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{self._path}:{line}: a key must be a plain word")
            key = str(key_node.value)
            place = (*location, key)
            if key in result:
                dotted, first = ".".join(map(str, place)), self.lines[place]
                message = f"{self._path}:{line} {dotted}: duplicate key; first given on line {first}"
                raise InputError(message)
            self.lines[place] = line
            result[key] = self.build(value_node, place)
        return result


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__}")
