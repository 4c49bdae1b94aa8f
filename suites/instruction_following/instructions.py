"""The instructions: how they are said, how they are checked, and how a text is made to follow them."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

GROUPS: Mapping[str, tuple[str, ...]] = {
    "shape": ("bullets", "paragraphs", "first_word", "sections", "two", "json", "highlights", "lines"),
    "frame": ("title", "postscript", "start", "end", "quotation", "repeat"),
    "words": ("keywords", "frequency", "forbidden", "letter", "placeholders"),
    "count": ("words_least", "words_most", "sentences", "sentences_least", "characters"),
    "style": ("no_comma", "capital", "lowercase", "capital_words", "language"),
}
SHAPED_BY = {"num_bullets", "num_sections", "num_paragraphs"}
FORBIDDING = {"forbidden", "no_comma", "words_most", "characters", "lines", "letter"}
# what cannot be followed together, or only by a text that nobody would write
APART = (
    {"json", "title"},
    {"json", "postscript"},
    {"json", "start"},
    {"json", "end"},
    {"json", "quotation"},
    {"json", "repeat"},
    {"json", "placeholders"},
    {"json", "language"},
    {"json", "lowercase"},
    {"json", "capital"},
    *({"json", each} for each in GROUPS["count"]),
    {"sections", "capital"},
    {"sections", "lowercase"},
    {"language", "keywords"},
    {"language", "frequency"},
    {"language", "first_word"},
    {"language", "start"},
    {"language", "end"},
    {"language", "repeat"},
    {"language", "placeholders"},
    {"language", "letter"},
    {"language", "words_least"},
    {"language", "postscript"},
    {"repeat", "words_most"},
    {"repeat", "characters"},
    {"repeat", "sentences"},
    {"repeat", "quotation"},
    {"repeat", "no_comma"},
    {"repeat", "forbidden"},
    {"repeat", "capital"},
    {"repeat", "lowercase"},
    {"repeat", "first_word"},
    {"repeat", "two"},
    {"repeat", "paragraphs"},
    {"first_word", "title"},
    {"first_word", "postscript"},
    {"first_word", "start"},
    {"first_word", "end"},
    {"paragraphs", "first_word"},
    {"quotation", "two"},
    *(
        {shape, each}
        for shape in ("bullets", "sections", "two", "paragraphs", "first_word")
        for each in ("words_most", "characters")
    ),
    {"frequency", "words_most"},
    {"frequency", "characters"},
    {"letter", "words_most"},
    {"letter", "characters"},
    {"placeholders", "words_most"},
    {"placeholders", "characters"},
    {"sentences", "placeholders"},
    {"sentences", "title"},
    {"sentences", "postscript"},
    {"sentences", "sections"},
    {"sentences", "two"},
    {"sentences", "bullets"},
    {"sentences", "first_word"},
    {"sentences", "letter"},
    {"quotation", "bullets"},
    {"lowercase", "title"},
)


class Plan:
    """What is asked for: the instructions by name with their arguments, and their checks."""

    def __init__(self, rng: random.Random, source: Mapping[str, Any], task: str) -> None:
        self.rng, self.source, self.task = rng, source, task
        self.chosen: dict[str, dict[str, Any]] = {}
        self.checks: list[dict[str, Any]] = []
        self._said: list[str] = []

    @property
    def demanding(self) -> bool:
        return bool(set(self.chosen) - FORBIDDING)

    def add(self, group: str, *, demanding: bool = False) -> None:
        """One of a group that goes together with what there is; none where there is no such."""
        fitting = [name for name in GROUPS[group] if not (demanding and name in FORBIDDING) and self._fits(name)]
        if not fitting:
            return
        name = self.rng.choice(fitting)
        given = getattr(self, f"_{name}", dict)()
        self.chosen[name] = given
        self._said.append(self.rng.choice(self.source["says"][name]).format(**_spoken(given)))
        self.checks.append({self.source["checks"][name]: self._checked(name, given)})

    def text(self) -> str:
        """The request: mostly the task first, the instructions in any order."""
        said = self.rng.sample(self._said, len(self._said))
        if "repeat" not in self.chosen and self.rng.random() < 0.2:
            return " ".join([*said, self.task])
        if len(said) > 1 and self.rng.random() < 0.25:
            return "\n".join([self.task, "", *(f"{number}. {each}" for number, each in enumerate(said, start=1))])
        return " ".join([self.task, *said])

    def _fits(self, name: str) -> bool:
        return not any(name in pair and pair & self.chosen.keys() for pair in APART)

    def _checked(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        if name == "repeat":
            return {"prompt_to_repeat": self.task}
        return {key: value for key, value in given.items() if not key.startswith("_")}

    def _bullets(self) -> dict[str, Any]:
        return {"num_bullets": self.rng.randint(2, 7)}

    def _paragraphs(self) -> dict[str, Any]:
        return {"num_paragraphs": self.rng.randint(2, 5)}

    def _first_word(self) -> dict[str, Any]:
        count = self.rng.randint(2, 5)
        word = self.rng.choice(self.source["first_words"])
        return {"num_paragraphs": count, "nth_paragraph": self.rng.randint(1, count), "first_word": word}

    def _sections(self) -> dict[str, Any]:
        return {
            "section_spliter": self.rng.choice(["Section", "Part", "Step", "Chapter"]),
            "num_sections": self.rng.randint(2, 5),
        }

    def _highlights(self) -> dict[str, Any]:
        return {"num_highlights": self.rng.randint(2, 5)}

    def _postscript(self) -> dict[str, Any]:
        return {"postscript_marker": self.rng.choice(["P.S.", "P.P.S"])}

    def _start(self) -> dict[str, Any]:
        return {"start_phrase": self.rng.choice(self.source["starts"])}

    def _end(self) -> dict[str, Any]:
        return {"end_phrase": self.rng.choice(self.source["ends"])}

    def _keywords(self) -> dict[str, Any]:
        return {"keywords": self.rng.sample(self.source["keywords"], self.rng.randint(2, 4))}

    def _frequency(self) -> dict[str, Any]:
        return {
            "keyword": self.rng.choice(self.source["keywords"]),
            "frequency": self.rng.randint(2, 4),
            "relation": "at least",
        }

    def _forbidden(self) -> dict[str, Any]:
        return {"forbidden_words": self.rng.sample(self.source["forbidden"], self.rng.randint(2, 4))}

    def _letter(self) -> dict[str, Any]:
        rare = self.rng.random() < 0.5
        if rare:
            return {
                "letter": self.rng.choice("qxz"),
                "let_frequency": self.rng.randint(1, 2),
                "let_relation": "less than",
            }
        return {
            "letter": self.rng.choice("etaonsr"),
            "let_frequency": self.rng.randint(12, 20),
            "let_relation": "at least",
        }

    def _placeholders(self) -> dict[str, Any]:
        return {"num_placeholders": self.rng.randint(2, 4)}

    def _words_least(self) -> dict[str, Any]:
        return {"num_words": self.rng.randint(8, 30) * 5, "relation": "at least"}

    def _words_most(self) -> dict[str, Any]:
        return {"num_words": self.rng.randint(6, 14) * 5, "relation": "at most"}

    def _sentences(self) -> dict[str, Any]:
        return {"num_sentences": self.rng.randint(3, 8), "relation": "exactly"}

    def _sentences_least(self) -> dict[str, Any]:
        return {"num_sentences": self.rng.randint(5, 11), "relation": "at least"}

    def _characters(self) -> dict[str, Any]:
        return {"num_characters": self.rng.randint(12, 28) * 10, "relation": "at most"}

    def _capital_words(self) -> dict[str, Any]:
        return {"capital_frequency": self.rng.randint(2, 6), "capital_relation": "at least"}

    def _language(self) -> dict[str, Any]:
        code = self.rng.choice(list(self.source["languages"]))
        return {"language": code, "_name": self.source["languages"][code]["name"]}


def _spoken(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they stand in a sentence."""
    lists = {key: ", ".join(f"'{each}'" for each in value) for key, value in given.items() if isinstance(value, list)}
    return {**{key.lstrip("_"): value for key, value in given.items()}, **lists}


