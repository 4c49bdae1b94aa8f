"""Who answered: a proof is about one model, so the names that a server gives itself have to be one."""

from __future__ import annotations

from itertools import groupby

from evalgate.gate.transcript import Transcript

_SHOWN = 80  # characters of a name that a server made up


def somebody_else(side: Transcript, cases: int) -> str:
    """Why the first `cases` answers of `side` prove nothing about the endpoint that was asked; empty when they do."""
    given = [(position, each) for position, group in enumerate(side.given[:cases], start=1) for each in group]
    told = [(position, each.served, each.identity) for position, each in given if each.served is not None]
    who = side.endpoint.id
    runs = [(name, next(iter(run))[0]) for name, run in groupby(told, key=lambda one: one[1])]
    if len(runs) > 1:
        (before, _), (after, at), *_ = runs
        return (
            f"{who} answered as {_named(before)} and from case {at} on as {_named(after)}: two models share no proof; "
            "if they are one, name both under answers_as in the catalogue"
        )
    if told and (name := told[0][2]) is not None:
        return (
            f"{who} was asked for {_named(side.endpoint.served_as)} and answers as {_named(name)}; if that is what you "
            f"mean to judge, write answers_as: {name[:_SHOWN]!r} into the variant"
        )
    return ""


def _named(name: str | None) -> str:
    return repr((name or "")[:_SHOWN])
