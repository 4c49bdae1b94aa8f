"""Says what the K2 Vendor Verifier says of a vendor, by evalgate's grader of tool calls, on its own files.

    python benchmarks/vendor_verifier.py VENDOR.jsonl [OFFICIAL.jsonl]

Both are `results.jsonl` as MoonshotAI/K2-Vendor-Verifier writes them: one row per request with `data_index`, `request`,
`response`, `status` and `finish_reason`. Its definitions (README and `tool_calls_eval.py` there):

- schema accuracy: of the answers that end in tool calls, those in which every call fits its tool's schema;
- tool_call_f1: F1 of "ends in tool calls" on the requests that both answered, the official endpoint being right;
- similarity (September 2025): 1 minus the distance of the five counts to the official ones, by the requests.

What evalgate adds is the kind of fault. The published rows are counts of files that are not kept in git; the table of
counts is (`data/k2vv_results.json`), and tests hold these definitions to it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evalgate.exchange import Answer, JsonValue
from evalgate.facts.triggers import Triggers
from evalgate.graders.tools import Fault, calls_of, fault_of, tools_of


@dataclass(frozen=True)
class Counts:
    """What the verifier counts of one vendor, by its names, and the faults of its calls."""

    finish_stop: int
    finish_tool_calls: int
    finish_others: int
    schema_validation_error_count: int
    successful_tool_call_count: int
    faults: Mapping[Fault, int]

    @property
    def schema_accuracy(self) -> float | None:
        """Share of the answers that end in tool calls; None where none does."""
        return self.successful_tool_call_count / self.finish_tool_calls if self.finish_tool_calls else None

    def similarity(self, official: Counts, requests: int) -> float:
        """As published on 2025-09-22."""
        ours, theirs = (
            (
                each.finish_stop,
                each.finish_tool_calls,
                each.finish_others,
                each.schema_validation_error_count,
                each.successful_tool_call_count,
            )
            for each in (self, official)
        )
        return 1 - math.dist(ours, theirs) / requests


def rows_of(path: Path) -> Iterator[dict[str, JsonValue]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def counts_of(rows: Iterable[Mapping[str, JsonValue]]) -> Counts:
    finished: Counter[str] = Counter()
    faults: Counter[Fault] = Counter()
    valid = 0
    for row in rows:
        reason = row.get("finish_reason")
        finished["others" if reason and reason not in ("stop", "tool_calls") else str(reason)] += 1
        if reason == "tool_calls":
            request = row.get("request")
            calls = calls_of(_answer(row.get("response")))
            tools = tools_of(request if isinstance(request, dict) else {})
            found = [fault for call in calls if (fault := fault_of(call, tools))]
            valid += bool(calls) and not found
            faults.update(found)
    triggered = finished["tool_calls"]
    return Counts(finished["stop"], triggered, finished["others"], triggered - valid, valid, faults)


def _answer(response: JsonValue) -> Answer:
    choices = response.get("choices") if isinstance(response, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    made = message.get("tool_calls") if isinstance(message, dict) else None
    return Answer("", "tool_calls", details={"tool_calls": made})


def triggers_of(vendor: Iterable[Mapping[str, JsonValue]], official: Iterable[Mapping[str, JsonValue]]) -> Triggers:
    """Paired by `data_index`; a request that one of them did not answer is left out."""
    ours, theirs = (
        {str(row["data_index"]): row["finish_reason"] == "tool_calls" for row in rows if row.get("finish_reason")}
        for rows in (vendor, official)
    )
    return Triggers.of((ours[index], theirs[index]) for index in ours.keys() & theirs.keys())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vendor", type=Path)
    parser.add_argument("official", type=Path, nargs="?")
    options = parser.parse_args()
    counts = counts_of(rows_of(options.vendor))
    print(f"stop {counts.finish_stop} · tool_calls {counts.finish_tool_calls} · others {counts.finish_others}")
    if counts.schema_accuracy is not None:
        valid, made = counts.successful_tool_call_count, counts.finish_tool_calls
        print(f"schema_accuracy {100 * counts.schema_accuracy:.2f}% ({valid} of {made})")
    for fault, count in sorted(counts.faults.items()):
        print(f"  {fault} {count}")
    if options.official is not None:
        f1 = triggers_of(rows_of(options.vendor), rows_of(options.official)).f1
        print(f"tool_call_f1 {'none' if f1 is None else f'{100 * f1:.2f}%'}")


if __name__ == "__main__":
    main()
