"""How long a large drift report takes, and in how much memory: 50 operations × 20 variants × 1,000 cases.

    python benchmarks/report.py                          # makes the store (a gigabyte, minutes), writes the report
    python benchmarks/report.py --operations 5           # a tenth of it
    python benchmarks/report.py --keep FOLDER            # keeps the store, and takes it up again

Answers, scores and two runs of boards are put into the store directly, as a check would have left them; the report is
then written by the command, in a process of its own, whose time and peak memory are told.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson
import sqlalchemy as sa

from evalgate.catalog import load_catalog
from evalgate.facts import VariantFacts
from evalgate.gate import (
    BaselineCheck,
    Board,
    Flip,
    MetricEvidence,
    OperationBoard,
    Point,
    Policy,
    Trying,
    Usage,
    Verdict,
)
from evalgate.store import answer_key, open_store, schema
from evalgate.suite import Suite, load_suite

MODEL = "bench-70b"
MARGIN = 0.05
AT = 1_790_000_000.0
WORDS = ["order", "parcel", "refund", "invoice", "account", "password", "delivery", "address", "payment", "login"]


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / "store.db").exists():
            began = time.perf_counter()
            _make(place, arguments.operations, arguments.variants, arguments.cases)
            print(f"store made in {time.perf_counter() - began:.0f} s")
        size = sum(each.stat().st_size for each in place.glob("store.db*"))
        command = [sys.executable, "-m", "evalgate", "report", "-o", "report", "--store", "store.db"]
        command += ["--comment", "summary.md", *(["--pdf", "report.pdf"] if arguments.pdf else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        began = time.perf_counter()
        subprocess.run(command, check=True, cwd=place, env=environment, stdout=subprocess.DEVNULL)
        wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        pages = list((place / "report").glob("*.html"))
        written = sum(page.stat().st_size for page in pages)
        print(f"store {size / 1e6:,.0f} MB · report of {len(pages):,} pages, {written / 1e6:,.0f} MB")
        print(f"{wall:.1f} s · {used.ru_utime + used.ru_stime:.1f} CPU-s · peak {used.ru_maxrss / 1024:,.0f} MiB")
        print(f"board page {(place / 'report' / 'index.html').stat().st_size / 1e3:,.0f} kB", end=" · ")
        print(f"largest page {max(p.stat().st_size for p in pages) / 1e3:,.0f} kB", end=" · ")
        print(f"summary {(place / 'summary.md').stat().st_size / 1024:,.1f} KiB")


def _make(place: Path, operations: int, variants: int, cases: int) -> None:
    _write_catalog(place, variants)
    catalog = load_catalog(place / "catalog.yaml")
    names = [f"variant-{n:02}" for n in range(variants)]
    facts = {each: VariantFacts.of(catalog.endpoints(MODEL)[each]) for each in ("full", *names)}
    boards: list[list[OperationBoard]] = [[], []]
    with open_store(str(place / "making.db")) as store:
        for number in range(operations):
            suite = load_suite(_write_suite(place, number, cases))
            rng = np.random.default_rng(number)
            judged = {name: _scores(rng, n, cases) for n, name in enumerate(names)}
            baseline = (rng.random(cases) < 0.85).astype(float)
            store.write(lambda connection: _insert(connection, suite, facts, baseline, judged))  # noqa: B023
            for board, share in zip(boards, (0.7, 1.0), strict=True):
                board.append(_board(suite, place, facts, baseline, judged, int(cases * share)))
        for n, each in enumerate(boards):
            made = Board(f"2026092{n}-120000-{n:04x}", AT + n * 86400, 1_000_000, tuple(each))
            store.record_run(made.run, made.at, made.to_json())
    (place / "making.db").rename(place / "store.db")


def _write_catalog(place: Path, variants: int) -> None:
    lines = ["version: 1", "providers:", "  - {id: bench, base_url: 'http://127.0.0.1:9/v1'}", "models:"]
    lines += [f"  - id: {MODEL}", "    variants:"]
    lines.append("      - {id: full, provider: bench, quantization: bf16, price: {input: 0.9, output: 0.9}}")
    for n in range(variants):
        price = f"{0.8 - 0.03 * n:.2f}"
        lines.append(
            f"      - {{id: variant-{n:02}, provider: bench, served_as: m{n}, quantization: q{n}, "
            f"price: {{input: {price}, output: {price}}}}}"
        )
    (place / "catalog.yaml").write_text("\n".join(lines) + "\n")


def _write_suite(place: Path, number: int, cases: int) -> Path:
    rng = random.Random(number)
    folder = place / "suites"
    folder.mkdir(exist_ok=True)
    with (folder / f"operation_{number:02}.jsonl").open("w") as file:
        for n in range(cases):
            text = " ".join(rng.choices(WORDS, k=12)) + f" {rng.getrandbits(64):x} {rng.getrandbits(64):x}"
            metadata = {"kind": rng.choice(WORDS[:4]), "length": rng.choice(["short", "long"])}
            row = {"id": f"c{number}-{n:04}", "input": text, "target": rng.choice(WORDS), "metadata": metadata}
            file.write(json.dumps(row) + "\n")
    path = folder / f"operation_{number:02}.yaml"
    path.write_text(
        f"version: 1\noperation: operation_{number:02}\nmodel: {MODEL}\nbaseline: full\n"
        f"cases: operation_{number:02}.jsonl\n"
        'prompt: [{role: system, content: "One word."}, {role: user, content: "{{ input }}"}]\n'
        f"generation: {{temperature: 0, max_tokens: 16}}\nassert: [{{type: exact}}]\ngate: {{margin: {MARGIN}}}\n"
    )
    return path


def _scores(rng: np.random.Generator, worse: int, cases: int) -> np.ndarray:
    """Which cases flip: +1 fixed, −1 broken."""
    rate = 0.01 + 0.012 * worse
    return rng.choice([-1.0, 0.0, 1.0], cases, p=[rate, 1 - 1.5 * rate, rate / 2])


def _insert(connection, suite: Suite, facts, baseline, judged) -> None:  # noqa: ANN001  # see the caller
    requests = [suite.request(case).hash for case in suite.cases]
    sides = {"full": np.zeros(len(requests)), **judged}
    rows, bodies, scores = [], [], []
    for name, moved in sides.items():
        config = facts[name].config
        for n, (case, request) in enumerate(zip(suite.cases, requests, strict=True)):
            key, score = answer_key(request, config, 0), float(np.clip(baseline[n] + moved[n], 0, 1))
            text = f"{case.target} {n}" if moved[n] >= 0 else f"something else than {n}"
            tokens, latency = 4 + n % 9, 80.0 + (n * 37) % 400
            rows.append((key, request, config, 0, name, AT, "stop", 60, tokens, latency, 60_000_000))
            bodies.append((key, orjson.dumps({"text": text})))
            scores.append((key, "sha256:bench", "score", score))
    raw = connection.connection.driver_connection
    for table, values in (("answers", rows), ("bodies", bodies), ("scores", scores)):
        marks = ",".join("?" * len(values[0]))
        raw.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
    assert schema.answers.name == "answers"
    assert isinstance(connection, sa.Connection)


def _board(suite: Suite, place: Path, facts, baseline, judged, used: int) -> OperationBoard:  # noqa: ANN001
    ids = [case.id for case in suite.cases[:used]]
    verdicts = [_verdict(facts[name], facts["full"], baseline, moved, ids) for name, moved in judged.items()]
    policy = Policy(
        margin=MARGIN, alpha=0.05, beta=0.05, red_margin=0.0, claim="traffic", control="family", metrics=("score",),
        min_score={}, baseline_check=True, unit="case", cluster_weight="cases", repeats=1, seed=1,
        valid_seconds=604_800, on_inconclusive="fail",
    )  # fmt: skip
    return OperationBoard(
        operation=suite.operation,
        model=MODEL,
        suite=str(suite.path.relative_to(place)),
        suite_hash=suite.hash,
        grading_hash="sha256:bench",
        policy=policy,
        analysis="traffic",
        baseline=facts["full"],
        baseline_check=BaselineCheck("green", 78, 0.0),
        family=len(verdicts),
        available=len(suite.cases),
        verdicts=tuple(verdicts),
    )


def _verdict(who: VariantFacts, full: VariantFacts, baseline: np.ndarray, moved: np.ndarray, ids: list[str]) -> Verdict:
    n = len(ids)
    score = np.clip(baseline[:n] + moved[:n], 0, 1)
    changed = score - baseline[:n]
    means = np.cumsum(changed) / np.arange(1, n + 1)
    reach = 1.2 / np.sqrt(np.arange(1, n + 1))
    shown = sorted({*range(0, n, max(1, n // 120)), n - 1})
    delta, ends = float(means[-1]), (float(means[-1] - reach[-1]), float(means[-1] + reach[-1]))
    outcome = "green" if ends[0] > -MARGIN else "red" if ends[1] < 0 else "inconclusive"
    flips = tuple(
        Flip(ids[at], "score", float(baseline[at]), float(score[at])) for at in np.flatnonzero(changed).tolist()
    )
    metric = MetricEvidence(
        "score", float(baseline[:n].mean()), float(score.mean()), delta, ends, 0.9, 30.0, 30.0,
        int((changed < 0).sum()), int((changed > 0).sum()),
        tuple(Point(i + 1, float(means[i]), float(means[i] - reach[i]), float(means[i] + reach[i])) for i in shown),
    )  # fmt: skip
    reason = f"{outcome} at n={n}"
    return Verdict(
        who, outcome, "open" if outcome == "inconclusive" else "proven", reason, "", n, 140.0, 30.0,
        outcome == "red" and ends[1] < -MARGIN, Trying(1, 0.05, 0), (metric,), (), _usage(who, n), _usage(full, n),
        (), flips,
    )  # fmt: skip


def _usage(who: VariantFacts, n: int) -> Usage:
    cost = float(who.price_input) * 68 / 1e6
    return Usage(n, 0, 0.0, {"text": n}, 60.0, 8.0, "counted", cost, 280.0, 0.0, AT)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("operations", 50), ("variants", 20), ("cases", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=Path, help="make the store here and keep it")
    parser.add_argument("--pdf", action="store_true", help="write the PDF as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
