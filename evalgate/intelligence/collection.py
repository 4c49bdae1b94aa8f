"""The collection of reports: `intelligence.yaml` beside the catalogue, where people write, and what imports wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import as_yaml, rewritten
from evalgate.intelligence.reports import Report, load_reports, told

FILE = "intelligence.yaml"
FOLDER = "intelligence"
HEAD = "# yaml-language-server: $schema=schemas/intelligence.schema.json\n"
BY_IMPORT = "# Written by evalgate intelligence import, which replaces it as a whole.\n"


def files_beside(catalog: Path) -> list[Path]:
    """The files of the collection that belongs to a catalogue: those that are there of FILE and FOLDER/*.yaml."""
    alone = catalog.parent / FILE
    return [*([alone] if alone.exists() else []), *sorted((catalog.parent / FOLDER).glob("*.yaml"))]


def load_collection(paths: Iterable[Path]) -> tuple[Report, ...]:
    """All reports of some files; raises `InputError` for a bad file, and for a report that two of them have."""
    found: dict[tuple[str, str, str, str], Path] = {}
    reports: list[Report] = []
    for path in paths:
        for report in load_reports(path):
            if report.identity in found:
                raise InputError(f"{path}: {told(report)}: {found[report.identity]} has it, too; remove one of the two")
            found[report.identity] = path
            reports.append(report)
    return tuple(reports)


def with_reports(text: str, new: Sequence[Report], path: Path) -> str:
    """The text of a collection with `new` at its end; an empty `text` is a collection to be."""
    entries = [plain(report) for report in new]
    if not text:
        return HEAD + as_yaml({"version": 1, "reports": entries})
    data = parse_yaml(text, path).data
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected a mapping with reports")
    return rewritten(text, {**data, "reports": [*(data.get("reports") or []), *entries]}, path)


def plain(report: Report) -> dict[str, object]:
    """A report as it is written, without what is not known."""
    return report.model_dump(mode="json", exclude_defaults=True)
