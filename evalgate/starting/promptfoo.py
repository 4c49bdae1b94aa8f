"""A promptfoo configuration as suites: its prompt, its tests as cases, and what they assert as graders.

promptfoo lets each test assert something of its own; a suite asserts the same of all its cases, each with its target.
So tests that assert the same kinds of things make one suite, and a configuration may become several. A value that is
another one for each test becomes the target. What cannot be said is a comment, counted, and tests of which nothing
could be asserted any more are left out, and counted too: a suite that asserts nothing would be green for everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml, read_yaml
from evalgate.integrations.logs.files import check_file, read_document
from evalgate.starting.draft import Draft, Unsaid
from evalgate.starting.endpoints import slug
from evalgate.starting.nunjucks import filled
from evalgate.starting.promptfoo_assertions import Asked, translated
from evalgate.starting.promptfoo_cases import Group, drafted
from evalgate.starting.promptfoo_prompts import prompt_of
from evalgate.starting.promptfoo_tests import FILE, Folder, Test, read_tests

MOST_SUITES = 6
_OF_NO_ANSWER = ("latency", "cost")  # where nothing else is left, what was asserted of the answers fell away
_READ = {"prompts", "tests", "defaultTest", "description", "providers", "targets", "assertionTemplates", "$schema"}
_OF_NO_USE = {"outputPath", "sharing", "commandLineOptions", "tags", "evaluateOptions", "env", "metadata", "version"}
_HARMLESS_IN_TESTS = {"options.provider", "options.rubricPrompt", "options.factuality"}


def read_promptfoo(path: Path, operation: str | None, number: int | None, judge: str | None = None) -> list[Draft]:
    """The suites of a configuration, or of the configuration in a result file; raises `InputError`.

    `judge` is the id of the variant that is asked about rubrics; without one they stay comments.
    """
    config = _config(path)
    folder = Folder(path.parent)
    asking = prompt_of(config, folder, str(path), number)
    common = _common(config, folder, path)
    if config.get("tests") is None:
        scenarios = "; its scenarios have to be written as tests first" if config.get("scenarios") else ""
        raise InputError(f"{path} tests: missing; there is no case to ask{scenarios}")
    tests = read_tests(config["tests"], common, folder, f"{path} tests")
    if not tests:
        raise InputError(f"{path} tests: empty; there is no case to ask")
    groups = _grouped(tests, config, folder, judge)
    lost = _not_read(config, tests)
    told = (
        [f"left out {groups.left_out} tests of {path}, of which nothing could be asserted"] if groups.left_out else []
    )
    if not groups.found:
        reasons = Counter(each.line for each in groups.nothing)
        listed = "\n".join(f"  {line}" for line, _ in reasons.most_common(5))
        raise InputError(
            f"{path}: no test asserts anything that a grader here can say, so a suite would be green for everybody"
            + (f":\n{listed}" if listed else "; give the tests an `assert`")
        )
    name = operation or slug(str(config.get("description") or path.parent.resolve().name), "from_promptfoo")
    ordered = sorted(groups.found, key=lambda group: -len(group.tests))
    kept = ordered[:MOST_SUITES]
    if more := sum(len(group.tests) for group in ordered[MOST_SUITES:]):
        told.append(f"left out {more} tests of {path}, which assert other things than the {MOST_SUITES} largest groups")
    drafts = []
    for index, group in enumerate(kept):
        draft = drafted(group, asking, name if index == 0 else f"{name}_{index + 1}", path)
        head = (*lost, *groups.nothing) if index == 0 else ()
        drafts.append(replace(draft, unsaid=(*head, *draft.unsaid), told=(*(told if index == 0 else ()), *draft.told)))
    if len(kept) > 1:
        message = f"{path}: its tests assert {len(kept)} different things, so they are {len(kept)} suites"
        drafts[0] = replace(drafts[0], told=(message, *drafts[0].told))
    return drafts


def _config(path: Path) -> dict[str, Any]:
    if path.suffix in (".js", ".ts", ".mjs", ".cjs"):
        message = "code, which is not run; `promptfoo eval -o results.json` writes the configuration into its results"
        raise InputError(f"{path}: {message}: give that")
    check_file(path)
    if path.suffix == ".json":
        data = read_document(path)
        if isinstance(data, dict) and isinstance(data.get("config"), dict) and "results" in data:
            data = data["config"]
    else:
        data = read_yaml(path).data
    if not isinstance(data, dict) or not {"prompts", "tests", "providers", "targets"} & data.keys():
        raise InputError(f"{path}: not a promptfoo configuration: expected prompts, providers and tests")
    if "<<" in data:
        raise InputError(f"{path}: merge keys (<<) are not read; write out what they stand for")
    return data


def _common(config: Mapping[str, Any], folder: Folder, path: Path) -> dict[str, Any]:
    common = config.get("defaultTest")
    if isinstance(common, str) and common.startswith(FILE):
        common = folder.data(common, f"{path} defaultTest")
    if common is None:
        return {}
    if not isinstance(common, dict):
        raise InputError(f"{path} defaultTest: expected a test")
    return common


@dataclass(slots=True)
class _Groups:
    """Tests by what they assert; `nothing` is what those asserted that are in none."""

    found: list[Group]
    nothing: list[Unsaid]
    left_out: int


def _grouped(tests: Sequence[Test], config: Mapping[str, Any], folder: Folder, judge: str | None) -> _Groups:
    templates = config.get("assertionTemplates")
    groups: dict[tuple[str, ...], Group] = {}
    nothing: dict[str, Unsaid] = {}
    left_out = 0
    for test in tests:
        asserted = [_asserted(each, test, templates, folder, judge) for each in test.assertions]
        said = [each for each in asserted if isinstance(each, Asked)]
        if all(each.grader["type"] in _OF_NO_ANSWER for each in said) and len(said) < len(asserted):
            left_out += 1
            nothing |= {each.why + each.what[:20]: each for each in asserted if isinstance(each, Unsaid)}
            continue
        if not said:
            left_out += 1
            continue
        key = tuple(each.signature for each in said)
        groups.setdefault(key, Group([], [])).add(test, asserted)
    return _Groups(list(groups.values()), list(nothing.values())[:20], left_out)


def _asserted(
    given: Mapping[str, Any], test: Test, templates: Any, folder: Folder, judge: str | None
) -> Asked | Unsaid:
    place = f"{test.place} assert"
    if isinstance(given.get("$ref"), str):
        name = str(given["$ref"]).rpartition("/")[2]
        template = templates.get(name) if isinstance(templates, dict) else None
        if not isinstance(template, dict):
            raise InputError(f"{place}: no assertion template {name[:100]!r}")
        given = {**template, **{key: value for key, value in given.items() if key != "$ref"}}
    if "options.transform" in test.other or "options.postprocess" in test.other:
        return Unsaid.of(
            dict(given), "options.transform changes the answer by code before it is graded; see `transform` of a grader"
        )

    def load(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(FILE):
            text = folder.text(value, place)
            return parse_yaml(text, Path(value)).data if value.endswith((".json", ".yaml", ".yml")) else text
        if isinstance(value, str):
            return filled(value, test.vars, place)
        return [load(each) for each in value] if isinstance(value, list) else value

    try:
        return translated(given, load, judge)
    except InputError as failure:
        if str(given.get("type", "")) in ("javascript", "python") or "is code" in str(failure):
            return Unsaid.of(dict(given), "code is not run")
        raise


def _not_read(config: Mapping[str, Any], tests: Sequence[Test]) -> list[Unsaid]:
    """What the configuration says beside prompts, tests and who is asked."""
    lost = [
        Unsaid.of(value, "no equivalent", key)
        for key, value in config.items()
        if key not in _READ | _OF_NO_USE and value not in (None, [], {})
    ]
    counts = Counter(key for test in tests for key in test.other if key not in _HARMLESS_IN_TESTS)
    for key, count in counts.items():
        value = next(test.other[key] for test in tests if key in test.other)
        lost.append(Unsaid.of(value, f"no equivalent; in {count} of {len(tests)} tests", key))
    return lost
