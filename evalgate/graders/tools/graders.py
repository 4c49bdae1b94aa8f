"""The graders `tool_calls`, `tool_schema` and `tool_trigger`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial as partial_of
from typing import TYPE_CHECKING, Literal

from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue
from evalgate.formats.canonical import canonical, digest
from evalgate.formats.documents import did_you_mean
from evalgate.graders import ideal
from evalgate.graders.expectations import no_value
from evalgate.graders.json_text import parse_json
from evalgate.graders.normalise import Normalisation
from evalgate.graders.registry import Prepared, Seen, grader
from evalgate.graders.same import Comparison, Tolerance
from evalgate.graders.tools.calls import Call, Fault, Tools, calls_of, fault_of, offered, tools_of
from evalgate.graders.tools.expected import (
    Values,
    example,
    expected_calls,
    is_meant,
    mentions_any,
    problem_with,
)
from evalgate.graders.tools.matching import most_pairs, most_pairs_in_order

if TYPE_CHECKING:
    from evalgate.suite import Suite

Arguments = Literal["value", "schema", "any"]
Order = Literal["any", "given"]
ExtraCalls = Literal["refuse", "allow"]


@dataclass(frozen=True, slots=True)
class Held:
    """The calls of an answer, held against those that were expected.

    `matched` of the `expected` were made as they should be; `faults` counts what is wrong with the others, each call
    once.
    """

    expected: int
    made: int
    matched: int
    faults: Mapping[Fault, int]


def held_against(
    answer: Answer,
    expected: JsonValue,
    tools: Tools,
    *,
    arguments: Arguments = "value",
    order: Order = "any",
    check_format: bool = False,
    values: Values | None = None,
) -> Held:
    """Hold the calls of `answer` against a target that can be used."""
    calls, wanted = calls_of(answer), expected_calls(expected)
    values = values or Values(Comparison(normalise="none"))
    faults = [None if arguments == "any" else fault_of(call, tools, check_format=check_format) for call in calls]

    def is_right(name: str, given: dict[str, JsonValue], at: int) -> bool:
        call = calls[at]
        if call.name != name or faults[at] is not None:
            return False
        return arguments != "value" or is_meant(given, call.arguments, values)  # type: ignore[arg-type]  # no fault: JSON

    fits = [[at for at in range(len(calls)) if is_right(name, given, at)] for name, given in wanted]
    pairs = most_pairs(fits) if order == "any" else most_pairs_in_order(fits, len(calls))
    left = [call for at, call in enumerate(calls) if at not in set(pairs.values())]
    theirs = [fault for at, fault in enumerate(faults) if at not in set(pairs.values())]
    names = [name for at, (name, _) in enumerate(wanted) if at not in pairs]
    return Held(len(wanted), len(calls), len(pairs), _faults(left, theirs, names))


def _faults(left: list[Call], faults: list[Fault | None], names: list[str]) -> Mapping[Fault, int]:
    """What is wrong with the calls that are nobody's, given the names of those that were expected and not made."""
    found: Counter[Fault] = Counter()
    waiting = Counter(names)
    for call, fault in zip(left, faults, strict=True):
        meant = waiting[call.name] > 0
        waiting[call.name] -= meant
        found[fault or ("WrongArguments" if meant else "ExtraCall")] += 1
    # one that was meant for a call and went wrong in its name is told of once
    missing = sum(waiting.values()) - sum(fault == "UnknownName" for fault in faults)
    if missing > 0:
        found["MissingCall"] += missing
    return found


def faults_in(answer: Answer, expected: JsonValue, tools: Tools, options: Mapping[str, object]) -> Mapping[Fault, int]:
    """What is wrong with the calls of an answer, as `tool_calls` with these `options` would hold them against
    `expected`; of calls that nobody said to expect, whether they could be made at all.
    """
    if problem_with(expected):
        calls = calls_of(answer)
        return Counter(fault for call in calls if (fault := fault_of(call, tools)) is not None)
    loosened = {key: options[key] for key in ("normalise", "ignore_case", "tolerance", "unordered") if key in options}
    values = Values(Comparison(**{"normalise": "none", **loosened}), bool(options.get("ignore_punctuation")))  # type: ignore[arg-type]  # were checked when the suite was bound
    how = {key: options[key] for key in ("arguments", "order", "check_format") if key in options}
    return held_against(answer, expected, tools, values=values, **how).faults  # type: ignore[arg-type]  # likewise


def _tools_of(suite: Suite) -> Tools:
    """The tools that the suite offers, none where each case brings its own; raises `InputError` where neither does, or
    one has no usable schema.
    """
    tools = tools_of(suite.parameters)
    if not tools and not suite.offers_tools:
        raise suite.error("missing; a model that is offered no tools calls none", "generation", "tools")
    if unusable := _unusable(tools):
        index, message = unusable
        raise suite.error(message, "generation", "tools", index, "function", "parameters")
    usable: set[str] = set()  # many cases may bring the same
    for case in suite.cases if suite.offers_own_tools else ():
        if not case.tools and not tools:
            message = (
                f"case {case.id!r}: missing; the suite has none either, and a model that is offered none calls none"
            )
            raise InputError(f"{case.place} tools: {message}")
        if not case.tools or (known := digest(case.tools)) in usable:
            continue
        if unusable := _unusable(offered(case, tools)):
            index, message = unusable
            raise InputError(f"{case.place} tools.{index}.function.parameters: {message}")
        usable.add(known)
    return tools


