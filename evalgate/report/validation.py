"""A validated suite for people: its cases, what each grader made of the targets, what is asked first, what to mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from evalgate.exchange import Request, as_text
from evalgate.report.layout import print_hanging, print_line, print_parts, print_table, wrapped
from evalgate.report.wording import counted, percent, safe
from evalgate.validate import Finding, Severity, Trial, Validation

_STYLE: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}
_WIDTH = len("warning") + 2
_HEAD = ("grader at 1 on", "metric", "own targets", "others'", "nonsense")
_SHOWN = 1_200  # characters of a message; of longer ones the end, which is the case itself
_CLASSES = 6


@dataclass(frozen=True, slots=True)
class Unusable:
    """A suite that cannot be loaded, or not be graded, with all that is wrong with it."""

    path: str
    told: str


def render_unusable(found: Unusable, console: Console) -> None:
    """Print all mistakes of a suite, each with its place."""
    print_hanging(console, Text.assemble(("✕ ", "bold red"), (safe(found.path, 400), "bold")), 4, first=0)
    for line in found.told.splitlines():
        print_finding(Finding("error", "", line), console)
    print_line(console, Text())


def render_validation(found: Validation, console: Console, *, prompt: bool = True) -> None:
    """Print one suite."""
    mark = ("✕ ", "bold red") if found.broken else ("! ", "yellow") if found.warned else ("✓ ", "green")
    head = Text.assemble(mark, (safe(found.operation), "bold"), ("  " + safe(found.path, 400), "dim"))
    print_hanging(console, head, 4, first=0)
    print_parts(console, _about_cases(found), 2)
    smallest, margin = 100 * found.smallest_margin, 100 * found.margin
    certify = f"{counted(found.units, 'case')} certify a margin of {smallest:.3g} pp nine times in ten"
    print_parts(console, [certify, f"asked for: {margin:g} pp"], 2)
    if found.constant is not None and found.constant.whole:
        always = f"the best constant answer, {safe(found.constant.answer, 30)!r}, scores {found.constant.least:.3g}"
        print_hanging(console, Text(always), 4, first=2)
    print_line(console, Text())
    rows = [[Text(cell, "dim") for cell in _HEAD], *(_row(trial) for trial in found.trials)]
    print_table(console, rows, [False, False, True, True, True])
    if any(trial.borrowed and trial.targets for trial in found.trials):
        print_hanging(
            console, Text("* right answers by other graders' targets: this one makes none", "dim"), 4, first=2
        )
    if prompt:
        _print_first(found, console)
    if found.findings:
        print_line(console, Text())
    for finding in found.findings:
        print_finding(finding, console)
    print_line(console, Text())


def render_summary(found: Sequence[Validation | Unusable], console: Console, *, asked: bool) -> None:
    """Print how many suites are fine, and what to do next; `asked`: a judge was."""
    broken = sum(isinstance(each, Unusable) or each.broken for each in found)
    warned = sum(isinstance(each, Validation) and each.warned and not each.broken for each in found)
    fine = len(found) - broken - warned
    parts = [f"{fine} fine", f"{warned} to look at" if warned else "", f"{broken} broken" if broken else ""]
    told = f"{counted(len(found), 'suite')}: {', '.join(part for part in parts if part)}"
    nobody = "" if asked else "; nobody was asked"
    print_hanging(console, Text(told + nobody + ("" if broken else "; next: evalgate plan")), 2, first=0)


def _about_cases(found: Validation) -> list[str]:
    clusters = f"count as {found.units}, at most {found.largest_unit} as one" if found.units < found.cases else ""
    tried = f"the first {found.tried} tried" if found.tried < found.cases else ""
    answers = ""
    if found.classes:
        shares = [f"{safe(name, 24)} {percent(n / found.tried)}" for name, n in found.classes.items()]
        more = f", … ({len(shares) - _CLASSES} more)" if len(shares) > _CLASSES else ""
        answers = f"{counted(len(shares), 'answer')}: {', '.join(shares[:_CLASSES])}{more}"
    slices = [f"{safe(key)}: {counted(len(sizes), 'value')}" for key, sizes in found.slices.items()]
    return [counted(found.cases, "case"), clusters, tried, answers, *slices]


def _row(trial: Trial) -> list[Text]:
    names = [Text(safe(trial.grader, 24)), Text(safe(trial.metric, 24))]
    if trial.role == "asked":
        return [*names, Text("not tried: asks", "dim"), Text("–", "dim"), Text("–", "dim")]
    if trial.failure:
        return [*names, Text("it raised", "red"), Text("–"), Text("–")]
    targets = Text("no answer made", "dim")
    if trial.targets:
        style = "red" if trial.right < trial.targets and not trial.borrowed else ""
        targets = Text(f"{trial.right} of {trial.targets}{' *' if trial.borrowed else ''}", style)
    others = Text(percent(trial.confused), "yellow" if trial.confused > 0 else "") if trial.pairs else Text("–", "dim")
    nonsense = Text(f"{trial.nonsense_right} of {trial.nonsense}", "red" if trial.vacuous else "")
    return [*names, targets, others, nonsense]


def _print_first(found: Validation, console: Console) -> None:
    print_line(console, Text())
    print_line(console, Text(f"  asked first ({safe(found.first.id)})", "dim"))
    told = _messages(found.request)
    told += [("target", as_text(found.first.target))] if found.first.target is not None else []
    width = max(len(name) for name, _ in told) + 2
    for name, text in told:
        cut = text if len(text) <= _SHOWN else "…" + text[-_SHOWN:]
        shown = Text(safe(cut, _SHOWN + 1, multiline=True).strip("\n"))
        for number, line in enumerate(wrapped(console, shown, console.width - 4 - width)):
            print_line(console, Text.assemble("    ", (("" if number else name).ljust(width), "dim"), line))


def _messages(request: Request) -> list[tuple[str, str]]:
    if isinstance(request.prompt, str):
        return [("prompt", request.prompt)]
    found = []
    for message in request.prompt:
        pictures = [f"[picture {url[:60]}]" for url in message.images]
        calls = [f"[calls a tool: {as_text(call)}]" for call in message.tool_calls]
        found.append((message.role, "\n".join([*message.texts, *pictures, *calls])))
    return found


def print_finding(finding: Finding, console: Console) -> None:
    """Print one finding: how bad it is, its place, and what there is to say."""
    place = f"{finding.place}: " if finding.place else ""
    line = Text.assemble((finding.severity.ljust(_WIDTH), _STYLE[finding.severity]), safe(place + finding.told, 2_000))
    print_hanging(console, line, 2 + _WIDTH, first=2)
