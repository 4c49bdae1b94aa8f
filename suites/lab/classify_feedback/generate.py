"""Sentences of one or two opinions; in two of five, a mild remark to the contrary comes first."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from distinct import distinct

SOURCES = Path(__file__).parents[1] / "sources"
CASES = 640  # enough for a margin of five points with some to spare, few enough to record in an hour
OPPOSITE = {"positive": "negative", "negative": "positive"}


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-classify_feedback")
    source = yaml.safe_load((SOURCES / "feedback.yaml").read_text(encoding="utf-8"))

    def compose(index: int) -> dict[str, Any]:
        sentiment = ("positive", "negative")[index % 2]
        group = rng.choice(sorted(source["groups"]))
        words = source["groups"][group]
        first, second = rng.sample(words[sentiment], 2)
        kind = "contrast" if index % 5 in {1, 4} else "plain"
        text = rng.choice(source[kind]).format(
            subject=rng.choice(words["subjects"]),
            first=first,
            second=second,
            mild=rng.choice(words[f"mildly_{OPPOSITE[sentiment]}"]),
        )
        return {"input": text, "target": sentiment, "metadata": {"group": group, "kind": kind}}

    yield from distinct(compose, CASES)
