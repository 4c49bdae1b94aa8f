"""Tasks of writing with instructions about the form, the checks of those, and a text that follows them.

An instruction comes from one of five groups, of which a case has at most one each, so that they can be followed
together. `metadata.solution` is made by the same plan as the instructions: dull, but a proof that they do not
contradict each other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from instructions import GROUPS, Plan, solution

CASES = 360
SOURCE = yaml.safe_load(Path(__file__).with_name("sources").joinpath("tasks.yaml").read_text(encoding="utf-8"))


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-instruction_following")
    tasks = [(form, text.format(topic=topic)) for form, text, topic in _forms()]
    rng.shuffle(tasks)
    for number in range(CASES):
        form, task = tasks[number]
        plan = Plan(rng, SOURCE, task)
        groups = rng.sample(list(GROUPS), rng.choice([1, 2, 2, 3, 3, 4]))
        for group in groups:
            plan.add(group)
        if not plan.demanding:  # what only forbids something is followed by nearly every text
            plan.add(next(group for group in GROUPS if group not in groups), demanding=True)
        yield {
            "input": plan.text(),
            "target": plan.checks,
            "metadata": {"instructions": len(plan.checks), "task": form, "solution": solution(plan, SOURCE)},
        }
    for question in SOURCE["questions"]:
        options = rng.choice(SOURCE["options"])
        listed = ", ".join(f"'{each}'" for each in options)
        text = rng.choice(SOURCE["choosing"]).format(question=question, options=listed)
        check = {"detectable_format:constrained_response": {"options": options}}
        yield {
            "input": text,
            "target": [check],
            "metadata": {"instructions": 1, "task": "question", "solution": rng.choice(options)},
        }


def _forms() -> Iterator[tuple[str, str, str]]:
    for form, each in SOURCE["forms"].items():
        for number, topic in enumerate(each["topics"]):
            for text in (each["texts"][number % len(each["texts"])], each["texts"][(number + 1) % len(each["texts"])]):
                yield form, text, topic
