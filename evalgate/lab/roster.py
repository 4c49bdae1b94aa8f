"""Who is in the lab: the variants, and the catalogues that describe them, live and recorded.

The prices are illustrative: in proportion to the real bits per weight of each file, with 16 bits at 0.16 and 0.32 USD
per 1M tokens. Nobody sells this model at them, and every table says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml

from evalgate.lab.weights import MODEL, Weights

BASELINE = "lab-f16"
SHORT = "lab-f16-short"
SHORT_MAX_TOKENS = 12
SHORT_DISCOUNT = Decimal("0.5")
PER_BIT = Decimal("0.01")  # USD per 1M input tokens and bit per weight; output costs twice that
CONTEXT = 2048
FIRST_PORT = 8931


@dataclass(frozen=True, slots=True)
class LabVariant:
    """One variant of the lab: weights, and how they are served. `port` is fixed, so that answers stay known."""

    id: str
    weights: Weights
    port: int
    max_tokens_cap: int | None = None

    @property
    def price(self) -> tuple[str, str]:
        """Illustrative USD per 1M input and output tokens."""
        bits = Decimal(str(round(self.weights.bits_per_weight, 2)))
        price = bits * PER_BIT * (SHORT_DISCOUNT if self.max_tokens_cap else 1)
        return f"{price:.4f}", f"{2 * price:.4f}"


def roster(weights: Sequence[Weights]) -> list[LabVariant]:
    """The lab's variants, the baseline first: one for each of `weights` (F16 leads), and the one served short."""
    variants = [LabVariant(f"lab-{each.label.lower()}", each, FIRST_PORT + n) for n, each in enumerate(weights)]
    return [*variants, LabVariant(SHORT, weights[0], FIRST_PORT + len(variants), SHORT_MAX_TOKENS)]


def catalogue(variants: list[LabVariant], *, recordings: str | None) -> str:
    """The catalogue as YAML: of live servers on loopback, or of `recordings` (their folder, relative to it)."""
    live = recordings is None
    providers: list[dict[str, object]] = [
        {"id": v.id, "protocol": "openai", "base_url": f"http://127.0.0.1:{v.port}/v1", "concurrency": 1}
        for v in variants
    ]
    document = {
        "version": 1,
        "providers": providers if live else [{"id": "lab", "protocol": "replay", "concurrency": 64}],
        "models": [
            {
                "id": MODEL,
                "name": "SmolLM2 135M Instruct",
                "variants": [_entry(v, recordings) for v in variants],
            }
        ],
    }
    origin = "live servers of the lab" if live else "answers that `evalgate lab record` recorded"
    head = [
        f"# {'' if live else 'yaml-language-server: $schema=schemas/catalog.schema.json'}".rstrip(),
        f"# The lab's variants: {origin}. Written by evalgate; prices are illustrative.",
    ]
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(line for line in head if line != "#") + "\n" + text


def _entry(variant: LabVariant, recordings: str | None) -> dict[str, object]:
    weights = variant.weights
    serving: dict[str, object] = {"engine": "ik_llama.cpp", "context": CONTEXT, "weights": f"sha256:{weights.sha256}"}
    if variant.max_tokens_cap:
        serving["max_tokens_cap"] = variant.max_tokens_cap
    entry: dict[str, object] = {
        "id": variant.id,
        "provider": variant.id if recordings is None else "lab",
        "tag": variant.id.replace("-", "/", 1),
        "quantization": {
            "label": weights.label.lower(),
            "source": "measured",
            "bits_per_weight": round(weights.bits_per_weight, 2),
        },
        "serving": serving,
        "price": dict(zip(("input", "output"), variant.price, strict=True)) | {"basis": "illustrative"},
        "capabilities": {"context": CONTEXT, "max_output": variant.max_tokens_cap or 512},
    }
    if recordings is not None:
        entry["recording"] = (Path(recordings) / f"{variant.id}.jsonl.gz").as_posix()
    return entry
