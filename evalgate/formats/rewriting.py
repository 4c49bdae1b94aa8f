"""A YAML file that a person wrote, with some values changed: every byte of the rest stays as it was.

Comments, order, quotes and spacing are the person's. So the text itself is edited, at the places that the parser's
marks name, and what comes out is parsed again and must be exactly what was meant. (ruamel.yaml, which keeps comments by
hanging them on the value before, gives a comment above the next entry to whatever is added to the entry above it.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]  # the two share no base that mypy knows

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.written import WrittenFloat, WrittenInt
from evalgate.formats.yaml_tree import RESOLVERS


class OneLine(dict[str, Any]):
    """A mapping that is written within braces, because nobody needs to read it."""


class Lines(str):
    """A text that is written line by line behind a `|`, wherever YAML can write it so."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Puts into quotes what either YAML 1.1 or our own reading would take for something else than a text (`1e5`)."""

    yaml_implicit_resolvers = {**yaml.SafeDumper.yaml_implicit_resolvers, **RESOLVERS}  # noqa: RUF012


_Dumper.add_representer(
    OneLine, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)
)
_Dumper.add_representer(
    str,  # a line end within quotes is \n, and not two line ends
    lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if "\n" in value else None),
)
_Dumper.add_representer(
    Lines, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)

Edit = tuple[int, int, str]  # what replaces the characters from … to


def rewritten(text: str, new: Mapping[str, Any], path: Path) -> str:
    """`text`, so changed that it reads as `new`; `path` is for errors.

    Entries of lists are known by their `id`; such entries may be changed and added, not removed. Other lists may grow.
    Keys may be added, changed and removed. Raises `InputError` when the text cannot be changed like this (anchors that
    several entries share, for one): then it must be edited by hand.
    """
    old = parse_yaml(text, path).data
    if old == new:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.endswith("\n"):
        text += newline
    editor = _Editor(text)
    try:
        editor.entry(yaml.compose(text, Loader=SafeLoader), old, new)
        changed = editor.edited(newline)
        if parse_yaml(changed, path).data == new:
            return changed
    except (InputError, _Unclear):
        pass
    message = "cannot be changed in place without losing how it is written; are there anchors (&, *) in it?"
    raise InputError(f"{path}: {message} Write it without them, or import into another file")


