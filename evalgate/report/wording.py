"""How texts, numbers and verdicts are written, the same in the terminal, in the HTML report and in the pictures.

Two things live here because they must be the same everywhere. Whatever a model, a dataset or a catalogue wrote is
hostile until `safe` has made every control character visible: a terminal obeys escape sequences, and a right-to-left
override makes a page say the opposite of what the bytes say. And a number has one way to be written, so that a verdict
reads alike wherever it is met.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `safe` is of use to commands that need no statistics, and start faster without
    from evalgate.gate import OperationBoard, Usage, VariantFacts, Verdict

ID_LIMIT = 120  # characters of an id, a label or a note; what is longer was not written to be read
ILLUSTRATIVE = "*"
ESTIMATED = "≈"
ESTIMATED_NOTE = f"{ESTIMATED} tokens not counted by the server, but estimated"
ILLUSTRATIVE_NOTE = f"{ILLUSTRATIVE} illustrative prices: nobody sells at them"
SHAPES = {"green": "●", "red": "✕", "worse": "▽", "inconclusive": "◇"}

_KINDS = {"cut_in_reasoning": "cut off in reasoning", "tool_calls": "calls of tools only"}
_JOINERS = frozenset("\u200c\u200d")  # some scripts and most emoji cannot be spelled without them
_NOTABLE_TRUNCATION = 0.05


def safe(text: str, limit: int = ID_LIMIT, *, multiline: bool = False) -> str:
    """Make `text` safe to print: at most `limit` (≥ 1) characters, every control character replaced by a visible one.

    C0 controls become their pictures (ESC → ␛), everything else that is not printable (C1, bidirectional overrides,
    zero-width and private characters, lone surrogates) becomes ‹U+202E›. With `multiline`, line feeds stay.
    """
    shown = text[: limit + 1]  # so that a text of 10 MB costs no more than a short one
    if multiline:
        shown = shown.replace("\r\n", "\n").expandtabs(4)
    if not shown.isprintable():
        shown = "".join(_visible(character, multiline) for character in shown)
    whole = len(text) <= limit and len(shown) <= limit
    return shown if whole else shown[: limit - 1] + "…"


def _visible(character: str, multiline: bool) -> str:
    if character.isprintable() or character in _JOINERS or (multiline and character == "\n"):
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return character if unicodedata.category(character) == "Zs" else f"‹U+{code:04X}›"


def score(value: float) -> str:
    """A score in [0, 1]: `0.912`."""
    return f"{value:.3f}"


def short_score(value: float) -> str:
    """A single case's score: `1`, `0.67`."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def change(before: float, after: float) -> str:
    """How a single case's score changed: `1 → 0.67`."""
    return f"{short_score(before)} → {short_score(after)}"


def points(difference: float) -> str:
    """A difference of scores in percentage points, with a true minus sign: `−4.1`, `+0.8`, `0.0`, `−100`."""
    text = f"{abs(difference) * 100:.1f}"
    if text == "0.0":  # what is not nothing does not look like it: an interval may end just below 0
        text = f"{abs(difference) * 100:.2f}"
    if float(text) == 0.0:
        return "0.0"
    text = "100" if text == "100.0" else text
    return ("−" if difference < 0 else "+") + text


def interval(bounds: tuple[float, float]) -> str:
    """An interval in percentage points: `[−6.3, −1.9]`."""
    return f"[{points(bounds[0])}, {points(bounds[1])}]"


def percent(share: float) -> str:
    """A share: `47 %`, below one percent `0.4 %`."""
    digits = 1 if 0 < abs(share) < 0.00995 else 0
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def alpha(level: float) -> str:
    """What a try is charged: `α 0.25 %`."""
    return f"α {100 * level:.2g} %"


def e_value(value: float) -> str:
    """An e-value: `0.031`, `57.2`, `1,240`; beyond a million only its size."""
    if value < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value < 1e6 else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")


def bits(facts: VariantFacts) -> str:
    """Real bits per weight: `8.5 bits`; empty where nobody knows."""
    return "" if facts.bits_per_weight is None else f"{bits_number(facts)} bits"


def bits_number(facts: VariantFacts) -> str:
    """Real bits per weight as a number: `8.5`; a dash where nobody knows."""
    return "–" if facts.bits_per_weight is None else f"{facts.bits_per_weight:.3g}"


def precision(facts: VariantFacts) -> str:
    """The quantization's label with the real bits per weight: `q8_0, 8.5 bits`."""
    return ", ".join(part for part in (safe(facts.quantization, 40), bits(facts)) if part)


def is_told_by_id(facts: VariantFacts) -> bool:
    """True when the id has said the quantization, as `acme-int4` has."""
    return bool(facts.quantization) and facts.quantization in facts.id


def precision_beside_id(facts: VariantFacts) -> str:
    """The precision where it stands beside the variant's id: what the id has said is left out."""
    return bits(facts) or "bits unknown" if is_told_by_id(facts) else precision(facts)


def margin(board: OperationBoard) -> str:
    """The margin in percentage points: `5 pp`, `0.5 pp`."""
    return f"{board.policy.margin * 100:.3g} pp"


def family(board: OperationBoard) -> str:
    """What green is corrected for: `family of 7`, everybody who was ever ruled on for the operation."""
    return f"family of {board.family}" if board.policy.control == "family" else "each variant on its own"


def claim(board: OperationBoard) -> str:
    """What the proof is about; a suite whose answers change from call to call is analysed as a sample."""
    claimed = safe(board.policy.claim)
    return claimed if claimed == board.analysis else f"{claimed}, by expected scores: the baseline's answers change"


