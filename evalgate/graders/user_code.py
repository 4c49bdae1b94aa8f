"""The grader that a user writes: a function in a Python file beside the suite.

Code that runs because a YAML file names it must be asked for twice: by the suite, and by whoever starts evalgate, in
the environment variable `EVALGATE_ALLOW_PYTHON`. Otherwise to look at somebody else's suite would be to run their
code. It runs in this process, with all that this process may do.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated

from pydantic import Field

from evalgate.exchange import JsonValue
from evalgate.graders.expectations import anything
from evalgate.graders.registry import Prepared, Seen, grader

ALLOW = "EVALGATE_ALLOW_PYTHON"
_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)


def _loaded(options: Mapping[str, object], folder: Path) -> Prepared:
    name = str(options["function"])
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError("function", f"expected module:function, got {name!r}")
    path = folder.joinpath(*found[1].split(".")).with_suffix(".py")
    if os.environ.get(ALLOW) != "1":
        raise ValueError("function", f"would run the code in {path}; if you trust it, set {ALLOW}=1 and run again")
    if folder.resolve() not in path.resolve().parents:
        raise ValueError("function", f"{path} lies outside the suite's folder")
    try:
        code = path.read_bytes()
    except OSError as failure:
        raise ValueError("function", f"cannot read {path}: {failure.strerror}") from None
    module = _module(path, code)
    function = getattr(module, found[2], None)
    if not callable(function):
        raise ValueError("function", f"{path} has no function {found[2]!r}")  # noqa: TRY004  # of the suite, not of a type
    arguments = options.get("arguments") or {}
    sees = _takes(function, arguments)
    return Prepared(_checked(name, function, arguments, sees=sees), hashlib.sha256(code).hexdigest())  # type: ignore[arg-type]


def _module(path: Path, code: bytes) -> ModuleType:
    """The file as a module of its own name, run anew when it has changed; imports beside it are its own affair."""
    name = f"evalgate_suite_{hashlib.sha256(str(path.resolve()).encode() + code).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError("function", f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException as failure:
        del sys.modules[name]
        if not isinstance(failure, Exception):
            raise
        raise ValueError("function", f"{path} cannot be loaded: {type(failure).__name__}: {failure}") from failure
    return module


def _takes(function: Callable[..., object], arguments: object) -> bool:
    """Whether the function asks for `seen`; raises `ValueError` when it cannot be called with what there is."""
    parameters = inspect.signature(function).parameters
    sees = "seen" in parameters
    given = dict(arguments) if isinstance(arguments, dict) else {}
    try:
        inspect.signature(function).bind("", None, **given, **({"seen": None} if sees else {}))
    except TypeError as failure:
        message = f"cannot be called as function(text, expected, **arguments): {failure}"
        raise ValueError("function", message) from None
    if inspect.iscoroutinefunction(function):
        raise ValueError("function", "is asynchronous; write a plain function")
    return sees


def _checked(
    name: str, function: Callable[..., object], arguments: Mapping[str, object], *, sees: bool
) -> Callable[..., float]:
    def score(text: str, expected: JsonValue, *, seen: Seen, **options: object) -> float:
        del options
        more: dict[str, object] = {"seen": seen} if sees else {}
        given = function(text, expected, **arguments, **more)
        if not isinstance(given, int | float) or not math.isfinite(given) or not 0 <= given <= 1:
            message = f"{name} returned {str(given)[:100]!r}; expected a number in 0 to 1, or a truth value"
            raise ValueError(message)
        return float(given)

    return score


@grader("python", expects=anything, prepare=_loaded, silence=True, role="guard")
def python(
    text: str,
    expected: JsonValue,
    *,
    function: Annotated[str, Field(min_length=3, max_length=200)],
    arguments: dict[str, object] | None = None,
    seen: Seen,
) -> float:
    """What your own function says: `function: module:name` calls `name` in `module.py` beside the suite.

    It is called as `name(text, expected, **arguments)` and returns a number in [0, 1] or a truth value; when it has a
    parameter `seen`, it also gets the whole answer, the case and the endpoint (`seen.answer.latency_ms`,
    `seen.case.metadata`). It is asked about empty answers, too. Whatever it raises, or returns beside that, ends the
    run with its place: it is no zero. The file's content is part of the grading's hash, what it imports is not.

    The code runs only when the environment says `EVALGATE_ALLOW_PYTHON=1`, in evalgate's own process: no sandbox.
    """
    del text, expected, function, arguments, seen
    raise NotImplementedError  # replaced by what `prepare` has loaded