def _unusable(tools: Tools) -> tuple[int, str] | None:
    """The first tool whose schema cannot be used, and why."""
    from evalgate.graders.schema import problem_with as problem_with_schema

    for index, (name, schema) in enumerate(tools.items()):
        if schema and (problem := problem_with_schema(schema, check_format=False)):
            return index, f"the parameters of {name!r}: {problem}"
    return None


def _with_targets(options: Mapping[str, object], suite: Suite, index: int) -> Prepared:
    """Score with the suite's tools; refuses targets that no answer could ever meet."""
    tools, assertion = _tools_of(suite), suite.assertions[index]
    value = assertion.value
    if value is not None and tools and problem_with(value) is None and (told := _unmeetable(value, tools, options)):
        raise suite.error(told, "assert", index, "value")
    for case in suite.cases if value is None or suite.offers_own_tools else ():
        expected = case.target if value is None else value
        if problem_with(expected) is None and (told := _unmeetable(expected, offered(case, tools), options)):
            raise InputError(f"{case.place}: case {case.id!r}: {told} ({suite.document.at('assert', index)})")
    return Prepared(partial_of(tool_calls, tools=tools), None)


def _unmeetable(expected: JsonValue, tools: Tools, options: Mapping[str, object]) -> str | None:
    check_format = bool(options.get("check_format"))
    for name, arguments in expected_calls(expected):
        if name not in tools:
            return f"the target calls {name!r}, which is not offered{did_you_mean(name, set(tools))}"
        if options.get("arguments", "value") != "value" or mentions_any(arguments):
            continue
        meant = parse_json(canonical(example(arguments)).decode(), extract="strict")
        if fault_of(Call(name, meant), tools, check_format=check_format):
            return f"the target's arguments of {name!r} do not fit its schema, so no answer could be right"
    return None


def _made(expected: JsonValue) -> Answer | None:
    calls = expected_calls(expected)
    if any(mentions_any(arguments) for _, arguments in calls):
        return None
    return ideal.calling([(name, example(arguments)) for name, arguments in calls])


@grader("tool_calls", expects=problem_with, for_suite=_with_targets, silence=True, ideal=_made)
def tool_calls(
    text: str,
    expected: JsonValue,
    tools: Tools | None = None,
    *,
    seen: Seen,
    arguments: Arguments = "value",
    order: Order = "any",
    extra_calls: ExtraCalls = "refuse",
    partial: bool = False,
    normalise: Normalisation = "none",
    ignore_case: bool | None = None,
    ignore_punctuation: bool = False,
    tolerance: Tolerance = 0.0,
    unordered: bool = False,
    check_format: bool = False,
) -> float:
    """1 when the answer makes the calls of the target and no others, in any order; else 0.

    Names are exact. `arguments` are compared by `value` and have to fit the tool's schema as well; with `schema` that
    alone counts, with `any` only the name does. An empty target says that nothing is to be called. `order: given` asks
    for the target's order, `extra_calls: allow` for its calls among others (but none where none is expected), and
    `partial` gives the share of calls that are right. Texts are compared as they are: `normalise`, `ignore_case` and
    `ignore_punctuation` (as the Berkeley leaderboard does, for which 1.5 is 15) loosen that, `tolerance` numbers,
    `unordered` lists. `format` in a schema is asserted with `check_format`.
    """
    del text
    held = held_against(
        seen.answer,
        expected,
        offered(seen.case, {name: None for name, _ in expected_calls(expected)} if tools is None else tools),
        arguments=arguments,
        order=order,
        check_format=check_format,
        values=Values(Comparison(normalise, ignore_case, tolerance, unordered=unordered), ignore_punctuation),
    )
    most = held.expected if extra_calls == "allow" and held.expected else max(held.expected, held.made)
    if partial:
        return held.matched / most if most else 1.0
    return float(held.matched == most)


def _with_schemas(options: Mapping[str, object], suite: Suite, index: int) -> Prepared:
    del options, index
    return Prepared(partial_of(tool_schema, tools=_tools_of(suite)), None)


@grader("tool_schema", expects=no_value, for_suite=_with_schemas, silence=True, role="guard")
def tool_schema(
    text: str,
    expected: JsonValue,
    tools: Tools | None = None,
    *,
    seen: Seen,
    without_call: Literal[0, 1] = 0,
    check_format: bool = False,
) -> float:
    """1 when every call names a tool that was offered and its arguments are JSON that fits the tool's schema; else 0.

    An answer that calls nothing scores `without_call`: 0, or 1 where it is no fault not to call (then see to it with
    `tool_trigger` that tools are called at all).
    """
    del text, expected
    calls, tools = calls_of(seen.answer), offered(seen.case, tools or {})
    if not calls:
        return float(without_call)
    return float(all(fault_of(call, tools, check_format=check_format) is None for call in calls))


def _a_trigger(expected: JsonValue) -> str | None:
    return None if isinstance(expected, bool) else problem_with(expected)


def _triggered(expected: JsonValue) -> Answer | None:
    wanted = expected if isinstance(expected, bool) else bool(expected_calls(expected))
    return ideal.calling([("any_tool", {})] if wanted else [])


@grader("tool_trigger", expects=_a_trigger, silence=True, ideal=_triggered)
def tool_trigger(text: str, expected: JsonValue, *, seen: Seen) -> float:
    """1 when a tool is called exactly where one is expected; else 0.

    The target is true or false, or calls as for `tool_calls`, of which an empty list means false.
    """
    del text
    wanted = expected if isinstance(expected, bool) else bool(expected_calls(expected))
    return float(bool(calls_of(seen.answer)) == wanted)