def control_variate(board: OperationBoard) -> str:
    """What it was worth that the baseline's scores were known beforehand; empty where they were not."""
    used = [each.control_variate for each in board.verdicts if each.control_variate is not None]
    if not used:
        return ""
    needed = f"{sum(each.decisive for each in used)} of {counted(len(used), 'verdict')}"
    return f"control variate (baseline known beforehand): needed for {needed}"


def outcome(verdict: Verdict) -> str:
    """The verdict in a word: a red that is not proven to be beyond the margin is called `worse`."""
    return verdict.word


def age(duration: timedelta) -> str:
    """A duration in its two largest units: `6 d 23 h`, `4 min 10 s`."""
    seconds = max(0, int(duration.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    units = [f"{days} d", f"{hours} h", f"{minutes} min", f"{seconds % 60} s"]
    first = next((number for number, part in enumerate(units) if not part.startswith("0 ")), len(units) - 1)
    largest, *smaller = units[first : first + 2]
    return " ".join([largest, *(part for part in smaller if not part.startswith("0 "))])


def counted(count: int, noun: str) -> str:
    """`1 case`, `9,600 cases`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def is_illustrative(board: OperationBoard, verdict: Verdict) -> bool:
    """True unless both prices that a saving rests on are listed ones."""
    return {verdict.variant.price_basis, board.baseline.price_basis} != {"listed"}


def is_estimated(verdict: Verdict) -> bool:
    """True when a saving is known, but not all tokens that it rests on were counted."""
    counted_on_both = {verdict.usage.tokens, verdict.baseline_usage.tokens} == {"counted"}
    return verdict.saving is not None and not counted_on_both


def saving(board: OperationBoard, verdict: Verdict) -> str:
    """The share of cost saved, marked where prices are illustrative; a dash where the baseline costs nothing."""
    if verdict.saving is None:
        return "–"
    return (
        (ESTIMATED if is_estimated(verdict) else "")
        + percent(verdict.saving)
        + (ILLUSTRATIVE if is_illustrative(board, verdict) else "")
    )


def cheapest_green(board: OperationBoard) -> Verdict | None:
    """The green variant that saves most."""
    greens = [verdict for verdict in board.verdicts if verdict.outcome == "green" and verdict.saving is not None]
    return max(greens, key=lambda verdict: verdict.saving or 0.0, default=None)


def truncates_more(verdict: Verdict) -> bool:
    """True when the token limit cuts off notably more of the variant's answers than of the baseline's."""
    return verdict.usage.truncated - verdict.baseline_usage.truncated >= _NOTABLE_TRUNCATION


def truncation(verdict: Verdict) -> str:
    """The share of truncated answers: `94 % of answers truncated (baseline 1 %)`."""
    variant, baseline = verdict.usage.truncated, verdict.baseline_usage.truncated
    return f"{percent(variant)} of answers truncated (baseline {percent(baseline)})"


def remarks(verdict: Verdict) -> list[str]:
    """What has to be said beside the numbers, if anything: truncation, failed calls, the gate's note."""
    said = []
    if truncates_more(verdict):
        said.append(truncation(verdict))
    if failed := verdict.usage.failed:
        said.append(f"{counted(failed, 'call')} failed")
    said += [safe(each, 200) for each in verdict.suspicions]
    if silent := kinds(verdict.usage):
        said.append(f"{silent} of {counted(verdict.usage.answers, 'answer')}")
    if silent := kinds(verdict.baseline_usage):
        said.append(f"baseline: {silent} of {counted(verdict.baseline_usage.answers, 'answer')}")
    if max(verdict.usage.reasoning, verdict.baseline_usage.reasoning) > 0:
        baseline = percent(verdict.baseline_usage.reasoning)
        said.append(f"{percent(verdict.usage.reasoning)} of what was said is reasoning (baseline {baseline})")
    if verdict.trying.number > 1:
        said.append(f"try {verdict.trying.number}, charged {alpha(verdict.trying.level)}")
    if verdict.note:
        said.append(safe(verdict.note, 200))
    if (control := verdict.control_variate) and control.decisive:
        said.append(f"without the control variate not proven yet: e-value {e_value(control.e_without)}")
    return said


def kinds(usage: Usage) -> str:
    """How many answers are no text, by kind: `3 empty, 1 filtered`; those that failed are told apart."""
    silent = {kind: count for kind, count in usage.kinds.items() if kind not in ("text", "failed") and count}
    return ", ".join(f"{count:,} {_KINDS.get(kind, safe(kind, 40))}" for kind, count in silent.items())


def levels(board: OperationBoard) -> str:
    """The level of the confidence sequences: `90 %`."""
    return " / ".join(sorted({percent(metric.level) for verdict in board.verdicts for metric in verdict.metrics}))


def baseline_truncated(board: OperationBoard) -> float:
    """The share of the baseline's answers that the token limit cut off, over the most cases that it was asked."""
    return max(board.verdicts, key=lambda verdict: verdict.cases).baseline_usage.truncated if board.verdicts else 0.0


def by_precision(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """From the most bits per weight to the fewest, unknown ones last; the dearer first among equals."""

    def key(verdict: Verdict) -> tuple[bool, float, float, str]:
        facts = verdict.variant
        return facts.bits_per_weight is None, -(facts.bits_per_weight or 0), -(verdict.usage.cost_usd or 0), facts.id

    return sorted(verdicts, key=key)
