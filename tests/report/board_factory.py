"""Boards as a run would leave them: simulated answers, the e-processes of STATISTICS.md §2, and hostile texts.

The simulation stands on its own two feet (it does not call `evalgate.stats`), so that a report is tested with what a
board may say and not with what today's statistics happen to say.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evalgate.exchange import Answer
from evalgate.gate import (
    BaselineCheck,
    Board,
    Flip,
    MetricEvidence,
    OperationBoard,
    Outcome,
    Point,
    Policy,
    Trying,
    Usage,
    VariantFacts,
    Verdict,
)
from evalgate.report.side_by_side import Pair

MODEL = "smollm2-135m-instruct"
BASELINE_TRUNCATED = 0.01
# id, label, bits per weight
LAB = (
    ("lab-q8_0", "q8_0", 8.5),
    ("lab-q6_k", "q6_k", 8.06),
    ("lab-q4_k_m", "q4_k_m", 6.21),
    ("lab-q4_0", "q4_0", 5.4),
    ("lab-q3_k_s", "q3_k_s", 5.16),
    ("lab-f16-short", "f16", 16.0),
    ("lab-mxfp4", "mxfp4", 4.28),
)
# per operation: the baseline's score, and for each of LAB the share of cases that break and that are fixed
OPERATIONS = {
    "classify_feedback": (
        0.79,
        [(0.01, 0.012), (0.02, 0.02), (0.11, 0.03), (0.12, 0.06), (0.22, 0.06), (0, 0), (0.08, 0.07)],
    ),
    "add_numbers": (
        0.53,
        [(0.012, 0.01), (0.03, 0.02), (0.09, 0.05), (0.26, 0.04), (0.30, 0.04), (0.02, 0.02), (0.38, 0.02)],
    ),
    "extract_order": (
        0.70,
        [(0.01, 0.03), (0.04, 0.015), (0.12, 0.05), (0.18, 0.05), (0.33, 0.05), (0.55, 0.0), (0.69, 0.0)],
    ),
    "recall_fact": (0.67, [(0.01, 0.01), (0.02, 0.03), (0.04, 0.04), (0.05, 0.06), (0.18, 0.04), (0, 0), (0.32, 0.03)]),
}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u202c [bold red]markup[/] :boom: $\\frac{1}{0}$ {{ 7*7 }} {% raw %}",
    "wide " + "w" * 10_000,
    "",
    "nul \x00 bell \a back \b c1 \x9b31m tag \U000e0041 surrogate \ud800 noncharacter \uffff",
    "]]></svg></style><!-- &amp; '",
)


def facts(variant: str, label: str, bits: float | None, *, basis: str = "illustrative") -> VariantFacts:
    """A variant whose price follows its bits."""
    price = (bits or 6) / 100 * (0.5 if variant.endswith("short") else 1)
    return VariantFacts(
        id=variant,
        provider="lab",
        path="direct",
        tag=variant.replace("-", "/", 1),
        quantization=label,
        quantization_source="measured",
        bits_per_weight=bits,
        config=f"sha256:{variant}",
        price_input=f"{price:.4f}",
        price_output=f"{2 * price:.4f}",
        price_basis=basis,
    )


def usage(variant: VariantFacts, cases: int, *, truncated: float, failed: int = 0) -> Usage:
    """200 tokens in, 6 out, at the variant's price."""
    cost = (float(variant.price_input) * 200 + float(variant.price_output) * 6) / 1e6
    kinds = {"failed": failed, "text": cases - failed}
    return Usage(cases, failed, truncated, kinds, 200.0, 6.0, "counted", cost, 84.0, 0.0, 1_763_800_000.0)


