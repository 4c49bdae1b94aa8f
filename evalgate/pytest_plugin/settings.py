"""What the options and the ini file say. An option is relative to where pytest was called, an ini value to its file."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import pytest

DEFAULT_STORE = ".evalgate/evalgate.db"


@dataclass(slots=True)
class Settings:
    """How suites are judged in this run of pytest.

    `inconclusive` is None where the suite's own policy holds. `shared` is the folder in which the workers of xdist
    tell each other what they found, None where there is one process.
    """

    here: Path
    catalog: Path
    store: str
    max_cases: int | None
    inconclusive: Literal["fail", "skip"] | None
    stream: str
    publish: tuple[str, ...]
    keys: tuple[Path, ...]
    key_variables: tuple[str, ...]
    shared: Path | None = None
    _ours: list[Path] = field(default_factory=list)  # folders to be removed by whoever made them

    def make_shared(self) -> str:
        """The folder for the workers, which is made for the first of them."""
        if not self._ours:
            self._ours.append(Path(tempfile.mkdtemp(prefix="evalgate-pytest-")))
        return str(self._ours[0])

    def remove_shared(self) -> None:
        """Remove what `make_shared` made."""
        for folder in self._ours:
            shutil.rmtree(folder, ignore_errors=True)

    def shown(self, path: Path) -> Path:
        """The path as somebody types it here: boards and messages name suites by it, as those of `evalgate check`."""
        return path.relative_to(self.here) if path.is_relative_to(self.here) else path


def read_settings(config: pytest.Config, shared: str | None) -> Settings:
    """Raises `pytest.UsageError` for what cannot be meant."""
    here = config.invocation_params.dir
    keys, variables = _values(config, "key"), _values(config, "key-env")
    publish = _values(config, "publish")
    if (keys or variables) and not publish:
        raise pytest.UsageError("--evalgate-key: nothing is published, so nothing is signed: add --evalgate-publish")
    if any("://" in place for _, place in publish) and not (keys or variables):
        advice = "sign with --evalgate-key FILE or --evalgate-key-env NAME (make a key: evalgate signal keygen)"
        raise pytest.UsageError(f"--evalgate-publish: a signal for other machines needs a signature: {advice}")
    return Settings(
        here=here,
        catalog=Path(_place(_value(config, "catalog", "catalog.yaml"))),
        store=_place(_value(config, "store", DEFAULT_STORE)),
        max_cases=_max_cases(_value(config, "max-cases")[1]),
        inconclusive=_inconclusive(_value(config, "inconclusive")[1]),
        stream=_value(config, "stream", "local/default")[1],
        publish=tuple(map(_place, publish)),
        keys=tuple(Path(_place(key)) for key in keys),
        key_variables=tuple(name for _, name in variables),
        shared=Path(shared) if shared else None,
    )


def _values(config: pytest.Config, name: str) -> list[tuple[Path, str]]:
    """What was said, with the folder that it is relative to: by options, else in the ini file."""
    given = config.getoption(f"--evalgate-{name}")
    if given:
        return [(config.invocation_params.dir, value) for value in ([given] if isinstance(given, str) else given)]
    stated = config.getini(f"evalgate_{name.replace('-', '_')}")
    folder = config.inipath.parent if config.inipath else config.rootpath
    return [(folder, value) for value in ([stated] if isinstance(stated, str) else stated) if value]


def _value(config: pytest.Config, name: str, default: str = "") -> tuple[Path, str]:
    return next(iter(_values(config, name)), (config.invocation_params.dir, default))


def _place(said: tuple[Path, str]) -> str:
    """A URL as it is, a path as an absolute one: a test that changes the folder must not open another store."""
    folder, name = said
    return name if "://" in name else str(folder / name)


def _max_cases(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and int(value[:18])):
        raise pytest.UsageError(f"--evalgate-max-cases: expected a whole number from 1 on, got {value!r}")
    return int(value[:18])


def _inconclusive(value: str) -> Literal["fail", "skip"] | None:
    if value not in ("", "fail", "skip"):
        raise pytest.UsageError(f"--evalgate-inconclusive: expected fail or skip, got {value!r}")
    return cast('Literal["fail", "skip"]', value) if value else None
