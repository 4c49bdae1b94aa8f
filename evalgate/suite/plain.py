"""Templates that only put data between texts, as most do: filled without Jinja, which takes several times as long.

Every prompt is rendered twice, when the suite is loaded and when it is asked, so this is felt. Whatever is not plainly
there (another name, a method, a key that is missing) is left to Jinja, which also knows what to say of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinja2 import nodes

from evalgate.exchange import JsonValue
from evalgate.suite.bounds import joined
from evalgate.suite.language import printable

Place = tuple[str, ...]  # a name, and keys within its value
Part = str | Place
_NAMES = {"id", "input", "metadata"}


def plain_parts(body: Sequence[nodes.Node]) -> list[Part] | None:
    """The texts of a template and the places of the data between them; None when it does anything else."""
    if not all(isinstance(each, nodes.Output) for each in body):
        return None
    parts = [_part(each) for output in body if isinstance(output, nodes.Output) for each in output.nodes]
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) else None


def filled(parts: Sequence[Part], values: Mapping[str, JsonValue]) -> str | None:
    """The text with the data of `values`; None when a key is not there. Raises as a template does that is too long."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        found: JsonValue = values[part[0]]
        for key in part[1:]:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        texts.append(found if isinstance(found, str) else str(printable(found)))
    return joined(texts)


def _part(node: nodes.Node) -> Part | None:
    if isinstance(node, nodes.TemplateData):
        return str(node.data)
    return _place(node)


def _place(node: nodes.Node) -> Place | None:
    if isinstance(node, nodes.Name):
        return (node.name,) if node.name in _NAMES else None
    if isinstance(node, nodes.Getattr):
        within, key = _place(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        within, key = _place(node.node), node.arg.value
    else:
        return None
    return None if within is None else (*within, key)