def evidence(name: str, baseline: np.ndarray, differences: np.ndarray, margin: float, alpha: float) -> MetricEvidence:
    """The evidence on one metric; the confidence sequence inverts a betting e-process over a grid of means."""
    count = np.arange(1, differences.size + 1)
    means = np.cumsum(differences) / count
    grid = np.linspace(-1, 1, 401)
    spread = np.concatenate([[0], np.cumsum(differences**2)[:-1]])
    stake = np.minimum(margin / ((spread + 1.5) / (count + 19)), 0.45)[:, None]
    away = np.cumsum(np.log1p(stake * (differences[:, None] - grid)), axis=0) >= math.log(1 / alpha)
    below = np.cumsum(np.log1p(-stake * (differences[:, None] - grid)), axis=0) >= math.log(1 / alpha)
    lower = np.maximum.accumulate(np.where(away, grid, -1).max(axis=1))
    upper = np.minimum.accumulate(np.where(below, grid, 1).min(axis=1))
    green, red = e_values(differences, margin)
    shown = sorted({*range(0, differences.size, max(1, differences.size // 120)), differences.size - 1})
    return MetricEvidence(
        metric=name,
        baseline_score=float(baseline.mean()),
        variant_score=float((baseline + differences).mean()),
        delta=float(means[-1]),
        interval=(float(lower[-1]), float(upper[-1])),
        level=1 - 2 * alpha,
        e_green=float(green.max()),
        e_red=float(red.max()),
        broke=int((differences < 0).sum()),
        fixed=int((differences > 0).sum()),
        course=tuple(Point(i + 1, float(means[i]), float(lower[i]), float(upper[i])) for i in shown),
    )


def e_values(differences: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """The TGRO e-processes for green and red."""
    squares = np.concatenate([[0], np.cumsum(differences**2)[:-1]])
    seen = np.arange(differences.size)
    rate = (squares + 20 * 0.05) / (seen + 20)
    a, b = margin * (1 - margin**2), rate - 2 * margin**2
    stake = np.minimum((-b + np.sqrt(b**2 + 4 * a * margin)) / (2 * a), 0.9 / (1 - margin))
    red_stake = np.minimum(margin / ((squares + 20 * 0.1) / (seen + 20)), 0.9)
    return np.cumprod(1 + stake * (differences + margin)), np.cumprod(1 - red_stake * differences)


def verdict(
    rng: np.random.Generator,
    variant: VariantFacts,
    baseline: VariantFacts,
    *,
    level: float,
    broke: float,
    fixed: float,
    metrics: tuple[str, ...] = ("score",),
    available: int = 600,
    margin: float = 0.05,
    alpha: float = 0.05,
    needed: float = 140.0,
) -> Verdict:
    """Simulate one variant and judge it as the gate would."""
    scores, differences = {}, {}
    for number, name in enumerate(metrics):
        kept = level if number == 0 else 0.97
        base = (rng.random(available) < kept).astype(float)
        if number == 0 and len(metrics) > 1:  # shares of fields
            base = np.where(base == 1, 1.0, rng.choice([0.0, 1 / 3, 2 / 3], available))
        draw = rng.random(available)
        scale = 1 if number == 0 else 0.4
        down = np.where((base > 0) & (draw < broke * scale / kept), -base, 0.0)
        up = np.where((base < 1) & (draw < fixed * scale / max(1 - kept, 0.05)), 1 - base, 0.0)
        scores[name], differences[name] = base, down + up
    paths = [e_values(values, margin) for values in differences.values()]
    green = np.minimum.reduce([path[0] for path in paths])
    red = np.maximum.reduce([path[1] for path in paths])
    green_at = int(np.argmax(green >= needed)) + 1 if green.max() >= needed else math.inf
    red_at = int(np.argmax(red >= len(metrics) / alpha)) + 1 if red.max() >= len(metrics) / alpha else math.inf
    cases = int(min(green_at, red_at, available))
    outcome: Outcome = (
        "green" if green_at <= red_at and green_at <= available else "red" if red_at <= available else "inconclusive"
    )
    told = tuple(evidence(name, scores[name][:cases], differences[name][:cases], margin, alpha) for name in metrics)
    flips = []
    for index in range(cases):
        for name in metrics:
            if differences[name][index]:
                score = float(scores[name][index])
                flips.append(Flip(f"case-{index:04d}", name, score, score + float(differences[name][index])))
                break
    note = ""
    if outcome == "inconclusive" and green.max() >= 1 / alpha:
        note = f"proven on its own (e-value ≥ {1 / alpha:g}), but not among so many"
    short = variant.id.endswith("short") and broke > 0.5
    return Verdict(
        variant=variant,
        outcome=outcome,
        cause="open" if outcome == "inconclusive" else "proven",
        reason=f"neither proven after all {cases} cases (e-value for green {green.max():.3g}, {needed:g} needed)"
        if outcome == "inconclusive"
        else f"{outcome} at n={cases}",
        note=note,
        cases=cases,
        e_needed=needed,
        e_value=float(green[cases - 1]),
        beyond_margin=outcome == "red" and any(metric.interval[1] < -margin for metric in told),
        trying=Trying(1, alpha, 0),
        metrics=told,
        diagnostics=(),
        usage=usage(variant, cases, truncated=0.94 if short else BASELINE_TRUNCATED, failed=3 if broke > 0.6 else 0),
        baseline_usage=usage(baseline, cases, truncated=BASELINE_TRUNCATED),
        suspicions=(),
        flips=tuple(flips),
    )


def operation_board(name: str, *, seed: int = 7, model: str = MODEL, basis: str = "illustrative") -> OperationBoard:
    """One of `OPERATIONS`, simulated."""
    level, rates = OPERATIONS[name]
    rng = np.random.default_rng([seed, len(name)])
    baseline = facts("lab-f16", "f16", 16.0, basis=basis)
    metrics = ("score", "valid_json") if name == "extract_order" else ("score",)
    verdicts = [
        verdict(rng, facts(*who, basis=basis), baseline, level=level, broke=broke, fixed=fixed, metrics=metrics)
        for who, (broke, fixed) in zip(LAB, rates, strict=True)
    ]
    return OperationBoard(
        operation=name,
        model=model,
        suite=f"suites/{name}.yaml",
        suite_hash="sha256:5c1b0f",
        grading_hash="sha256:77aa01",
        baseline=baseline,
        baseline_check=BaselineCheck("green", 72, 0.0),
        policy=Policy(
            margin=0.05,
            alpha=0.05,
            beta=0.05,
            red_margin=0.0,
            claim="traffic",
            control="family",
            metrics=metrics,
            min_score={},
            baseline_check=True,
            unit="case",
            cluster_weight="cases",
            repeats=1,
            seed=1,
            valid_seconds=604_800,
            on_inconclusive="fail",
        ),
        analysis="traffic",
        family=len(verdicts),
        available=600,
        verdicts=tuple(verdicts),
    )


def board() -> Board:
    """Four operations, seven variants each, as the lab has them."""
    return Board("run-20251123-1a2b", 1_763_900_000.0, 9_614, tuple(operation_board(name) for name in OPERATIONS))


def hostile_board() -> Board:
    """A board whose every text is an attack, with a dearer variant, unknown bits, and a baseline that costs nothing."""
    template = operation_board("extract_order")
    verdicts = []
    for number, (text, each) in enumerate(zip(HOSTILE, template.verdicts * 2, strict=False)):
        who = replace(
            each.variant, id=text, provider=text, quantization=text, tag=text, path=text, bits_per_weight=None
        )
        verdicts.append(
            replace(
                each,
                variant=who,
                reason=text,
                note=text,
                metrics=tuple(replace(metric, metric=f"{text}{n}") for n, metric in enumerate(each.metrics)),
                flips=tuple(replace(flip, case_id=text, metric=text) for flip in each.flips),
                baseline_usage=replace(
                    each.baseline_usage, cost_usd=(each.baseline_usage.cost_usd or 0.0) * (number % 3) / 2
                ),
                suspicions=(text,),
            )
        )
    names = {name: HOSTILE[n] for n, name in enumerate(("operation", "model", "suite", "suite_hash"))}
    hostile = replace(template, verdicts=tuple(verdicts), baseline=replace(template.baseline, id=HOSTILE[0]), **names)
    return Board(HOSTILE[0], 1_763_900_000.0, 1, (hostile, operation_board("recall_fact")))


_WRONG = {
    "classify_feedback": ("The garage was late, but its staff\nwon us over.", "positive", "positive", "negative"),
    "add_numbers": ({"a": 86, "b": 9}, 95, "95", "93"),
    "extract_order": (
        "The website did not load. Please put down 27 mirrors for Chen, who will pick them up on Monday.",
        {"name": "Chen", "item": "mirrors", "quantity": 27},
        '{"name": "Chen", "item": "mirrors", "quantity": 27}',
        '{"name": "Chen", "item": "mirror frames", "quantity": 2}',
    ),
    "recall_fact": ("What is the capital of Angola?", "Luanda", "Luanda", "Lagos, the capital of Angola"),
}


def pairs(board: OperationBoard, judged: Verdict) -> list[Pair]:
    """An answer of each side for every flip; hostile operations get hostile answers."""
    found = []
    for number, flip in enumerate(judged.flips):
        if board.operation in _WRONG:
            question, target, right, wrong = _WRONG[board.operation]
        else:
            question = target = right = HOSTILE[number % len(HOSTILE)]
            wrong = HOSTILE[(number + 3) % len(HOSTILE)]
        before, after = (right, wrong) if flip.variant_score < flip.baseline_score else (wrong, right)
        short = judged.usage.truncated > 0.5
        answers = Answer(before, "stop"), Answer(after[:12] if short else after, "length" if short else "stop")
        if number % 9 == 5:
            answers = answers[0], Answer("", "error", error="HTTP 503 after 5 retries")
        found.append(
            Pair(
                flip.case_id,
                question,
                target,
                f"…Text: {question}\nA:",
                flip.metric,
                flip.baseline_score,
                flip.variant_score,
                *answers,
            )
        )
    return found
