"""The board in a terminal: operations, their variants, and for whoever failed what broke and what to do.

What does not fit into a column is said in the line below the row, so that the same board reads well at 80 columns, in a
wide window and in a log file. Colour repeats what the words say and never says anything alone. Everything that comes
from outside is put into `Text` objects through `wording.safe`, never into markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from evalgate.gate import Board, Flip, OperationBoard, VariantFacts, Verdict
from evalgate.report import wording
from evalgate.report.layout import columns, print_hanging, print_line, print_parts, table_width, widths_of
from evalgate.report.next_step import next_step
from evalgate.report.wording import safe

STYLES = {"green": "green", "red": "bold red", "worse": "red", "inconclusive": "yellow"}
WORDS = {"green": "green", "red": "RED", "worse": "worse", "inconclusive": "inconclusive"}

_TITLES = ("verdict", "variant", "score", "Δ pp", "sequence", "cases", "flips", "saved", "bits", "quantization")
_RIGHT = (False, False, True, True, True, True, True, True, True, False)
_BELOW_ROW = ("", "", "score {}", "Δ {} pp", "{}", "{} cases", "flips {}", "{} saved", "{} bits", "{}")
_LEAST = 2  # columns that always stay; the others move to the line below, the last one first
_INDENT = 2
_BELOW = 16  # where the lines below a row begin: under the variant
_FAILURE = 5
_EXAMPLES = 3
_SUSPECT = "suspect how it is served (template, context, token limit), not its quantization"


def render_board(board: Board, console: Console) -> None:
    """Print the table of operations × variants, with a legend and a summary."""
    # an id such as `acme-int4` has said it; the column is for those that do not
    named = not all(wording.is_told_by_id(verdict.variant) for each in board.operations for verdict in each.verdicts)
    rows = [[_cells(each, verdict, named=named) for verdict in each.verdicts] for each in board.operations]
    titles = [Text(title, "dim") for title in (_TITLES if named else _TITLES[:-1])]
    widths = widths_of([titles, *(row for group in rows for row in group)])
    shown = _fitting(widths, table_width(console))
    print_line(console, _row(titles, widths, shown))
    for each, group in zip(board.operations, rows, strict=True):
        print_parts(console, _heading(each), _INDENT, first=0)
        for verdict, cells in zip(each.verdicts, group, strict=True):
            print_line(console, _row(cells, widths, shown))
            below = (*_moved(cells, shown), *_metric_named(verdict), *wording.remarks(verdict))
            print_parts(console, [Text(part, "dim") for part in below], _BELOW)
        print_line(console, Text())
    _print_legend(board, console)


def render_failures(board: Board, console: Console, route: Callable[[str], str]) -> None:
    """Print what broke and what to do, for each red variant and, shorter, for each inconclusive one.

    `route(operation)` says in a few words what the operation's traffic does now.
    """
    for each in board.operations:
        for verdict in each.verdicts:
            if verdict.outcome != "green":
                render_failure(each, verdict, route(each.operation), console)


def _cells(board: OperationBoard, verdict: Verdict, *, named: bool) -> list[Text]:
    metric, style = verdict.worst, STYLES[wording.outcome(verdict)]
    return [
        Text(WORDS[wording.outcome(verdict)], style),
        Text(safe(verdict.variant.id)),
        Text(f"{wording.score(metric.baseline_score)}→{wording.score(metric.variant_score)}"),
        Text(wording.points(metric.delta), style),
        Text(wording.interval(metric.interval)),
        Text(f"{verdict.cases}/{board.available}"),
        Text(f"−{metric.broke} +{metric.fixed}"),
        Text(wording.saving(board, verdict)),
        Text(wording.bits_number(verdict.variant)),
        *([Text(safe(verdict.variant.quantization, 40))] if named else []),
    ]


def _fitting(widths: Sequence[int], available: int) -> int:
    """How many columns fit into one line."""
    shown = len(widths)
    while shown > _LEAST and _INDENT + sum(widths[:shown]) + 2 * (shown - 1) > available:
        shown -= 1
    return shown


def _row(cells: Sequence[Text], widths: Sequence[int], shown: int) -> Text:
    return Text(" " * _INDENT) + columns(cells[:shown], widths[:shown], _RIGHT[:shown])


def _moved(cells: Sequence[Text], shown: int) -> list[str]:
    """The columns that did not fit, in words."""
    return [_BELOW_ROW[n].format(cells[n].plain) for n in range(shown, len(cells))]


def _metric_named(verdict: Verdict) -> list[str]:
    if len(verdict.metrics) == 1:
        return []
    role = "worst" if verdict.outcome == "red" else "weakest"
    return [f"{role} of {len(verdict.metrics)} metrics: {safe(verdict.worst.metric)}"]


def _heading(board: OperationBoard) -> list[Text | str]:
    baseline = f"baseline {safe(board.baseline.id)} ({wording.precision(board.baseline)})"
    held_to = [f"margin {wording.margin(board)}", f"claim {wording.claim(board)}", wording.family(board)]
    held_to += filter(None, [wording.control_variate(board)])
    return [Text(safe(board.operation), "bold"), safe(board.model), baseline, *held_to]


def _print_legend(board: Board, console: Console) -> None:
    verdicts = [(each, verdict) for each in board.operations for verdict in each.verdicts]
    count = Counter(wording.outcome(verdict) for _, verdict in verdicts)
    tally = [Text(f"{count[outcome]} {WORDS[outcome]}", STYLES[outcome]) for outcome in WORDS if count[outcome]]
    sent = f"{wording.counted(board.requests, 'request')} sent"
    print_parts(console, [wording.counted(len(verdicts), "verdict"), *tally, sent], _INDENT)
    levels = " / ".join(dict.fromkeys(wording.levels(each) for each in board.operations))
    legend = [f"Δ and its {levels} confidence sequence in percentage points", "flips: −broke +fixed"]
    if count["worse"]:
        legend.append("worse: proven worse, perhaps by less than the margin; RED: by more")
    if board.discoveries < count["green"]:
        legend.append(f"{board.discoveries} of the greens hold at a false discovery rate of 5 % over the whole board")
    if any(wording.is_estimated(verdict) for _, verdict in verdicts):
        legend.append(wording.ESTIMATED_NOTE)
    if any(wording.is_illustrative(each, verdict) for each, verdict in verdicts):
        legend.append(wording.ILLUSTRATIVE_NOTE)
    print_parts(console, [Text(line, "dim") for line in legend], _INDENT)
    print_line(console, Text())


def render_failure(board: OperationBoard, verdict: Verdict, route: str, console: Console) -> None:
    """Print what broke of one variant and what to do; `route` says what the operation's traffic does now."""
    facts, metric, style = verdict.variant, verdict.worst, STYLES[wording.outcome(verdict)]
    red = verdict.outcome == "red"
    word = Text(f"{WORDS[wording.outcome(verdict)]}  ", style)
    # named as everything that is typed names it; what else there is to say of it stands beside
    who = f" · {safe(facts.id)} ({safe(facts.provider)}, {wording.precision(facts)})"
    title = Text.assemble(word, (safe(board.operation), "bold"), who)
    claim = Text(_claim(board, verdict) if red else "", style)
    print_parts(console, [title, claim], _FAILURE, first=0, separator="   ")
    scores = f"{safe(metric.metric)} {wording.score(metric.baseline_score)} → {wording.score(metric.variant_score)}"
    sequence = f"{wording.percent(metric.level)} sequence {wording.interval(metric.interval)}"
    measured = [scores, f"Δ {wording.points(metric.delta)} pp", sequence, f"margin −{wording.margin(board)}"]
    print_parts(console, measured, _FAILURE, separator="   ")
    for line in _red_lines(board, verdict) if red else [[safe(verdict.reason, 300)], wording.remarks(verdict)]:
        print_parts(console, line, _FAILURE)
    print_hanging(console, Text(f"router: {safe(route, 300)}"), _FAILURE)
    print_hanging(console, Text.assemble("next: ", (next_step(board, verdict), "bold" if red else "")), _FAILURE)
    print_line(console, Text())


