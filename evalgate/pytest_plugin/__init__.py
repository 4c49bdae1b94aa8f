"""The pytest plugin: `pytest suites/` is `evalgate check suites`, one test for each operation and variant.

pytest imports this module in every run of everybody who has evalgate installed, so it imports nothing of the house
until there is a suite. And as a test here may cost money, a bare `pytest` in a folder collects none: suites are
collected where an argument or `testpaths` leads to them.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalgate.pytest_plugin.collecting import SuiteFile
    from evalgate.pytest_plugin.settings import Settings

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()  # there where suites are collected
_LOOKED_AT = 1 << 23  # bytes of a YAML file in which a suite has said that it is one
_KEYS = ((b"operation", b"assert"), (b"extends", b"operation"), (b"extends", b"model"))  # of which one pair is there
_LINE, _INLINE = rb"^(['\"]?)%b\1[ \t]*:", rb"[{,]\s*(['\"]?)%b\1\s*:"  # a key of a block, of a document in braces
_TO_WORKERS = "evalgate_shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, each of which may stand in the ini file as well."""
    group = parser.getgroup("evalgate", "evalgate: one test for each operation and variant of the suites")

    def option(name: str, text: str, kind: Any = None, **how: Any) -> None:
        group.addoption(f"--evalgate-{name}", help=text, **how)
        parser.addini(f"evalgate_{name.replace('-', '_')}", f"{text} See --evalgate-{name}.", type=kind)

    option("catalog", "The catalogue of models and variants; default: catalog.yaml.", metavar="FILE")
    option("store", "Where answers and verdicts are kept: a path, or a database URL.", metavar="PATH|URL")
    option("max-cases", "Ask at most so many cases of each suite.", metavar="N")
    option("inconclusive", "What an inconclusive verdict is: fail or skip; default: as the suite has it.")
    option("stream", "Name of the published signal; default: local/default.", metavar="NAME")
    many = {"action": "append", "default": []}
    option("publish", "Publish the signal here (may be repeated).", "linelist", metavar="PLACE", **many)
    option("key", "Sign with this secret key (may be repeated).", "linelist", metavar="FILE", **many)
    option("key-env", "Sign with the key that this variable holds.", "linelist", metavar="NAME", **many)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, where suites may be collected at all; raises `pytest.UsageError`."""
    config.addinivalue_line("markers", "evalgate: the verdict of evalgate's gate on one variant of an operation")
    if _may_collect(config):
        from evalgate.pytest_plugin.settings import read_settings

        config.stash[SETTINGS] = read_settings(config, _worker_input(config).get(_TO_WORKERS))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """A suite; every other file is somebody else's."""
    if file_path.suffix not in (".yaml", ".yml") or SETTINGS not in parent.config.stash or not _is_suite(file_path):
        return None
    if not _is_meant(file_path, parent.config):
        told = f"{file_path}: a suite that `evalgate check` would not take either; name it, or its folder"
        warnings.warn(pytest.PytestCollectionWarning(told), stacklevel=1)
        return None
    from evalgate.pytest_plugin.collecting import SuiteFile

    suite: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return suite


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the workers of this run leave what they found."""
    if (settings := node.config.stash.get(SETTINGS, None)) is not None:
        node.workerinput[_TO_WORKERS] = settings.make_shared()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Tidy up behind the workers."""
    if (settings := config.stash.get(SETTINGS, None)) is not None:
        settings.remove_shared()


def _may_collect(config: pytest.Config) -> bool:
    """Whether somebody said what is to be collected; a worker of xdist collects what it is told to in any case."""
    if worker := _worker_input(config):
        return _TO_WORKERS in worker
    source = getattr(config, "args_source", None)  # pytest 7.2 and later
    return source is not None and source is not config.ArgsSource.INVOCATION_DIR


def _worker_input(config: pytest.Config) -> dict[str, str]:
    return getattr(config, "workerinput", {})


def _is_meant(path: Path, config: pytest.Config) -> bool:
    """Whether an argument names the file, or a folder of which `evalgate check` would take it.

    pytest walks deeper than that; where a folder itself holds no suites, it is those in it that do.
    """
    from evalgate.suite.files import belongs, in_folder

    reached = []
    for argument in config.args:
        named = Path(os.path.normpath(config.invocation_params.dir / argument.partition("::")[0]))
        if path == named:
            return True
        if path.is_relative_to(named):
            between = [each for each in reversed(path.parents) if each.is_relative_to(named)]
            holding = next(each for each in between if each == path.parent or any(map(_is_suite, in_folder(each))))
            reached.append(belongs(path, holding))
    return any(reached) or not reached  # nothing is left out that came by a way not known here


def _is_suite(path: Path) -> bool:
    """Whether the file has a suite's keys; whether they are right is seen when it is loaded."""
    try:
        with path.open("rb") as file:
            text = file.read(_LOOKED_AT)
    except OSError:
        return False
    pattern = _INLINE if re.match(rb"(\s|#.*\n)*\{", text) else _LINE
    return any(all(re.search(pattern % key, text, re.MULTILINE) for key in pair) for pair in _KEYS)