def solution(plan: Plan, source: Mapping[str, Any]) -> str:
    """A text that follows all of it."""
    chosen = plan.chosen
    text = _shaped(plan, _sentences(plan, source))
    if "title" in chosen:
        text = f"<<A short title>>\n{text}"
    if "repeat" in chosen:
        text = f"{plan.task}\n{text}"
    if "start" in chosen:
        text = f"{chosen['start']['start_phrase']}\n{text}"
    if "postscript" in chosen:
        text = f"{text}\n{chosen['postscript']['postscript_marker']} See you soon."
    if "end" in chosen:
        text = f"{text} {chosen['end']['end_phrase']}"
    if "capital" in chosen:
        text = text.upper()
    if "lowercase" in chosen:
        text = text.lower()
    return f'"{text}"' if "quotation" in chosen else text


def _sentences(plan: Plan, source: Mapping[str, Any]) -> list[str]:
    chosen = plan.chosen
    pool = source["languages"][chosen["language"]["language"]]["pool"] if "language" in chosen else source["pool"]
    must: list[str] = []
    if "keywords" in chosen:
        must.append(f"This is about {' and '.join(chosen['keywords']['keywords'])}.")
    if "frequency" in chosen:
        word = chosen["frequency"]["keyword"]
        must.append(f"They sell {word} and {word} or {word} with {word}.")
    if "placeholders" in chosen:
        must.append("Write to [name] at [address] before [date] about [matter].")
    counted = chosen.get("sentences") or chosen.get("sentences_least")
    letter = chosen.get("letter", {"let_relation": ""})
    if letter["let_relation"] == "less than":
        pool = [each for each in pool if letter["letter"] not in each.lower()]
    least = 14 if letter["let_relation"] == "at least" else 6
    if "words_most" in chosen or "characters" in chosen:
        least = 2
    elif counted:
        framed = _ends_a_sentence(chosen) if "sentences" in chosen else 0
        least = counted["num_sentences"] - framed
    elif "words_least" in chosen:
        least = max(least, chosen["words_least"]["num_words"] // 5 + 2)
    drawn = plan.rng.sample(pool, min(least, len(pool))) if least <= len(pool) else [*pool, *pool][:least]
    made = [*must, *drawn][: max(least, len(must))]
    if "capital_words" in chosen:
        words = " ".join(made).split(" ")
        count = chosen["capital_words"]["capital_frequency"] + 1
        made = [" ".join([*(each.upper() for each in words[:count]), *words[count:]])]
    if "highlights" in chosen:
        words = " ".join(made).split(" ")
        count = chosen["highlights"]["num_highlights"]
        made = [" ".join([*(f"*{each}*" for each in words[:count]), *words[count:]])]
    return made


def _ends_a_sentence(chosen: Mapping[str, Mapping[str, Any]]) -> int:
    """How many of the sentences are in what stands first and last."""
    first = chosen["start"]["start_phrase"] if "start" in chosen else ""
    return int(first.endswith(".")) + int("end" in chosen)


def _shaped(plan: Plan, made: list[str]) -> str:
    name = next((each for each in GROUPS["shape"] if each in plan.chosen), "")
    given = plan.chosen.get(name, {})
    parts = _parts(made, next((value for key, value in given.items() if key in SHAPED_BY), 2))
    if name == "first_word":
        nth = given["nth_paragraph"] - 1
        parts[nth] = f"{given['first_word']} {parts[nth]}"
    shapes = {
        "json": lambda: json.dumps({"text": " ".join(made)}, ensure_ascii=False),
        "lines": lambda: "\n".join(dict.fromkeys(made)),
        "bullets": lambda: "\n".join(f"- {part}" for part in parts),
        "sections": lambda: "\n".join(
            f"{given['section_spliter']} {n}\n{part}" for n, part in enumerate(parts, start=1)
        ),
        "paragraphs": lambda: "\n***\n".join(parts),
        "two": lambda: "\n******\n".join(parts),
        "first_word": lambda: "\n\n".join(parts),
    }
    return shapes[name]() if name in shapes else " ".join(made)


def _parts(made: list[str], count: int) -> list[str]:
    """The words in so many parts, none of them empty."""
    words = " ".join(made).split(" ")
    size = -(-len(words) // count)
    parts = [" ".join(words[start : start + size]) for start in range(0, len(words), size)]
    while len(parts) < count:
        parts.append(f"Then part {len(parts)}")
    return parts