def _claim(board: OperationBoard, verdict: Verdict) -> str:
    """What is proven of a red."""
    metric = verdict.worst
    if metric.absolute:
        return f"proven below what is required: {safe(metric.metric)}"
    against = _baseline_of(board, verdict.variant)
    if verdict.beyond_margin:
        return f"proven worse than {against} by more than the margin"
    return f"proven worse than {against}, perhaps by less than the margin"


def _baseline_of(board: OperationBoard, facts: VariantFacts) -> str:
    same = facts.quantization == board.baseline.quantization
    return safe(board.baseline.id) + (" at the same precision" if same else "")


def _red_lines(board: OperationBoard, verdict: Verdict) -> list[list[str]]:
    metric = verdict.worst
    cases = wording.counted(verdict.cases, board.policy.unit)
    paired = f"{cases} paired: {metric.broke} broke, {metric.fixed} fixed"
    lines = [[cases if metric.absolute else paired, wording.family(board)]]
    if verdict.suspicions:
        lines.append([*(safe(each, 200) for each in verdict.suspicions), _SUSPECT])
    if wording.truncates_more(verdict):
        lines.append([wording.truncation(verdict), _SUSPECT])
    if failed := verdict.usage.failed:
        baseline = verdict.baseline_usage.failed
        lines.append([f"{wording.counted(failed, 'call')} failed and scored 0 (baseline {baseline})"])
    broke = [flip for flip in verdict.flips if flip.variant_score < flip.baseline_score]
    return [*lines, [_broke_most(broke)]] if broke else lines


def _broke_most(broke: Sequence[Flip]) -> str:
    """The cases that lost most, of the metric that broke most; in the order asked among equals."""
    (metric, count), *others = Counter(flip.metric for flip in broke).most_common()
    worst = sorted(
        (flip for flip in broke if flip.metric == metric), key=lambda flip: flip.variant_score - flip.baseline_score
    )
    examples = ", ".join(
        f"{safe(flip.case_id, 40)} {wording.change(flip.baseline_score, flip.variant_score)}"
        for flip in worst[:_EXAMPLES]
    )
    share = f"{safe(metric)} ({count}/{len(broke)}), e.g. " if others else ""
    return f"broke most: {share}{examples}"
