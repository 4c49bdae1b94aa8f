"""Passages and questions about them: a passage is a few facts of one domain in any order, with remarks between them.

Every fact knows how it is said, asked for and answered, so the answer is right by construction. A question whose fact
was left out has none. In some passages an older value of the very fact that is asked for is quoted as outdated.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SEED = "answer_from_context-1"
EACH = 40  # cases of a domain
KINDS = ("plain", "plain", "plain", "outdated", "unanswerable")
UNKNOWN = "not in the text"
MAX_JACCARD = 0.6  # share of common words from which two passages with their questions count as nearly the same
OUTDATED = (
    "An older version of this text said: “{}” That is no longer so.",
    "It used to be different. “{}”, it said then.",
    "Forget what was true before: “{}”",
    "The former wording, “{}”, is outdated.",
)
SOURCE = yaml.safe_load((Path(__file__).parent / "sources" / "passages.yaml").read_text(encoding="utf-8"))

Words = dict[str, str]


def cases() -> Iterator[dict[str, Any]]:
    """All cases, the domains in turn."""
    rng, seen, asked = random.Random(SEED), list[frozenset[str]](), Counter[str]()
    for number in range(EACH * len(SOURCE["domains"])):
        name = list(SOURCE["domains"])[number % len(SOURCE["domains"])]
        kind = KINDS[number // len(SOURCE["domains"]) % len(KINDS)]
        while True:
            case, fact = _case(rng, name, kind, asked)
            words = frozenset(re.findall(r"\w+", " ".join(case["input"].values()).lower()))
            if all(len(words & other) < MAX_JACCARD * len(words | other) for other in seen):
                break
        seen.append(words)
        asked[fact] += 1
        yield {"id": f"passage-{number + 1:03d}", **case}


def _case(rng: random.Random, name: str, kind: str, asked: Counter[str]) -> tuple[dict[str, Any], str]:
    """A case of one domain about one of the facts that were asked for least, and which fact that is."""
    domain = SOURCE["domains"][name]
    facts = [fact for fact in domain["facts"] if kind != "outdated" or _slots(fact)]
    least = min(asked[fact["ask"][0]] for fact in facts)
    subject = rng.choice([fact for fact in facts if asked[fact["ask"][0]] <= least + 1])
    shared = _drawn(rng, domain)
    others = [fact for fact in domain["facts"] if fact is not subject]
    said = rng.sample(others, rng.randint(3, 7))
    sentences = [_said(rng, fact, _with(rng, fact, domain, shared)) for fact in said]
    words = _with(rng, subject, domain, shared)
    if kind != "unanswerable":
        sentences.append(_said(rng, subject, words))
    rng.shuffle(sentences)
    if kind == "outdated":
        old = _said(rng, subject, _with(rng, subject, domain, shared, but=words))
        sentences.insert(rng.randrange(len(sentences) + 1), rng.choice(OUTDATED).format(old))
    for remark in rng.sample(domain["noise"], rng.randint(1, 4)):
        sentences.insert(rng.randrange(len(sentences) + 1), remark)
    passage = " ".join([rng.choice(domain["intro"]).format(**shared), *sentences])
    answers = [UNKNOWN] if kind == "unanswerable" else [form.format(**words) for form in subject["answer"]]
    metadata = {"domain": name, "kind": kind, "length": "long" if len(passage.split()) > 90 else "short"}
    question = rng.choice(subject["ask"]).format(**words)
    case = {"input": {"passage": passage, "question": question}, "target": answers, "metadata": metadata}
    return case, subject["ask"][0]


def _drawn(rng: random.Random, domain: dict[str, Any]) -> Words:
    """One word of every list, for the whole passage."""
    return {key: str(rng.choice(values)) for key, values in {**SOURCE["common"], **domain["words"]}.items()}


def _with(
    rng: random.Random, fact: dict[str, Any], domain: dict[str, Any], shared: Words, but: Words | None = None
) -> Words:
    """The words with what a fact draws for itself, all different; `but`: not those, in what the fact says."""
    while True:
        words = dict(shared)
        for key, spec in fact.get("draw", {}).items():
            words[key] = _one(rng, spec)
        own = [words[key] for key in fact.get("draw", {})]
        if any(value in shared.values() for value in own if not value.isdigit()):
            continue
        if but is None or all(words[key] != but[key] for key in _slots(fact)):
            return words
        shared = shared | {key: value for key, value in _drawn(rng, domain).items() if key in _slots(fact)}


def _one(rng: random.Random, spec: str | list[Any]) -> str:
    if isinstance(spec, list):
        return str(rng.choice(spec))
    if spec in SOURCE["common"]:
        return str(rng.choice(SOURCE["common"][spec]))
    least, most = spec.split("..")
    return str(rng.randint(int(least), int(most)))


def _slots(fact: dict[str, Any]) -> set[str]:
    """What the answer to a fact is made of."""
    return set(re.findall(r"\{(\w+)\}", fact["answer"][0]))


def _said(rng: random.Random, fact: dict[str, Any], words: Words) -> str:
    text = str(rng.choice(fact["say"])).format(**words)
    return text[0].upper() + text[1:]
