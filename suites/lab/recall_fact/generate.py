"""Questions of general knowledge: capitals, continents, languages, elements, kinds of animals."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SOURCES = Path(__file__).parents[1] / "sources"
CASES = 640  # enough for a margin of five points with some to spare, few enough to record in an hour
SHOWN = {"Spain", "France", "Au", "Texas", "dog", "Switzerland"}  # the prompt's examples, which must not be asked


def cases() -> Iterator[dict[str, Any]]:
    known = [
        {"input": question, "target": answer, "metadata": {"relation": relation, "subject": subject}}
        for relation, subject, question, answer in _facts()
        if answer and subject not in SHOWN
    ]
    yield from random.Random("20250101-recall_fact").sample(known, CASES)


def _facts() -> Iterator[tuple[str, str, str, str]]:
    with (SOURCES / "countries.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            country = row["country"]
            yield "capital", country, f"What is the capital of {country}?", row["capital"]
            yield "continent", country, f"On which continent is {country}?", row["continent"]
            yield "language", country, f"Which language do people speak in {country}?", row["language"]
    source = yaml.safe_load((SOURCES / "facts.yaml").read_text(encoding="utf-8"))
    for symbol, element in source["symbol"].items():
        yield "symbol", symbol, f"Which chemical element has the symbol {symbol}?", element
    for state, capital in source["state"].items():
        yield "state", state, f"What is the capital of the US state {state}?", capital
    for kind, animals in source["animal"].items():
        for one in animals:
            yield "animal", one, f"What kind of animal is {'an' if one[0] in 'aeiou' else 'a'} {one}?", kind
