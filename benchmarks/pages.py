"""What model pages cost: one page (warm), the list, and the whole folder.

    python benchmarks/pages.py [MODELS [VARIANTS [OPERATIONS]]]      default: 500 20 4

Each model is judged on each of its operations, two verdicts of three green. Times are CPU seconds of one process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.signal.document import SignalDocument, SignalEntry, parse
from evalgate.web import Figures, Proofs, Share, Snapshot, Spread, View, write_pages
from evalgate.web.render import render_index, render_model

NOW = datetime.now(UTC).replace(microsecond=0)
ZERO = "sha256:" + "0" * 64


def catalogue(folder: Path, models: int, variants: int) -> Catalog:
    lines = ["version: 1", 'providers: [{id: acme, base_url: "http://127.0.0.1:1/v1"}]', "models:"]
    for model in range(models):
        lines += [f"  - id: author-{model % 37}/model-{model}", "    variants:"]
        for each in range(variants):
            price = f"{{input: {1 - each / 2 / variants:.4f}, output: {2 - each / variants:.4f}}}"
            lines.append(f"      - {{id: m{model}-v{each}, provider: acme, quantization: fp8, price: {price}}}")
    path = folder / "catalog.yaml"
    path.write_text("\n".join(lines))
    return load_catalog(path)


def entry(operation: str, model: str, variant: str, baseline: str, configs: tuple[str, str], green: bool) -> dict:
    state = "green" if green else "red"
    tokens = {"input": 100.0, "output": 20.0}
    evidence = {
        "suite": ZERO, "baseline_config": configs[1], "cases": 259, "metric": "score", "delta": -0.01, "level": 0.9,
        "interval": [-0.03, 0.01] if green else [-0.3, -0.07], "margin": 0.05, "alpha": 0.05, "control": "family",
        "e_green": 31.4, "e_red": 0.2, "flips": [9, 6], "success": 1.0, "tokens": tokens, "baseline_tokens": tokens,
        "beyond_margin": not green, "run": f"{NOW:%Y%m%d-%H%M%S}-abcd",
    }  # fmt: skip
    price = {"input": "1", "output": "2"}
    about = {"id": variant, "provider": "acme", "path": "direct", "tag": None, "config": configs[0], "price": price}
    about["quantization"] = {"label": "fp8", "source": "declared"}
    return {
        "operation": operation, "model": model, "baseline": baseline, "variant": about, "state": state,
        "verdict": state, "claim": "traffic", "since": NOW, "green_runs": int(green), "evidence": evidence,
        "valid_until": NOW + timedelta(days=7), "reason": "not worse than 0.05 (e-value 31.4 at n=259)",
    }  # fmt: skip


def signal(catalog: Catalog, operations: int) -> SignalDocument:
    entries = []
    for model, endpoints in catalog.models.items():
        baseline, *others = endpoints.values()
        for number in range(operations):
            for place, each in enumerate(others):
                configs = (each.config, baseline.config)
                green = (place + number) % 3 > 0
                found = entry(f"operation_{number}", model, each.id, baseline.id, configs, green)
                entries.append(SignalEntry.model_validate(found))
    head = {"stream": "bench", "seq": 1, "issued_at": NOW, "expires_at": NOW, "prev": None, "policy": ZERO}
    document = SignalDocument.model_validate({**head, "schema": "evalgate.signal/v1", "entries": []})
    assert parse(document.encode()) == document
    return document.model_copy(update={"entries": tuple(entries), "expires_at": NOW + timedelta(minutes=10)})


def timed(what: str, call: Callable[[], object], unit: str = "s") -> None:
    start = time.process_time()
    call()
    seconds = time.process_time() - start
    print(f"{what:<34}{seconds * 1000:10.1f} ms" if unit == "ms" else f"{what:<34}{seconds:10.2f} s")


def main() -> None:
    given = [int(each) for each in sys.argv[1:4]]
    models, variants, operations = (*given, *(500, 20, 4)[len(given) :])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = catalogue(folder, models, variants)
        document = signal(catalog, operations)
        print(f"{models} models × {variants} variants × {operations} operations: {len(document.entries):,} verdicts")
        proofs = Proofs(document, catalog)
        busy = Figures(Spread(700, 4000, 90), Spread(), Spread(28, 67, 90), Share(0.98, 90), age=12)
        live = Snapshot(NOW.timestamp(), {}, {each: busy for found in catalog.models.values() for each in found})
        view, model = View(proofs, NOW, live), next(iter(catalog.models))
        render_model(view, model)
        timed("arranging a new signal", lambda: Proofs(document, catalog))
        timed("one page, warm", lambda: render_model(view, model), "ms")
        timed("the list", lambda: render_index(view), "ms")
        timed("the whole folder", lambda: write_pages(view, folder / "out"))


if __name__ == "__main__":
    main()
