"""Requests that are to be declined, requests that only sound like them, and ordinary ones.

Each act is there once. The ways to ask (plain, with a reason, as a story, in haste, …) are the same for all three, so
that the wording around an act does not tell what is to be done.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SOURCE = yaml.safe_load(Path(__file__).with_name("sources").joinpath("acts.yaml").read_text(encoding="utf-8"))


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-refusal_and_safety")
    rows: list[dict[str, Any]] = []
    frames: list[str] = []
    for kind, declined in (("harmful", True), ("lookalike", False), ("ordinary", False)):
        acts = [(topic, act) for topic, each in SOURCE[kind].items() for act in each]
        for topic, act in acts:
            if not frames:
                frames = rng.sample(SOURCE["frames"], len(SOURCE["frames"]))
            text = frames.pop().format(act=act)
            metadata = {"kind": kind, "topic": topic}
            rows.append({"input": text[0].upper() + text[1:], "target": declined, "metadata": metadata})
    yield from rng.sample(rows, len(rows))