def as_yaml(value: object, indent: int = 0) -> str:
    """`value` as block YAML, every line indented, with a newline at the end."""
    text = yaml.dump(plain(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return "".join(" " * indent + line for line in text.splitlines(keepends=True))


class _Unclear(Exception):
    """The text is written in a way that is not edited."""


class _Editor:
    """Collects what must be done to the text, by walking its nodes beside the old and the new data."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._edits: list[Edit] = []
        self._starts: list[int] = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def edited(self, newline: str) -> str:
        """The text after all edits; those at one place come in the order in which they were asked for."""
        parts, position = [], 0
        for start, end, replacement in sorted(self._edits, key=lambda edit: edit[:2]):
            if start < position:
                raise _Unclear
            parts += [self._text[position:start], replacement.replace("\n", newline)]
            position = end
        return "".join([*parts, self._text[position:]])

    def entry(self, node: yaml.Node | None, old: Any, new: Any) -> None:
        """Both are mappings."""
        if not isinstance(node, yaml.MappingNode) or not isinstance(old, dict):
            raise _Unclear
        pairs = {str(key.value): (key, value) for key, value in node.value}
        for key, value in new.items():
            if key not in pairs:
                continue
            if old[key] != value:
                self._change(pairs[key], old[key], value, flow=bool(node.flow_style))
        removed = [key for key in old if key not in new]
        added = {key: value for key, value in new.items() if key not in old}
        if node.flow_style:
            self._into_flow(node, _flow(added)[1:-1])
            return
        for key in removed:
            start = self._line_start(pairs[key][0].start_mark)
            self._edits.append((start, self._after(pairs[key][1], pairs[key][0]), ""))
        if added:
            first_key = node.value[0][0]
            # a key at the end of an entry is easily read over when a list of many others comes before it
            others = [pair for pair in node.value if not _are_entries(new.get(str(pair[0].value)))]
            last_key, last = others[-1] if others and others[0][0] is first_key else node.value[-1]
            self._insert(self._after(last, last_key), as_yaml(added, first_key.start_mark.column))

    def _change(self, pair: tuple[yaml.Node, yaml.Node], old: Any, new: Any, *, flow: bool) -> None:
        key, node = pair
        are_mappings = isinstance(new, dict) and isinstance(old, dict)
        if are_mappings and (new.keys() >= old.keys() if _is_inline(node) else new):
            self.entry(node, old, new)
        elif _are_entries(new) and _are_entries(old):
            self._entries(key, node, old, new)
        elif old and isinstance(old, list) and isinstance(new, list) and new[: len(old)] == old:
            self._append(key, node, new[len(old) :])
        elif _is_inline(node):
            self._edits.append((self._offset(node.start_mark), self._offset(node.end_mark), _flow(new)))
        elif flow or node.start_mark.line == key.start_mark.line:
            raise _Unclear
        else:  # a block below its key: a line of its own takes its place
            colon = self._text.index(":", self._offset(key.end_mark)) + 1
            self._insert(colon, f" {_flow(new)}")
            self._edits.append((self._line_start(node.start_mark), self._after(node, key), ""))

    def _entries(self, key: yaml.Node, node: yaml.Node, old: Sequence[Any], new: Sequence[Any]) -> None:
        if not isinstance(node, yaml.SequenceNode):
            raise _Unclear
        by_id = {each["id"]: each for each in new}
        for child, before in zip(node.value, old, strict=True):
            if by_id.get(before["id"]) != before:
                self.entry(child, before, by_id.get(before["id"], {}))
        known = {each["id"] for each in old}
        self._append(key, node, [each for each in new if each["id"] not in known])

    def _append(self, key: yaml.Node, node: yaml.Node, added: list[Any]) -> None:
        if not isinstance(node, yaml.SequenceNode):
            raise _Unclear
        if node.flow_style:
            self._into_flow(node, ", ".join(map(_flow, added)))
        elif added:
            self._insert(self._after(node, key), as_yaml(added, node.start_mark.column))

    def _into_flow(self, node: yaml.CollectionNode, added: str) -> None:
        if added:
            closing = self._offset(node.end_mark) - 1
            end = len(self._text[:closing].rstrip().removesuffix(","))
            if "#" in self._text[end:closing]:
                raise _Unclear
            self._insert(end, f", {added}" if node.value else added)

    def _insert(self, at: int, added: str) -> None:
        self._edits.append((at, at, added))

    def _after(self, node: yaml.Node, key: yaml.Node) -> int:
        """The beginning of the line after the one on which a value's content ends."""
        mark = self._end(node, key)
        line = int(mark.line) + (mark.column > 0)  # a block of text ends where the next line begins
        return min(int(self._starts[line]), len(self._text))

    def _end(self, node: yaml.Node, key: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.end_mark if node.value or node.style else key.end_mark
        if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
            return node.end_mark
        if isinstance(node, yaml.MappingNode):
            last_key, last = node.value[-1]
            return self._end(last, last_key)
        return self._end(node.value[-1], key)

    def _offset(self, mark: Any) -> int:
        return self._starts[int(mark.line)] + int(mark.column)

    def _line_start(self, mark: Any) -> int:
        if self._text[self._starts[mark.line] : self._offset(mark)].strip(" "):
            raise _Unclear
        return self._starts[int(mark.line)]


def _is_inline(node: yaml.Node) -> bool:
    """Whether it can be replaced where it stands."""
    if isinstance(node, yaml.ScalarNode):
        return node.style not in ("|", ">") and bool(node.value)
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def _are_entries(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "id" in each for each in value) and bool(value)


def _flow(value: object) -> str:
    text = yaml.dump(
        plain(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=True
    )
    return text.removesuffix("...\n").strip()


def plain(value: object) -> object:
    """`value` without the text in which a number was written, which PyYAML cannot write."""
    if isinstance(value, dict):
        return type(value)({key: plain(each) for key, each in value.items()})
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, WrittenInt | WrittenFloat):
        return int(value) if isinstance(value, int) else float(value)
    return value
