"""Reports to be summarised: facts to be kept, values that were corrected and must not be, and remarks between them.

What must be kept is marked where it is written (`sources/reports.yaml`), so the target follows from the text. A value
is drawn once for a report; a kept one therefore stands in exactly one place, and a summary that has it has the fact.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SEED = "summarise_with_facts-1"
EACH = 48  # cases of a genre
SPARE = 5  # words beyond those allowed: for the check, 1,200 is two
MAX_JACCARD = 0.6  # share of common words from which two reports count as nearly the same
FORMS = ("prose", "bullets", "chat", "letter")
SOURCE = yaml.safe_load((Path(__file__).parent / "sources" / "reports.yaml").read_text(encoding="utf-8"))
VALUES = SOURCE.pop("values")


class Report:
    """What stands in one report."""

    def __init__(self, rng: random.Random, genre: str, form: str) -> None:
        self.rng, self.form, self.used = rng, form, set[str]()
        source = SOURCE[genre]
        self.facts = rng.randint(3, 6)
        marked = [self._filled(fact) for fact in rng.sample(source["facts"], self.facts)]
        self.kept = [value for fact in marked for value in re.findall(r"\*(.+?)\*", fact)]
        self.gone = [value for fact in marked for value in re.findall(r"~(.+?)~", fact)]
        sentences = [fact.replace("*", "").replace("~", "") for fact in marked]
        for remark in rng.sample(source["remarks"], rng.randint(6, 9)):
            sentences.insert(rng.randrange(len(sentences) + 1), remark)
        self.text = self._written(rng.choice(source["titles"]), sentences)

    def _filled(self, fact: str) -> str:
        """The fact with a value of its own for each of its places."""
        return re.sub(r"\{(\w+)\}", lambda found: self._unused(found[1]), fact)

    def _unused(self, kind: str) -> str:
        while (value := self._value(kind)) in self.used or any(value in other or other in value for other in self.used):
            pass
        self.used.add(value)
        return value

    def _value(self, kind: str) -> str:
        rng = self.rng
        if kind == "date":
            return f"{rng.randint(10, 28)} {rng.choice(VALUES['months'])}"
        if kind == "amount":
            return f"{rng.randint(11, 98)},{rng.choice((150, 240, 300, 375, 480, 500, 620, 750, 800, 900))}"
        if kind == "count":
            return str(rng.randint(29, 97))
        return str(rng.choice(VALUES[f"{kind}s"]))

    def _written(self, title: str, sentences: list[str]) -> str:
        if self.form == "bullets":
            return f"{title}\n\n" + "\n".join(f"- {sentence}" for sentence in sentences)
        if self.form == "chat":
            lines = [f"{self.rng.choice(VALUES['speakers'])}: {sentence}" for sentence in sentences]
            return f"{title} (chat)\n\n" + "\n".join(lines)
        cut = self.rng.randint(2, len(sentences) - 2)
        paragraphs = " ".join(sentences[:cut]), " ".join(sentences[cut:])
        if self.form == "letter":
            return f"Subject: {title}\n\nHello,\n\n{paragraphs[0]}\n\n{paragraphs[1]}\n\nBest wishes"
        return f"{title}\n\n{paragraphs[0]}\n\n{paragraphs[1]}"


def cases() -> Iterator[dict[str, Any]]:
    """All cases, the genres in turn."""
    rng, seen = random.Random(SEED), list[frozenset[str]]()
    for number in range(EACH * len(SOURCE)):
        genre, form = list(SOURCE)[number % len(SOURCE)], FORMS[number // len(SOURCE) % len(FORMS)]
        while True:
            report = Report(rng, genre, form)
            words = frozenset(re.findall(r"\w+", report.text.lower()))
            budget = 15 + 9 * report.facts
            new = all(len(words & other) < MAX_JACCARD * len(words | other) for other in seen)
            if new and budget < 0.7 * len(report.text.split()):
                break
        seen.append(words)
        checks: list[dict[str, Any]] = [
            {"keywords:existence": {"keywords": report.kept}},
            {"length_constraints:number_words": {"num_words": budget + SPARE, "relation": "at most"}},
        ]
        if report.gone:
            checks.append({"keywords:forbidden_words": {"forbidden_words": report.gone}})
        yield {
            "id": f"report-{number + 1:03d}",
            "input": {"text": report.text, "words": budget},
            "target": checks,
            "metadata": {"genre": genre, "form": form, "facts": report.facts, "corrections": len(report.gone)},
        }
