"""Who answered: a proof is about one model, so the names that a server gives itself have to be one."""

from __future__ import annotations

from itertools import zip_longest

from evalgate.gate.transcript import Transcript

_SHOWN = 80  # characters of a name that a server made up


def somebody_else(side: Transcript, again: Transcript | None = None) -> str:
    """Why the answers of `side` prove nothing about the endpoint that was asked; empty when they do.

    `again` are further answers of the same endpoint to the same cases.
    """
    groups = zip_longest(side.given, again.given if again is not None else (), fillvalue=())
    told = [
        (case, each) for case, both in enumerate(groups, start=1) for group in both for each in group if each.served
    ]
    if not told:
        return ""
    who, (_, first) = side.endpoint.id, told[0]
    for case, each in told:
        if each.known_as != first.known_as:
            return (
                f"{who} answered as {_named(first.served)} and from case {case} on as {_named(each.served)}: two "
                "models share no proof; if they are one, name both under answers_as in the catalogue"
            )
    if first.identity is not None:
        return (
            f"{who} was asked for {_named(side.endpoint.served_as)} and answers as {_named(first.identity)}; if that "
            f"is what you mean to judge, write answers_as: {first.identity[:_SHOWN]!r} into the variant"
        )
    return ""


def _named(name: str | None) -> str:
    return repr((name or "")[:_SHOWN])
