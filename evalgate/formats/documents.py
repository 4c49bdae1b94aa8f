"""Documents that people write: strict YAML in, a validated model out, and errors that name the place.

`evalgate.formats.yaml_tree` builds plain data and keeps the place of each value, so that a pydantic error can be told
as `file:line:column key: what, expected what`, and all errors at once. Suite and catalogue both come through here, so
that both speak with one voice.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from evalgate.errors import InputError
from evalgate.formats.written import beyond_64_bits
from evalgate.formats.yaml_tree import MAX_DEPTH, Location, Mark, Marks, read_tree

__all__ = ["MAX_DEPTH", "Document", "Strict", "did_you_mean", "parse_yaml", "read_yaml", "told_at_once"]

MAX_BYTES = 4 * 1024 * 1024
MAX_ERRORS_SHOWN = 10
_ABOUT_A_KEY = ("unknown_key", "beyond")  # errors of `Strict`, which stand at the mapping and name the key
_OTHER_KIND = {
    "string_type": (list, dict),
    "list_type": (dict, str),
    "dict_type": (list, str),
    "model_type": (list, str),
}


class Strict(BaseModel):
    """Base of everything that people write: unknown keys are refused, with the nearest known key."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """Beside all that is wrong with the known ones: pydantic's own check would not say what was meant."""
        if not isinstance(data, dict):
            return handler(data)
        known = {field.alias or name for name, field in cls.model_fields.items()}
        wrong = [
            (key, "unknown_key", f"unknown key{did_you_mean(str(key), known)}") for key in data if key not in known
        ]
        wrong += [
            (key, "beyond", "a number beyond 64 bits") for key in data if key in known and beyond_64_bits(data[key])
        ]
        if not wrong:
            return handler(data)
        found = [
            InitErrorDetails(type=PydanticCustomError(kind, "{told}", {"told": told, "key": str(key)}), input=None)
            for key, kind, told in wrong
        ]
        keys = {key for key, _, _ in wrong}
        # what was misspelt is not missing as well
        passed = keys | {name for name in known if any(f"did you mean '{name}'" in told for _, _, told in wrong)}
        try:
            handler({key: value for key, value in data.items() if key not in keys})
        except ValidationError as failure:
            errors = failure.errors(include_url=False)
            found += [_again(error) for error in errors if not error["loc"] or error["loc"][0] not in passed]
        raise ValidationError.from_exception_data(cls.__name__, found)


def _again(error: ErrorDetails) -> InitErrorDetails:
    """An error as it was told, to be told among others."""
    context = {name: value for name, value in error.get("ctx", {}).items() if name in ("key", "min_length")}
    kind = PydanticCustomError(error["type"], "{told}", {"told": error["msg"], **context})
    return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"])


def did_you_mean(word: str, known: set[str]) -> str:
    """Return `; did you mean 'x'?`, or the list of what there is when nothing is near."""
    if near := difflib.get_close_matches(word[:100], sorted(known), n=1):
        return f"; did you mean '{near[0]}'?"
    listed = sorted(known)
    return f"; expected one of {', '.join(listed[:20])}{', …' if len(listed) > 20 else ''}"


def told_at_once(messages: Iterable[str]) -> InputError:
    """One error for all of the `messages`, the first ten of them told."""
    told = list(dict.fromkeys(line for message in messages for line in message.splitlines()))
    more = len(told) - MAX_ERRORS_SHOWN
    return InputError("\n".join(told[:MAX_ERRORS_SHOWN] + ([f"… and {more} more"] if more > 0 else [])))


ModelT = TypeVar("ModelT", bound=BaseModel)


