"""What kinds of right and wrong both sides' answers are: faults in calls of tools, and how well each label was told.

They say *how* a variant differs, which one score cannot: whether its JSON broke, or it called another tool; whether it
missed one label, or mistook one for another. All of it decides nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from rich.console import Console
from rich.text import Text

from evalgate.exchange import Answer
from evalgate.graders import Grading
from evalgate.graders.classes import Classes, OfClass
from evalgate.graders.tools.calls import Fault, offered, tools_of
from evalgate.graders.tools.graders import faults_in
from evalgate.report.layout import print_line, print_table
from evalgate.report.wording import percent, safe
from evalgate.suite import Case, Suite

_FAULTS: tuple[Fault, ...] = get_args(Fault)
_LABEL = 30  # characters
_MOST = 30  # labels


@dataclass(frozen=True, slots=True)
class Faulty:
    """Of `answers` of one side those that have a fault, by its kind; an answer may have several."""

    answers: int
    with_fault: Mapping[Fault, int]

    @classmethod
    def of(cls, grading: Grading, suite: Suite, cases: Sequence[Case], given: Mapping[str, Answer]) -> Faulty:
        """Look at the calls of every answer that came, by the case's id."""
        tools, counted, answers = tools_of(suite.parameters), Counter[Fault](), 0
        graders = [bound for some in grading.metrics.values() for bound in some if bound.grader.name == "tool_calls"]
        for case in cases:
            answer, own = given.get(case.id), offered(case, tools)
            if answer is None or answer.failed:
                continue
            answers += 1
            found = [faults_in(answer, bound.expected(case), own, bound.options) for bound in graders]
            counted.update({fault for each in found or [faults_in(answer, None, own, {})] for fault in each})
        return cls(answers, counted)


def faults_of_calls(
    grading: Grading, suite: Suite, cases: Sequence[Case], ours: Mapping[str, Answer], theirs: Mapping[str, Answer]
) -> dict[Fault, tuple[Faulty, Faulty]]:
    """By fault, both sides; nothing where the suite offers no tools, or nobody made a mistake."""
    if not suite.offers_tools:
        return {}
    base, variant = (Faulty.of(grading, suite, cases, given) for given in (ours, theirs))
    kinds = [fault for fault in _FAULTS if base.with_fault.get(fault) or variant.with_fault.get(fault)]
    return dict.fromkeys(kinds, (base, variant))


def classes_of(grading: Grading, cases: Sequence[Case], given: Mapping[str, Answer]) -> dict[str, Classes]:
    """By metric, how well each label was told by the answers that are there."""
    found: dict[str, Classes] = {}
    for case in cases:
        if (answer := given.get(case.id)) is not None:
            for metric, target, said in grading.labels(answer, case):
                found.setdefault(metric, Classes()).add(target, said)
    return found


def render_kinds(
    grading: Grading,
    suite: Suite,
    cases: Sequence[Case],
    ours: Mapping[str, Answer],
    theirs: Mapping[str, Answer],
    console: Console,
) -> None:
    """Print the faults of calls, and each label's precision and recall; nothing where a suite has neither."""
    faults = faults_of_calls(grading, suite, cases, ours, theirs)
    if faults:
        print_line(console, Text("calls of tools: answers with a fault (decides nothing)", "dim"))
        head = [Text(cell, "dim") for cell in ("fault", "baseline", "variant")]
        rows = [[Text(kind), *(_share(side, kind) for side in sides)] for kind, sides in faults.items()]
        print_table(console, [head, *rows], [False, True, True])
    base, variant = classes_of(grading, cases, ours), classes_of(grading, cases, theirs)
    for metric in base:
        _print_classes(metric, base[metric], variant.get(metric, Classes()), console)


def _share(side: Faulty, kind: Fault) -> Text:
    count = side.with_fault.get(kind, 0)
    return Text(f"{count} of {side.answers}  {percent(count / side.answers) if side.answers else '–'}")


def _print_classes(metric: str, base: Classes, variant: Classes, console: Console) -> None:
    print_line(console, Text(f"labels of {safe(metric)}: precision and recall (decides nothing)", "dim"))
    head = [Text(cell, "dim") for cell in ("label", "cases", "precision", "recall")]
    after = {each.label: each for each in variant.report()}
    labels = [(each.label, each) for each in base.report()]
    labels += [(name, OfClass(name, each.cases, 0, 0)) for name, each in after.items() if name not in dict(labels)]
    rows = [
        [
            Text(safe(name, _LABEL)),
            Text(str(before.cases)),
            _change(before.precision, after[name].precision if name in after else None),
            _change(before.recall, after[name].recall if name in after else None),
        ]
        for name, before in labels[:_MOST]
    ]
    print_table(console, [head, *rows], [False, True, True, True])
    if base.unlabelled or variant.unlabelled:
        print_line(console, Text(f"  no label, or several: {base.unlabelled} → {variant.unlabelled} answers"))


def _change(before: float | None, after: float | None) -> Text:
    ours, theirs = ("–" if each is None else f"{each:.3f}" for each in (before, after))
    lost = before is not None and after is not None and after < before - 0.05
    return Text.assemble(f"{ours} → ", (theirs, "red" if lost else ""))
