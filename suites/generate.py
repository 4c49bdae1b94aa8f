"""Writes the cases of the four ready-made suites: `python suites/generate.py [--check]`.

The cases are made by a program for three reasons. Nobody's data is copied, the targets are right by construction, and
the sets are as large as proving a margin of five points takes. The program is seeded and its output committed, so a
recorded answer stays an answer to the same question; `--check` fails when the two have drifted apart.

Two cases that are nearly the same question count as two in the statistics but tell us little more than one. So every
set is refused (not thinned afterwards) when it holds near-duplicates; `check_rows` says what that means for each.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
DATA = HERE / "data"
#: Cases per suite: enough for a margin of five points with some to spare, few enough to record in an hour.
CASES = 640
SEED = 20250101
#: Texts that share three fifths of their distinct words are near-duplicates (names and numbers are words, too).
MAX_JACCARD = {"classify_feedback": 0.6, "extract_order": 0.6}

Row = dict[str, Any]
#: What the few-shot examples in the suites use, which therefore must not be asked.
SHOWN_PAIRS = {(17, 5), (62, 7), (31, 12), (48, 4), (25, 9), (53, 11)}
SHOWN_FACTS = {"Spain", "France", "Au", "Texas", "dog", "Switzerland"}


def classify_feedback(rng: random.Random) -> list[Row]:
    """Sentences of one or two opinions; in two of five, a mild remark to the contrary comes first."""
    source = yaml.safe_load((SOURCES / "feedback.yaml").read_text())
    opposite = {"positive": "negative", "negative": "positive"}

    def compose(index: int) -> Row:
        sentiment = ("positive", "negative")[index % 2]
        group = rng.choice(sorted(source["groups"]))
        words = source["groups"][group]
        first, second = rng.sample(words[sentiment], 2)
        kind = "contrast" if index % 5 in {1, 4} else "plain"
        text = rng.choice(source[kind]).format(
            subject=rng.choice(words["subjects"]),
            first=first,
            second=second,
            mild=rng.choice(words[f"mildly_{opposite[sentiment]}"]),
        )
        return {"input": text, "target": sentiment, "metadata": {"group": group, "kind": kind}}

    return _distinct_texts(compose, MAX_JACCARD["classify_feedback"])


def add_numbers(rng: random.Random) -> list[Row]:
    """Sums of a number from 13 to 72 and one from 2 to 12; each pair at most once."""
    pairs = [(a, b) for a in range(13, 73) for b in range(2, 13) if (a, b) not in SHOWN_PAIRS]
    rows = []
    for a, b in rng.sample(pairs, CASES):
        carry = a % 10 + b % 10 >= 10
        rows.append({"input": {"a": a, "b": b}, "target": a + b, "metadata": {"carry": carry}})
    return rows


def extract_order(rng: random.Random) -> list[Row]:
    """Short messages that order something; the target is who, what and how many."""
    source = yaml.safe_load((SOURCES / "orders.yaml").read_text())

    def compose(index: int) -> Row:
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

    return _distinct_texts(compose, MAX_JACCARD["extract_order"])


def recall_fact(rng: random.Random) -> list[Row]:
    """Questions of general knowledge: capitals, continents, languages, elements, kinds of animals."""
    facts: list[tuple[str, str, str, str]] = []
    with (SOURCES / "countries.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            country = row["country"]
            facts += [
                ("capital", country, f"What is the capital of {country}?", row["capital"]),
                ("continent", country, f"On which continent is {country}?", row["continent"]),
                ("language", country, f"Which language do people speak in {country}?", row["language"]),
            ]
    source = yaml.safe_load((SOURCES / "facts.yaml").read_text())
    for symbol, element in source["symbol"].items():
        facts.append(("symbol", symbol, f"Which chemical element has the symbol {symbol}?", element))
    for state, capital in source["state"].items():
        facts.append(("state", state, f"What is the capital of the US state {state}?", capital))
    for kind, animals in source["animal"].items():
        facts += [("animal", one, f"What kind of animal is {_article(one)}?", kind) for one in animals]
    known = [
        {"input": question, "target": answer, "metadata": {"relation": relation, "subject": subject}}
        for relation, subject, question, answer in facts
        if answer and subject not in SHOWN_FACTS
    ]
    return rng.sample(known, CASES)


SUITES: dict[str, Callable[[random.Random], list[Row]]] = {
    "classify_feedback": classify_feedback,
    "add_numbers": add_numbers,
    "extract_order": extract_order,
    "recall_fact": recall_fact,
}


def generate(operation: str) -> list[Row]:
    """Make, number and check the rows of one suite; the same on every machine."""
    rows = SUITES[operation](random.Random(f"{SEED}-{operation}"))
    prefix = "".join(word[0] for word in operation.split("_"))
    rows = [{"id": f"{prefix}-{number:04d}", **row} for number, row in enumerate(rows, start=1)]
    problems = check_rows(operation, rows)
    if problems:
        msg = f"{operation}: {len(problems)} problems, first: {problems[0]}"
        raise ValueError(msg)
    return rows


def check_rows(operation: str, rows: list[Row]) -> list[str]:
    """Find what a set of cases must not have: missing keys, repeated ids, the same question twice, or nearly so.

    Nearly the same is, for texts, a share of common words (Jaccard) of at least `MAX_JACCARD`; for sums, the same two
    numbers in either order; for facts, which by their nature share a wording, the same relation of the same subject.
    """
    problems = [f"{row.get('id')}: lacks a key" for row in rows if set(row) != {"id", "input", "target", "metadata"}]
    problems += [f"{value}: id or question twice" for value in _repeated(row["id"] for row in rows)]
    problems += [f"{value}: id or question twice" for value in _repeated(_question(operation, row) for row in rows)]
    bound = MAX_JACCARD.get(operation)
    if bound is not None:
        sets = [(row["id"], words(row["input"])) for row in rows]
        problems += [
            f"{one} and {other}: near-duplicates"
            for (one, left), (other, right) in combinations(sets, 2)
            if jaccard(left, right) >= bound
        ]
    return problems


def words(text: str) -> frozenset[str]:
    """The distinct words and numbers of a text, in lower case."""
    return frozenset(re.findall(r"\w+", text.lower()))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Share of common words among all words of two texts, from 0 to 1."""
    return len(left & right) / len(left | right)


