"""The cases on which a variant differs from its baseline, the two answers beside each other.

A verdict is a number; this is what it means. Answers are looked up in the store by what was asked and who was asked, so
nothing is asked again, and a suite that changed since the run is refused instead of shown with the wrong answers.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue, Request, as_text
from evalgate.gate import Flip, OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.layout import columns, print_hanging, print_line, table_width, wrapped
from evalgate.report.wording import safe
from evalgate.store import Store, answer_key
from evalgate.suite import Case, Suite

Which = Literal["broke", "fixed", "flipped"]

ANSWER_LIMIT = 2_000  # characters shown of one answer
FIELD_LIMIT = 600  # characters shown of an input, a target or a prompt's end
_TOKEN = re.compile(r"(?:\w+|[^\w\s])[^\S\n]*|\s+")  # blanks go with the word: alone they would match everywhere
_TOKENS_COMPARED = 400  # finding what two texts share takes the square of this
_LIKENESS = 0.3  # answers that share less are two texts, not two versions of one: marking words would only be noise
_INDENT = 2
_READABLE = 100  # cells of one answer's column, where nothing else limits it


@dataclass(frozen=True, slots=True)
class Pair:
    """A case on which the scores differ, with both answers; an answer is None where the store does not have it."""

    case_id: str
    input: JsonValue
    target: JsonValue
    prompt_tail: str
    metric: str
    baseline_score: float
    variant_score: float
    baseline_answer: Answer | None
    variant_answer: Answer | None

    @property
    def broke(self) -> bool:
        """True when the variant scored lower."""
        return self.variant_score < self.baseline_score


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show of one answer: its text in pieces (text, differs), and remarks on it."""

    pieces: tuple[tuple[str, bool], ...]
    remarks: tuple[str, ...]


def cases_that(which: Which, board: OperationBoard, verdict: Verdict, suite: Suite, store: Store) -> list[Pair]:
    """The cases that `broke`, that were `fixed`, or all that `flipped`, in the order asked; the first answer of each.

    Raises `InputError` when the suite is not the one that the board was made with.
    """
    if suite.hash != board.suite_hash:
        message = f"{suite.path}: changed since the run of this board, so its answers no longer fit"
        raise InputError(f"{message}; run: evalgate check {suite.path}")
    flips = [flip for flip in verdict.flips if which in ("flipped", "broke" if _broke(flip) else "fixed")]
    flipped = {flip.case_id for flip in flips}
    cases = {case.id: case for case in suite.cases if case.id in flipped}
    return paired(flips, cases, {name: suite.request(case) for name, case in cases.items()}, board, verdict, store)


def paired(
    flips: Sequence[Flip],
    cases: Mapping[str, Case],
    requests: Mapping[str, Request],
    board: OperationBoard,
    verdict: Verdict,
    store: Store,
) -> list[Pair]:
    """Both sides' first answers to each of `flips`, whose `cases` and `requests` are given by the case's id."""
    configs = (board.baseline.config, verdict.variant.config)
    keys = {each.case_id: [answer_key(requests[each.case_id].hash, one, 0) for one in configs] for each in flips}
    answers = store.find([key for both in keys.values() for key in both])
    pairs = []
    for flip in flips:
        case, (ours, theirs) = cases[flip.case_id], keys[flip.case_id]
        pairs.append(
            Pair(
                case_id=flip.case_id,
                input=case.input,
                target=case.target,
                prompt_tail=_tail(requests[flip.case_id]),
                metric=flip.metric,
                baseline_score=flip.baseline_score,
                variant_score=flip.variant_score,
                baseline_answer=answers.get(ours),
                variant_answer=answers.get(theirs),
            )
        )
    return pairs


def render_pairs(pairs: Sequence[Pair], console: Console, limit: int) -> None:
    """Print the first `limit` pairs: the target on top, below it the baseline's answer beside the variant's."""
    for pair in pairs[:limit]:
        _print_pair(pair, console)
    if (rest := len(pairs) - limit) > 0:
        print_line(console, Text(f"{' ' * _INDENT}… and {wording.counted(rest, 'more case')}", "dim"))


