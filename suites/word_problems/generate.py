"""Word problems from formulas: `sources/problems.yaml` has the texts, the ranges of their numbers, and what is right.

Everything is reckoned in exact fractions, and numbers are drawn anew until the answer is positive and needs at most two
decimal places (or is a whole number where only that makes sense), so nothing has to be rounded.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

SEED = "word_problems-1"
ENTRIES = yaml.safe_load((Path(__file__).parent / "sources" / "problems.yaml").read_text(encoding="utf-8"))
PROBLEMS = [entry for entry in ENTRIES if "text" in entry]
WORDS = {name: words for entry in ENTRIES if "text" not in entry for name, words in entry.items()}
IN_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
CURRENCIES = ("$", "€", "£")


class Quantity(Fraction):
    """An exact number that knows how it is written in a text."""

    currency = "$"

    def __format__(self, form: str) -> str:
        if form == "m":
            return f"{self.currency}{_decimal(self, places=0 if self.denominator == 1 else 2)}"
        if form == "w":
            return IN_WORDS[int(self)] if self.denominator == 1 and self < len(IN_WORDS) else _decimal(self)
        if form == "f":
            whole, rest = divmod(self, 1)
            return " ".join(str(part) for part in (whole, rest) if part)
        return f"{int(self):{form}}" if form else _decimal(self)


def cases() -> Iterator[dict[str, Any]]:
    """All cases: every wording of every problem once."""
    rng = random.Random(SEED)
    wordings = [(problem, problem["text"][turn]) for turn in range(3) for problem in PROBLEMS]
    for number, (problem, wording) in enumerate(wordings, start=1):
        distractor = rng.random() < 0.4
        text, target = _asked(rng, problem, wording, distractor)
        metadata = {"topic": problem["topic"], "steps": problem["steps"], "distractor": distractor}
        yield {"id": f"word-{number:03d}", "input": text, "target": target, "metadata": metadata}


def _asked(rng: random.Random, problem: dict[str, Any], wording: str, distractor: bool) -> tuple[str, str]:
    """The text of a problem, and its answer."""
    values = _numbers(rng, problem)
    currency = type("Currency", (Quantity,), {"currency": rng.choice(CURRENCIES)})
    written = {name: currency(value) for name, value in values.items()}
    names = dict(zip("ABC", rng.sample(WORDS["names"], 3), strict=True))
    words = {name: rng.choice(WORDS[name]) for name in ("thing", "fruit")}
    text = wording.format(**written, **names, **words)
    text = text[0].upper() + text[1:]
    if distractor:
        text = f"{rng.choice(WORDS['aside']).format(n=rng.randint(13, 48))} {text}"
    answer = _value(problem["answer"], values)
    return text, str(answer) if problem.get("fraction") else _decimal(answer)


def _numbers(rng: random.Random, problem: dict[str, Any]) -> dict[str, Fraction]:
    """Numbers that fit the problem; raises `ValueError` when there seem to be none."""
    for _ in range(10_000):
        values = {name: _drawn(rng, spec) for name, spec in problem["draw"].items()}
        values |= {name: _value(formula, values) for name, formula in problem.get("draw_also", {}).items()}
        if not _value(problem.get("where", "True"), values):
            continue
        answer = _value(problem["answer"], values)
        least = 1 if problem.get("whole") else 100
        if answer > 0 and (problem.get("fraction") or (answer * least).denominator == 1):
            return values
    msg = f"no numbers fit {problem['text']}"
    raise ValueError(msg)


def _drawn(rng: random.Random, spec: str | list[Any]) -> Fraction:
    if isinstance(spec, list):
        return Fraction(str(rng.choice(spec)))
    least, most = spec.split("..")
    return Fraction(rng.randint(int(least), int(most)))


def _value(formula: object, values: dict[str, Fraction]) -> Any:
    """The value of a formula of `problems.yaml`, which is a part of this program as this file is."""
    exact = re.sub(r"\b\d+\.\d+\b", lambda found: f"F('{found[0]}')", str(formula))
    result = eval(exact, {"__builtins__": {}, "F": Fraction, "len": len}, dict(values))
    return Fraction(result) if isinstance(result, int) and not isinstance(result, bool) else result


def _decimal(value: Fraction, places: int | None = None) -> str:
    """With as many decimal places as it needs, or as many as asked for."""
    if places is None:
        places = next(count for count in range(7) if (value * 10**count).denominator == 1)
    return f"{float(value):.{places}f}"
