"""What a source says of models and variants, in the words of a catalogue file; merging it is another matter."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from evalgate.catalog.models import CatalogFile
from evalgate.formats.documents import Document


@dataclass(frozen=True, slots=True)
class Offer:
    """Providers and models as plain data that `CatalogFile` accepts; what is not known is left out.

    `source`: the name that merged entries remember it by. `as_of`: the day of its prices. `skipped`: a sentence for
    each thing that could not be taken. `whole`: whether each model lists all variants that the source has of it.
    """

    source: str
    as_of: date
    providers: tuple[Mapping[str, Any], ...]
    models: tuple[Mapping[str, Any], ...]
    skipped: tuple[str, ...] = ()
    whole: bool = True


def offer_of(document: Document, as_of: date, beside: Path | None) -> Offer:
    """What another evalgate catalogue offers to one in the folder `beside`; None: its recordings are not to be had.

    Raises `InputError` with file and line when it is no catalogue.
    """
    document.validate(CatalogFile)
    data: Any = document.data
    skipped: list[str] = []
    models = []
    for model in data["models"]:
        variants = []
        for variant in model["variants"]:
            entry = {key: value for key, value in variant.items() if key != "imported"}
            if entry.get("recording") is not None:
                if beside is None:
                    skipped.append(f"{entry['id']}: its answers are recorded in a file, which is not here")
                    continue
                there = (document.path.parent / str(entry["recording"])).resolve()
                entry["recording"] = Path(os.path.relpath(there, beside.resolve())).as_posix()
            variants.append(entry)
        if variants:
            rest = {key: value for key, value in model.items() if key not in ("imported", "baseline")}
            models.append({**rest, "variants": variants})
    return Offer(source_name(document.path.name), as_of, tuple(data["providers"]), tuple(models), tuple(skipped))


def source_name(text: str) -> str:
    """A name for a source that a catalogue may hold: of a file's name or a URL's last part, nothing that is secret."""
    return "file:" + (re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:100] or "catalogue")
