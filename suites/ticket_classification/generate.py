"""Customers' messages for ten queues: every one is a text of its own, in one of several styles and six languages.

The labels are right because each text was written for its queue, by the definitions in the prompt. What is drawn is
what should not matter: the product, a greeting, slips of the pen, and an aside that sounds like another queue.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SOURCE = yaml.safe_load((Path(__file__).parent / "sources" / "tickets.yaml").read_text(encoding="utf-8"))
LABELS = (
    *("delivery", "damaged", "return", "refund", "billing"),
    *("cancellation", "account", "technical", "product", "feedback"),
)
STYLES = ("plain", "plain", "mail", "mail", "rambling", "rambling", "hasty", "typos", "shouting")
SEED = "ticket_classification-1"


def cases() -> Iterator[dict[str, Any]]:
    """All cases, the queues in turn."""
    rng = random.Random(SEED)
    texts = {label: [(lang, text) for lang in SOURCE[label] for text in SOURCE[label][lang]] for label in LABELS}
    for each in texts.values():
        rng.shuffle(each)
    tickets = [
        (label, *text) for row in zip(*texts.values(), strict=True) for label, text in zip(LABELS, row, strict=True)
    ]
    for number, (label, language, text) in enumerate(tickets, start=1):
        style = rng.choice(STYLES)
        written, aside = _written(rng, text, label, language, style)
        yield {
            "id": f"ticket-{number:03d}",
            "input": written,
            "target": label,
            "metadata": {
                "difficulty": "hard" if aside else "normal",
                "language": language,
                "style": style,
                "length": "long" if len(written.split()) > 30 else "short",
                "aside": aside or "none",
            },
        }


def _written(rng: random.Random, text: str, label: str, language: str, style: str) -> tuple[str, str | None]:
    """The message as it comes in, and the queue that it mentions in passing, if any."""
    text = _filled(rng, text, language)
    aside, parts = None, [text]
    if language == "en" and rng.random() < 0.4:
        aside, remark = rng.choice([each for each in SOURCE["asides"] if each[0] != label])
        parts = rng.choice([[remark, text], [text, remark]])
    if style == "rambling" and language == "en":
        before, *after = rng.sample(SOURCE["stories"], rng.randint(1, 3))
        parts = [before, *parts, *after]
    if style == "mail":
        parts.insert(0, rng.choice(SOURCE["openings"][language]) + "\n\n")
        parts.append("\n\n" + rng.choice(SOURCE["closings"][language]).format(name=rng.choice(SOURCE["names"])))
    message = re.sub(r" *\n\n *", "\n\n", " ".join(parts))
    if style == "hasty":
        message = re.sub(r"[.,!](?!\d)", "", message).lower()
    elif style == "shouting":
        message = re.sub(r"\.$", "!!", message.upper())
    elif style == "typos":
        message = _mistyped(rng, message)
    return message, aside


def _filled(rng: random.Random, text: str, language: str) -> str:
    product, other = rng.sample(SOURCE["products"], 2)
    return text.format(
        product=product,
        other=other,
        order=f"{rng.choice('ABDHKN')}{rng.randint(10_000, 99_999)}",
        amount=f"€{rng.randint(12, 240)}.{rng.choice((0, 50, 90, 95, 99)):02d}",
        days=rng.randint(5, 19),
        city=rng.choice(SOURCE["cities"]),
        month=rng.choice(SOURCE["months"][language]),
    )


def _mistyped(rng: random.Random, message: str) -> str:
    """With slips in about every sixth word of five letters or more: one letter lost, or two in the wrong order."""

    def slip(found: re.Match[str]) -> str:
        word, at = found[0], rng.randrange(1, len(found[0]) - 2)
        if rng.random() < 0.5:
            return word[:at] + word[at + 1 :]
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return re.sub(r"[^\W\d_]{5,}", lambda found: slip(found) if rng.random() < 0.18 else found[0], message)
