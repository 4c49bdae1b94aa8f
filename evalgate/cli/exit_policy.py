"""Options that say what fails a check, what it is held against, and which suites are looked at at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from evalgate.cli.tell import tell
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.catalog import Catalog
    from evalgate.gate import Before, Kind
    from evalgate.signal.keys import Keyring
    from evalgate.suite import Suite

Function = TypeVar("Function", bound=Callable[..., Any])


def failing_options(function: Function) -> Function:
    """`--fail-on` and `--baseline-run`."""
    text = "What fails the check: red (beyond the margin), worse (any proven loss), inconclusive; or never."
    fail_on = click.option("--fail-on", "kinds", multiple=True, callback=_kinds, metavar="KIND[,KIND…]", help=text)
    text = "Fail only for what is worse than in this published signal: a path, postgresql://…, s3://… or an address."
    return fail_on(click.option("--baseline-run", "baseline_run", metavar="PLACE", help=text)(function))


def choosing_options(function: Function) -> Function:
    """`--changed-only` and `--base`."""
    text = "Only the suites that are touched by what changed in git since the branch left its base."
    changed = click.option("--changed-only", is_flag=True, help=text)
    text = "The branch or commit that --changed-only compares with; default: what the CI says, else origin/HEAD."
    return changed(click.option("--base", metavar="REF", help=text)(function))


def _kinds(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> frozenset[Kind] | None:
    from evalgate.formats.documents import did_you_mean
    from evalgate.gate import KINDS

    named = [word.strip() for text in given for word in text.split(",")]
    for word in named:
        if word not in (*KINDS, "never"):
            message = f"unknown: {word!r}{did_you_mean(word, {*KINDS, 'never'})}"
            raise click.BadParameter(message, context, parameter)
    if "never" in named and len(set(named)) > 1:
        raise click.BadParameter("never stands alone: it says that no verdict fails", context, parameter)
    return frozenset(cast("Kind", word) for word in named if word != "never") if named else None


def require_use_of_base(base: str | None, *, changed_only: bool) -> None:
    """Raises `InputError` for a base that nothing is compared with."""
    if base is not None and not changed_only:
        raise InputError("--base: only --changed-only compares with it; add that")


def published_before(
    place: str | None, stream: str, keyring: Keyring | None
) -> Mapping[tuple[str, str], Before] | None:
    """What was concluded when the signal at `place` was published; where nothing is, everything is new, which is said.

    None where nobody asked for it. Raises `EvalgateError` when it cannot be read or believed.
    """
    if place is None:
        return None
    from evalgate.cli.signal.source import checked, read_source
    from evalgate.gate import Before
    from evalgate.signal.places import open_place

    if place.startswith(("http://", "https://")):
        name, data = read_source(place, stream)
    else:
        there = open_place(place, stream)
        name, found = there.name, there.read()
        if not found:
            tell(f"evalgate: --baseline-run {name}: nothing is published there, so everything is new")
            return {}
        data = found
    document = checked(name, data, keyring).document
    return {
        (entry.operation, entry.variant.id): Before(
            entry.variant.config,
            "worse" if entry.verdict == "red" and not entry.evidence.beyond_margin else entry.verdict,
        )
        for entry in document.entries
    }


def only_changed(suites: Sequence[Suite], catalog: Catalog, base: str | None) -> list[Suite]:
    """The suites that are touched, and says so; raises `InputError` when git cannot tell."""
    from evalgate.integrations.git import changes
    from evalgate.plan.touched import touched

    found = changes(Path.cwd(), os.environ, base)
    kept = touched(suites, catalog, found.files, found.before)
    named = ", ".join(suite.operation for suite in kept[:10]) + (", …" if len(kept) > 10 else "")
    told = f"{len(kept)} of {len(suites)} suites touched since {found.name} ({found.base[:12]})"
    tell(f"{told}: {named}" if kept else f"{told}: nothing to judge")
    return kept
