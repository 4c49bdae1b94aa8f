"""Gradings a second on one core, by grader, as a check calls them: `python benchmarks/graders.py [NAME …]`.

Answers are of the size that each grader is used for: a word, a number in a sentence, an object of four fields, a
paragraph. Beside the rate stands the ratio to `exact`, which is the same on a busy machine. `python` is not here: it
takes what the user's function takes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from evalgate.exchange import Answer
from evalgate.graders import Grading, bind
from evalgate.suite import Case, Suite, load_suite

SECONDS = 1.0
PARAGRAPH = "The parcel was sent on Monday by the night train, and it reached the harbour two days later. " * 6
REFERENCE = "On Monday the parcel went out by night train. It came to the harbour two days after that. " * 5
ORDER = {"name": "Ada Lovelace", "due": "2024-01-31", "total": 1204.5, "lines": ["lamp", "rope"]}
SCHEMA = {
    "type": "object",
    "required": ["name", "due", "total", "lines"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "due": {"type": "string", "format": "date"},
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
}
SMALL = {"required": ["name"], "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}
TAGGED = {"type": "json_match", "unordered": True, "dates": "any", "tolerance": 0.01}
CHECKS = ["punctuation:no_comma", {"length_constraints:number_words": {"num_words": 50}}]
LANGUAGE = [{"language:response_language": {"language": "en"}}]

# by name: the assertion, the target, the answer
WORK: dict[str, tuple[dict[str, object], object, str]] = {
    "exact": ({"type": "exact"}, "shipping", "**Shipping.**"),
    "contains": ({"type": "contains"}, "harbour", PARAGRAPH),
    "regex": ({"type": "regex", "pattern": r"\b\d+ days\b|two days"}, None, PARAGRAPH),
    "numeric": ({"type": "numeric"}, 1204.5, "After the discount of 5 %, the total is **$1,204.50**."),
    "json_schema small": ({"type": "json_schema", "schema": SMALL}, None, '{"name": "ropes", "count": 25}'),
    "json_schema": ({"type": "json_schema", "schema": SCHEMA}, None, json.dumps(ORDER)),
    "json_fields": ({"type": "json_fields"}, ORDER, json.dumps(ORDER)),
    "json_match": (TAGGED, ORDER, json.dumps(ORDER | {"due": "31 January 2024", "lines": ["rope", "lamp"]})),
    "multiple_choice": ({"type": "multiple_choice"}, "C", f"{PARAGRAPH}\nThe answer is (C)."),
    "classification": ({"type": "classification", "labels": ["shipping", "billing"]}, "shipping", "Shipping"),
    "token_f1": ({"type": "token_f1"}, REFERENCE, PARAGRAPH),
    "rouge_l": ({"type": "rouge_l"}, REFERENCE, PARAGRAPH),
    "edit_distance": ({"type": "edit_distance"}, REFERENCE, PARAGRAPH),
    "bleu": ({"type": "bleu"}, REFERENCE, PARAGRAPH),
    "chrf": ({"type": "chrf"}, REFERENCE, PARAGRAPH),
    "embedding_similarity": ({"type": "embedding_similarity"}, REFERENCE, PARAGRAPH),
    "maths": ({"type": "maths"}, r"\frac{1}{2}", r"So it is \boxed{\frac{2}{4}}."),
    "refusal": ({"type": "refusal"}, True, "I'm sorry, but I can't help with that."),
    "forbidden": ({"type": "forbidden", "patterns": ["acme", r"\bsecret\b"]}, None, PARAGRAPH),
    "pii": ({"type": "pii"}, None, PARAGRAPH),
    "instructions": ({"type": "instructions", "checks": CHECKS}, None, PARAGRAPH),
    "instructions language": ({"type": "instructions", "checks": LANGUAGE}, None, PARAGRAPH),
    "length": ({"type": "length", "most": 200}, None, PARAGRAPH),
}


def suite(folder: Path, assertion: dict[str, object], target: object) -> Suite:
    """A suite of one case."""
    case = {"id": "c", "input": "?", **({} if target is None else {"target": target})}
    content = {
        "operation": "o",
        "model": "m",
        "baseline": "b",
        "cases": [case],
        "prompt": "{{ input }}",
        "assert": [assertion],
        "gate": {"margin": 0.05},
    }
    path = folder / "suite.yaml"
    path.write_text(json.dumps(content))
    return load_suite(path)


def rate(grading: Grading, case: Case, text: str) -> float:
    """Gradings a second of processor time: the answers differ, so that nothing is remembered."""
    done, number = 0, 1
    answers = [Answer(text + " " * spaces, "stop") for spaces in range(1, 20)]
    grading.grade(answers[0], case)  # loads what there is to load
    began = time.process_time(), time.perf_counter()
    while time.perf_counter() - began[1] < SECONDS:
        for _ in range(number):
            grading.grade(answers[done % 19], case)
            done += 1
        number = min(2 * number, 256)
    worked = time.process_time() - began[0]
    # the formulas' process works while this one waits
    return done / (worked if worked > SECONDS / 10 else time.perf_counter() - began[1])


def main() -> None:
    wanted = sys.argv[1:] or list(WORK)
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys(["exact", *wanted]):
            assertion, target, text = WORK[name]
            loaded = suite(Path(folder), assertion, target)
            found = rate(bind(loaded), loaded.cases[0], text)
            first = first or found
            print(f"{name:24}{found:12,.0f}/s{found / first:10.3f} of exact", flush=True)


if __name__ == "__main__":
    main()