def encode(rows: Iterable[Row]) -> str:
    """Write rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main(arguments: list[str] | None = None) -> int:
    """Write all the data, or compare it with what is there."""
    parser = argparse.ArgumentParser(description="Write the cases of the ready-made suites.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the data is not up to date")
    check = parser.parse_args(arguments).check
    stale = []
    for operation in SUITES:
        path, text = DATA / f"{operation}.jsonl", encode(generate(operation))
        if check:
            stale += [] if path.exists() and path.read_text() == text else [path.name]
        else:
            DATA.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python suites/generate.py\n")
    return 1 if stale else 0


def _distinct_texts(compose: Callable[[int], Row], bound: float) -> list[Row]:
    """Compose rows until there are enough, passing over those that are too much like an earlier one."""
    rows: list[Row] = []
    seen: list[frozenset[str]] = []
    for _ in range(CASES * 200):
        row = compose(len(rows))
        candidate = words(row["input"])
        if all(jaccard(candidate, earlier) < bound for earlier in seen):
            rows.append(row)
            seen.append(candidate)
        if len(rows) == CASES:
            return rows
    msg = f"only {len(rows)} of {CASES} sufficiently different texts; give the sources more words"
    raise ValueError(msg)


def _question(operation: str, row: Row) -> str:
    if operation == "add_numbers":
        return " + ".join(str(number) for number in sorted(row["input"].values()))
    if operation == "recall_fact":
        return f"{row['metadata']['relation']} of {row['metadata']['subject']}".lower()
    return " ".join(sorted(words(row["input"])))


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


if __name__ == "__main__":
    sys.exit(main())
