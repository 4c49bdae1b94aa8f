"""Catalogues and reports to stand on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from evalgate.catalog import Catalog
from evalgate.catalog.load import catalog_of
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import as_yaml
from evalgate.intelligence import Report

TODAY = date(2026, 11, 30)


def report(model: str = "m0", benchmark: str = "gpqa", score: float = 50.0, **changes: Any) -> Report:
    content = {"date": "2026-01-01", "measured_by": "lab", "source": "https://example.org/r", **changes}
    return Report.model_validate({"model": model, "benchmark": benchmark, "score": score, **content})


def whole(model: str, score: float, **changes: Any) -> list[Report]:
    """All four parts with one score, so that the composite is that score."""
    return [report(model, each, score, **changes) for each in ("mmlu_pro", "humaneval_plus", "math500", "gpqa")]


def catalog(*models: dict[str, Any]) -> Catalog:
    """Models by id and what is known of them; `price` is that of input and output together."""
    entries = []
    for number, model in enumerate(models):
        price = {"input": model.get("price", 1.0), "output": 0, "basis": model.get("basis", "listed")}
        variant = {"id": f"v{number}", "provider": "here", "quantization": "bf16", "price": price}
        about = {key: value for key, value in model.items() if key not in ("price", "basis")}
        entries.append({**about, "variants": [variant]})
    here = {"id": "here", "base_url": "http://127.0.0.1:9/v1"}
    return catalog_of(parse_yaml(as_yaml({"providers": [here], "models": entries}), Path("catalog.yaml")))


def used(requests: int) -> dict[str, Any]:
    return {"requests": requests, "source": "somebody", "as_of": "2026-11-30"}
