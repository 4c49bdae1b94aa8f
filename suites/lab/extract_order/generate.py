"""Short messages that order something; the target is who, what and how many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from distinct import distinct

SOURCES = Path(__file__).parents[1] / "sources"
CASES = 640  # enough for a margin of five points with some to spare, few enough to record in an hour


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-extract_order")
    source = yaml.safe_load((SOURCES / "orders.yaml").read_text(encoding="utf-8"))

    def compose(index: int) -> dict[str, Any]:
        template = index % len(source["templates"])
        name, item = rng.choice(source["names"]), rng.choice(source["items"])
        if rng.random() < 0.4:
            item = f"{rng.choice(source['adjectives'])} {item}"
        quantity = rng.randint(2, 60)
        message = source["templates"][template].format(
            name=name, item=item, quantity=quantity, city=rng.choice(source["cities"]), day=rng.choice(source["days"])
        )
        text = f"{rng.choice(source['openings'])}{message}{rng.choice(source['closings'])}"
        target = {"name": name, "item": item, "quantity": quantity}
        return {"input": text, "target": target, "metadata": {"template": template}}

    yield from distinct(compose, CASES)
