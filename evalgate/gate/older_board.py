"""Boards that an older release wrote, brought into the form of today: a store keeps its history through an upgrade."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.exchange import JsonValue

_POLICY = (
    "margin",
    "alpha",
    "beta",
    "claim",
    "control",
    "repeats",
    "seed",
    "valid_seconds",
    "on_inconclusive",
    "unit",
)


def brought_up_to_date(board: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """`board` as `Board` has it now; what the older form did not say is what it was then."""
    operations = board.get("operations")
    if not isinstance(operations, list):
        return dict(board)
    return {**board, "operations": [_operation(each) for each in operations]}


def _operation(each: JsonValue) -> JsonValue:
    if not isinstance(each, dict) or "policy" in each:
        return each
    verdicts = each.get("verdicts")
    policy: dict[str, JsonValue] = {name: each[name] for name in _POLICY if name in each}
    first = verdicts[0] if isinstance(verdicts, list) and verdicts else {}
    metrics = first.get("metrics") if isinstance(first, dict) else []
    policy |= {
        "red_margin": 0.0,
        "metrics": [metric["metric"] for metric in metrics if isinstance(metric, dict)]
        if isinstance(metrics, list)
        else [],
        "min_score": {},
        "baseline_check": each.get("baseline_check") is not None,
        "cluster_weight": "equal",
    }
    kept = {name: value for name, value in each.items() if name not in _POLICY}
    told = [_verdict(verdict, policy) for verdict in verdicts] if isinstance(verdicts, list) else verdicts
    return {**kept, "policy": policy, "analysis": policy.get("claim"), "verdicts": told}


def _verdict(verdict: JsonValue, policy: Mapping[str, JsonValue]) -> JsonValue:
    if not isinstance(verdict, dict):
        return verdict
    decided = verdict.get("outcome") != "inconclusive"
    return {
        **verdict,
        "cause": "proven" if decided else "open",
        "e_value": 0.0,
        "beyond_margin": False,
        "trying": {"number": 1, "level": policy.get("alpha"), "arrival": 0},
        "suspicions": [],
        "usage": _usage(verdict.get("usage")),
        "baseline_usage": _usage(verdict.get("baseline_usage")),
    }


def _usage(usage: JsonValue) -> JsonValue:
    """Zero tokens meant that nobody had counted."""
    if not isinstance(usage, dict):
        return usage
    known = bool(usage.get("input_tokens"))
    unknown: dict[str, JsonValue] = {} if known else {"input_tokens": None, "output_tokens": None, "cost_usd": None}
    return {**usage, **unknown, "kinds": {}, "tokens": "counted" if known else "unknown", "reasoning": 0.0}