class Document:
    """A YAML file as plain data, with the place at which each value stands."""

    def __init__(self, data: object, marks: Marks, path: Path) -> None:
        self.path, self.data, self._marks = path, data, marks

    def mark(self, *location: int | str) -> Mark:
        """The place of the value at `location`, or of the nearest thing around it."""
        while location and location not in self._marks:
            location = location[:-1]
        return self._marks.get(location) or Mark(self.path, 1, 1)

    def line(self, *location: int | str) -> int:
        """Line (1-based) of the value at `location`, or of the nearest thing around it."""
        return self.mark(*location).line

    def at(self, *location: int | str) -> str:
        """`file:line:column key.path`, the beginning of every message about this place."""
        dotted = ".".join(str(part) for part in location)
        return f"{self.mark(*location)} {dotted}".rstrip()

    def error(self, message: str, *location: int | str) -> InputError:
        """An `InputError` that names the place."""
        return InputError(f"{self.at(*location)}: {message}")

    def over(self, base: Document) -> Document:
        """This document with what only `base` says: mappings are laid over each other, all else is replaced.

        A value keeps the place at which it was written, in whichever of the two files.
        """
        marks: Marks = {(): self.mark()}

        def merged(location: Location) -> object:
            ours, theirs = self._at(location), base._at(location)
            if isinstance(ours, dict) and isinstance(theirs, dict):
                for key in (*theirs, *ours):
                    place = (*location, key)
                    marks[place] = (self if key in ours else base).mark(*place)
                return {key: merged((*location, key)) for key in {**theirs, **ours}}
            source = base if ours is _NOTHING else self
            marks.update(source._within(location))
            return theirs if ours is _NOTHING else ours

        return Document(merged(()), marks, self.path)

    def put(self, value: object, mark: Mark, *location: int | str) -> None:
        """Put `value`, which was written elsewhere, at a place that there is."""
        found: Any = self.data
        for part in location[:-1]:
            found = found[part]
        found[location[-1]] = value
        self._marks[location] = mark

    def move(self, source: Location, target: Location) -> None:
        """Move what stands at the one place to the other; it keeps the lines that it was written on."""
        found: Any = self.data
        for part in target[:-1]:
            found = found[part]
        found[target[-1]] = self._at(source)
        for place, mark in self._within(source).items():
            self._marks[(*target, *place[len(source) :])] = mark
        found = self.data
        for part in source[:-1]:
            found = found[part]
        del found[source[-1]]

    def _at(self, location: Location) -> object:
        found = self.data
        for part in location:
            if not isinstance(found, dict) or part not in found:
                return _NOTHING
            found = found[part]
        return found

    def _within(self, location: Location) -> Marks:
        size = len(location)
        return {place: mark for place, mark in self._marks.items() if place[:size] == location}

    def validate(self, model: type[ModelT]) -> ModelT:
        """Return the document as `model`; raises `InputError` with a line for each thing that is wrong."""
        if not isinstance(self.data, dict):
            raise self.error(f"expected a mapping of keys to values, got {_kind(self.data)}")
        try:
            return model.model_validate(self.data)
        except ValidationError as failure:
            errors = failure.errors(include_url=False)
            # a union fails once for each member; a list is not told that it is no text
            fitting = [error for error in errors if not isinstance(error["input"], _OTHER_KIND.get(error["type"], ()))]
            raise told_at_once(self._tell(error) for error in fitting or errors) from None

    def _tell(self, error: ErrorDetails) -> str:
        # pydantic puts the names of union members into the location; the document has no such keys
        location: Location = ()
        for part in error["loc"]:
            if (*location, part) in self._marks or error["type"] == "missing":
                location = (*location, part)
        if error["type"] in _ABOUT_A_KEY:
            location = (*location, error["ctx"]["key"])
        return f"{self.at(*location)[:1000]}: {_wording(error)}"


_NOTHING = object()


def first_wrong(failure: ValidationError) -> str:
    """The first thing that is wrong with what stands in no document, as `.KEY.KEY: what is wrong`."""
    error = failure.errors(include_url=False)[0]
    keys = [*error["loc"], *([error["ctx"]["key"]] if error["type"] in _ABOUT_A_KEY else [])]
    return f"{''.join(f'.{key}' for key in keys)[:1000]}: {_wording(error)}"


def _wording(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if error["type"] == "missing":
        return "missing; this key is required"
    if error["type"] == "too_short":
        return f"empty; expected at least {error['ctx']['min_length']}"
    if error["type"] not in (*_ABOUT_A_KEY, "value_error") and not isinstance(error["input"], dict | list):
        return f"{message[:1].lower()}{message[1:]}, got {str(error['input'])[:80]!r}"
    return message


def read_yaml(path: Path) -> Document:
    """Read one YAML document.

    Raises `InputError` when the file is missing, not a regular one (a pipe might be waited for for ever), empty, larger
    than 4 MiB, not UTF-8, not well-formed, of more than 200,000 values, nested deeper than 64 levels, or has a
    duplicate key.
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
        line = data.count(b"\n", 0, failure.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8 at byte {failure.start}") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Document:
    """Like `read_yaml`, for text that is already in memory."""
    return Document(*read_tree(text, path), path)


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), f"a {type(value).__name__}")
