"""A picture of matplotlib's as a clean inline SVG: it takes its colours and its font from the page around it.

matplotlib writes documents that stand alone: they bring style rules that would apply to the whole page, ids that clash
with those of the next picture, and fixed colours. Here all of that is taken out, and each colour of the palette becomes
a CSS variable, so that one picture serves light, dark and paper.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree  # what is parsed is what matplotlib just wrote, not somebody's file

# what the page's style sheet calls it → the colour on white paper; each colour stands here once, so it can be renamed
PALETTE = {
    "paper": "#ffffff",
    "ink": "#1f2328",
    "faint": "#59636e",
    "line": "#d1d9e0",
    "green": "#00785a",
    "red": "#b94700",
    "worse": "#8a6100",
    "inconclusive": "#5f6674",
}
_VARIABLES = {colour: f"var(--{name})" for name, colour in PALETTE.items()}
_COLOUR = re.compile("|".join(_VARIABLES))
_REFERENCE = re.compile(r"#([A-Za-z_][\w.-]*)")
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_DROPPED = {"metadata", "style", "title"}
_EMPTY = {"g", "defs"}


def inline_svg(document: bytes, prefix: str, label: str) -> str:
    """Return an `<svg role="img">` for an HTML page; `prefix` makes its ids unique, `label` says what it shows."""
    root = ElementTree.fromstring(document)  # noqa: S314  # see the import
    _tidy(root)
    referenced = {name for each in root.iter() for value in each.attrib.values() for name in _referred(value)}
    for each in root.iter():
        each.tag = _name(each.tag)
        each.attrib = {_name(key): value for key, value in each.attrib.items()}
        if (own := each.attrib.pop("id", None)) in referenced:
            each.attrib["id"] = f"{prefix}-{own}"
        for key in ("href", "clip-path", "style", "fill"):
            if value := each.attrib.get(key):
                each.attrib[key] = _FONT_FAMILY.sub("", _at_home(value, prefix, referenced))
    root.attrib = {"viewBox": root.attrib["viewBox"], "class": "plot", "role": "img", "aria-label": label}
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _tidy(parent: ElementTree.Element) -> None:
    """Take out what says nothing on a page: style rules, metadata, empty groups, white space."""
    for child in list(parent):
        _tidy(child)
        if _name(child.tag) in _DROPPED or (_name(child.tag) in _EMPTY and len(child) == 0):
            parent.remove(child)
        child.tail = None
    if len(parent):
        parent.text = None


def _at_home(value: str, prefix: str, referenced: set[str]) -> str:
    value = _COLOUR.sub(lambda match: _VARIABLES[match[0]], value)
    return _REFERENCE.sub(lambda match: f"#{prefix}-{match[1]}" if match[1] in referenced else match[0], value)


def _referred(value: str) -> list[str]:
    return _REFERENCE.findall(value) if "url(#" in value or value.startswith("#") else []


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