def both_shown(pair: Pair, limit: int = ANSWER_LIMIT) -> tuple[Shown, Shown]:
    """Both answers, terminal-safe, at most `limit` characters each, with the words marked that they do not share."""
    texts = [_text(answer, limit) for answer in (pair.baseline_answer, pair.variant_answer)]
    marked = _marked(*texts)
    first, second = (
        Shown(pieces, _notes(answer, limit))
        for pieces, answer in zip(marked, (pair.baseline_answer, pair.variant_answer), strict=True)
    )
    return first, second


def _text(answer: Answer | None, limit: int) -> str:
    return safe(answer.text, limit, multiline=True) if answer else ""


def _notes(answer: Answer | None, limit: int) -> tuple[str, ...]:
    if answer is None:
        return ("not in the store",)
    remarks = []
    if answer.error is not None:
        remarks.append(f"no answer: {safe(answer.error, 200)}")
    elif not answer.text:
        remarks.append("empty answer")
    if answer.truncated:
        remarks.append("cut off at the token limit")
    if len(answer.text) > limit:
        remarks.append(f"{wording.counted(len(answer.text), 'character')} in all")
    return tuple(remarks)


def _marked(first: str, second: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """Both texts cut into pieces (text, differs)."""
    ours, theirs = _TOKEN.findall(first), _TOKEN.findall(second)
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    too_long = max(len(ours), len(theirs)) > _TOKENS_COMPARED
    if not first or not second or too_long or matcher.quick_ratio() < _LIKENESS:
        return ((first, False),) if first else (), ((second, False),) if second else ()
    left, right = [], []
    for kind, a, b, c, d in matcher.get_opcodes():
        if b > a:
            left.append(("".join(ours[a:b]), kind != "equal"))
        if d > c:
            right.append(("".join(theirs[c:d]), kind != "equal"))
    return tuple(left), tuple(right)


def _print_pair(pair: Pair, console: Console) -> None:
    word = ("broke", "red") if pair.broke else ("fixed", "green")
    change = f"{safe(pair.metric)} {wording.change(pair.baseline_score, pair.variant_score)}"
    print_hanging(console, Text.assemble((safe(pair.case_id), "bold"), "  ", word, "  ", change), _INDENT, first=0)
    target = "" if pair.target is None else as_text(pair.target)
    for name, value in (("asked", pair.prompt_tail), ("target", target)):
        if value:
            text = Text(safe(value, FIELD_LIMIT, multiline=True).strip("\n"))
            print_hanging(console, Text(f"{name:<9}", "dim") + text, _INDENT + 9, first=_INDENT)
    ours, theirs = both_shown(pair)
    width = min(
        (table_width(console) - _INDENT - 3) // 2, max(_longest(ours, theirs), (console.width - _INDENT - 3) // 2)
    )
    left, right = _column("baseline", ours, console, width), _column("variant", theirs, console, width)
    bar = Text("│", "dim")
    for line, beside in zip_longest(left, right, fillvalue=Text()):
        row = columns([line, bar, beside], [width, 1, 0], [False, False, False], gap=1)
        print_line(console, Text(" " * _INDENT) + row)
    print_line(console, Text())


def _longest(*shown: Shown) -> int:
    """Cells that the longest line of these answers takes, but no more than can be read."""
    lines = [line for each in shown for line in "".join(piece for piece, _ in each.pieces).splitlines()]
    return min(_READABLE, max(map(cell_len, lines), default=0))


def _column(name: str, shown: Shown, console: Console, width: int) -> list[Text]:
    text = Text.assemble(*((piece, "bold underline" if differs else "") for piece, differs in shown.pieces))
    lines = [Text(name, "dim"), *(wrapped(console, text, width) if text else [])]
    for remark in shown.remarks:
        lines.extend(wrapped(console, Text(f"[{remark}]", "yellow"), width))
    return lines


def _tail(request: Request) -> str:
    """The end of what was asked: of a few-shot prompt, this is the case itself."""
    prompt = request.prompt if isinstance(request.prompt, str) else "\n".join(request.prompt[-1].texts)
    last = prompt.rstrip().rsplit("\n\n", 1)[-1]
    return ("…" if len(last) < len(prompt.rstrip()) else "") + last[-FIELD_LIMIT:]


def _broke(flip: Flip) -> bool:
    return flip.variant_score < flip.baseline_score
