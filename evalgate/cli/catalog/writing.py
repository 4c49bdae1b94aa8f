"""Where an import goes: into a catalogue that exists, into a new file, or to stdout; and what is told of it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.catalog.merge import Merged
    from evalgate.catalog.offer import Offer

_HEAD = "# yaml-language-server: $schema=schemas/catalog.schema.json\n"
_EMPTY: Mapping[str, Any] = {"version": 1, "providers": [], "models": []}


@dataclass
class Target:
    """The options that say where to. `data`: the catalogue that is there, or an empty one."""

    into: Path | None
    output: Path | None
    overwrite: Sequence[str]
    dry_run: bool
    data: Mapping[str, Any] = field(init=False, default_factory=lambda: _EMPTY)
    text: str = field(init=False, default="")

    def __post_init__(self) -> None:
        from evalgate.catalog.load import catalog_of
        from evalgate.formats.documents import read_yaml

        if self.into is not None and self.output is not None:
            raise InputError("--into merges, --output makes a new file: give one of them")
        if self.output is not None and self.output.exists():
            raise InputError(f"{self.output}: there is a file already; --into {self.output} merges into it")
        if self.into is not None and self.into.exists():
            document = read_yaml(self.into)
            catalog_of(document)
            data: Any = document.data
            self.data, self.text = data, self.into.read_bytes().decode()

    @property
    def path(self) -> Path:
        """The catalogue's file, for messages too."""
        return self.into or self.output or Path("catalog.yaml")

    def take(self, offers: Sequence[Offer]) -> int:
        """Merge the offers and write the result; returns the exit code."""
        from evalgate.catalog.merge import merge

        for offer in offers:
            for reason in offer.skipped:
                _tell(f"left out {reason}")
        data = self.data
        steps = []
        for offer in offers:
            steps.append((offer, merge(data, offer, self.overwrite)))
            data = steps[-1][1].data
        found = {name for _, merged in steps for name in merged.overwritten}
        if unknown := [name for name in self.overwrite if name not in found]:
            raise InputError(f"--overwrite {unknown[0]}: no such conflict; without it, those that there are get listed")
        if not data["models"]:
            raise InputError("nothing to import: there is no variant that could be asked")
        text = self._written(data)
        for offer, merged in steps:
            _report(offer, merged)
        if self.dry_run:
            names = (f"{self.path} (now)", f"{self.path} (merged)")
            lines = difflib.unified_diff(self.text.splitlines(keepends=True), text.splitlines(keepends=True), *names)
            for line in lines:
                click.echo(_shown(line.rstrip("\n")))
        elif self.into is None and self.output is None:
            click.echo(text, nl=False)
        elif text != self.text:
            self._write(text)
        return 0

    def _written(self, data: Mapping[str, Any]) -> str:
        """The text of the merged catalogue, which is known to load."""
        from evalgate.catalog.load import catalog_of
        from evalgate.formats.documents import parse_yaml
        from evalgate.formats.rewriting import as_yaml, rewritten

        text = rewritten(self.text, data, self.path) if self.text else _HEAD + as_yaml(dict(data))
        catalog_of(parse_yaml(text, self.path))
        return text

    def _write(self, text: str) -> None:
        from evalgate.formats.files import write_atomically

        try:
            if self.text and self.path.read_bytes().decode() != self.text:
                raise InputError(f"{self.path}: changed while the import ran; nothing was written, run it again")
            write_atomically(self.path, text.encode())
        except OSError as failure:
            raise InputError(f"{self.path}: cannot be written: {failure.strerror}") from None


def _report(offer: Offer, merged: Merged) -> None:
    for provider in merged.providers:
        key = provider.get("api_key_env")
        sent = f", and is sent the key in {key}" if key else ""
        _tell(f"new provider {provider['id']} at {provider.get('base_url') or provider.get('protocol')}{sent}")
    for name in merged.added:
        _tell(f"added {name}")
    for change in merged.updated:
        _tell(f"updated {change.name}: {_value(change.before)} → {_value(change.after)}")
    for change in merged.conflicts:
        sides = f"yours is {_value(change.before)}, {offer.source} has {_value(change.after)}"
        _tell(f"kept {change.name}: {sides}; to take that: --overwrite {change.name}")
    for name in merged.gone:
        _tell(f"{name} is not listed by {offer.source} any more; it stays until you remove it")
    for reason in merged.left_out:
        _tell(f"left out {reason}")


def _value(value: object) -> str:
    if isinstance(value, Mapping) and value.keys() >= {"input", "output"}:
        return f"${value['input']}/${value['output']}"
    return str(value)


def _tell(message: str) -> None:
    click.echo(f"evalgate: {_shown(message)}", err=True)


def _shown(text: str) -> str:
    """What others wrote is hostile to a terminal."""
    from evalgate.report.wording import safe

    return safe(text, limit=500)
