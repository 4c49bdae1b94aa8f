"""A source's offer into a catalogue that people write in: theirs is kept, the import's own is brought up to date.

Each entry remembers, by source, what that source's import wrote (`imported: {openrouter: {as_of, wrote}}`): a short
hash of each value. A value that still has its hash is the import's, and may change; one that has another, or was
removed, is a person's. So the merge knows three sides, as version control does. A comment would not survive an editor,
one hash for all of an entry would give all of it to the person who changed one value, and the values themselves would
be caught by the search-and-replace that was meant for the entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from evalgate.catalog.load import one_spelling
from evalgate.catalog.models import PUBLIC_URLS
from evalgate.catalog.offer import Offer
from evalgate.errors import InputError
from evalgate.formats.canonical import digest
from evalgate.formats.rewriting import OneLine

Entry = dict[str, Any]
_SOURCED = ("observed", "popularity")  # they name their source themselves, so nobody takes them for a person's
_NO_FIELDS = ("id", "imported", "variants", *_SOURCED)


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """A value of one entry, before and after; `name` is `entry#field`. A value that is not there is `ABSENT`."""

    name: str
    before: object
    after: object


@dataclass(slots=True)
class Merged:
    """`data`: the catalogue with the offer in it, and what happened.

    `conflicts`: what a person wrote (`before`, kept) and the source has otherwise (`after`). `gone`: variants of
    earlier imports that the source does not have any more; they stay. `left_out`: what could not be taken, and why.
    """

    data: Entry
    providers: list[Mapping[str, Any]] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    updated: list[Change] = field(default_factory=list)
    conflicts: list[Change] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    overwritten: set[str] = field(default_factory=set)  # the names in `overwrite` that were those of a conflict


def merge(data: Mapping[str, Any], offer: Offer, overwrite: Sequence[str] = ()) -> Merged:
    """`data` is a valid catalogue as plain data, or one with no models and providers; neither argument is changed.

    `overwrite` names the conflicts (`entry#field`, or `entry` for all of it) in which the source is right. Raises
    `InputError` when a provider of the same id is at another address.
    """
    merger = _Merger(data, offer, frozenset(overwrite))
    for model in offer.models:
        merger.take(model)
    return merger.merged


class _Merger:
    def __init__(self, data: Mapping[str, Any], offer: Offer, overwrite: frozenset[str]) -> None:
        self.offer, self.overwrite = offer, overwrite
        self.models: list[Entry] = list(data["models"])
        self.merged = Merged({**data, "providers": list(data["providers"]), "models": self.models})
        self._called = {each["id"]: self._provider(each) for each in offer.providers}
        self._owners = {variant["id"]: model["id"] for model in self.models for variant in model["variants"]}

    def take(self, model: Mapping[str, Any]) -> None:
        """One model of the offer."""
        place = next((at for at, each in enumerate(self.models) if _names(each) & _names(model)), None)
        known: Entry = self.models[place] if place is not None else {"id": model["id"], "variants": []}
        variants: list[Entry] = list(known["variants"])
        taken: dict[int, str] = {}
        for offered in model["variants"]:
            variant = {**offered, "provider": self._called.get(offered["provider"], offered["provider"])}
            at = _place_of(variant, known)
            if at is None:
                variants += self._new(variant, known["id"])
            elif at in taken:
                self.merged.left_out.append(f"{variant['id']}: {taken[at]} is taken for {variants[at]['id']} already")
            else:
                taken[at] = variant["id"]
                variants[at] = self._with(variants[at], variant)
        if place is None and not variants:
            return
        if self.offer.whole:
            before = enumerate(known["variants"])
            self.merged.gone += [
                each["id"] for at, each in before if at not in taken and self.offer.source in each.get("imported", {})
            ]
        merged = self._with(known, {**model, "id": known["id"]}, told=place is not None)
        if place is None:
            del merged["variants"]  # they come last
            self.models.append({**merged, "variants": variants})
        else:
            self.models[place] = {**merged, "variants": variants}

    def _provider(self, offered: Mapping[str, Any]) -> str:
        """What the provider is called here. One that is here stays as it is: a person says whom a key is sent to."""
        providers = self.merged.data["providers"]
        for each in providers:
            if each["id"] == offered["id"] and _address(each) != _address(offered):
                raise InputError(
                    f"provider {offered['id']!r} is at {_address(each)[1] or each['protocol']} here, and at "
                    f"{_address(offered)[1] or offered['protocol']} in {self.offer.source}; rename one of the two"
                )
        same = [each for each in providers if _address(each) == _address(offered)]
        named = [each for each in same if each["id"] == offered["id"]] or (same if _address(offered)[1] else [])
        if named:
            return str(named[0]["id"])
        providers.append(dict(offered))
        self.merged.providers.append(offered)
        return str(offered["id"])

    def _new(self, variant: Entry, model: str) -> list[Entry]:
        owner = self._owners.setdefault(variant["id"], model)
        if owner != model or variant["id"] in self.merged.added:
            self.merged.left_out.append(f"{variant['id']}: the id is that of a variant of {owner}")
            return []
        self.merged.added.append(variant["id"])
        return [self._with({"id": variant["id"]}, variant, told=False)]

    def _with(self, old: Entry, offered: Mapping[str, Any], *, told: bool = True) -> Entry:
        """An entry of the catalogue with what the offer says of it."""
        block = old.get("imported", {}).get(self.offer.source, {})
        if block.get("as_of", "") > self.offer.as_of.isoformat():
            older = f"{self.offer.source} of {self.offer.as_of} is older than what is here, of {block['as_of']}"
            self.merged.left_out.append(f"{old['id']}: {older}")
            return old
        ours, theirs = _fields(old), _fields(offered)
        before: Mapping[str, str] = block.get("wrote", {})
        wrote: dict[str, str] = {}
        for name in dict.fromkeys((*theirs, *before)):
            change = Change(f"{old['id']}#{name}", ours.get(name, ABSENT), theirs.get(name, ABSENT))
            if _mark(change.before) == _mark(change.after):
                wrote |= {name: _mark(change.after)} if name in before and change.after is not ABSENT else {}
            elif _mark(change.before) == before.get(name, "") or self._may_overwrite(change.name, old["id"]):
                ours[name] = change.after
                wrote |= {name: _mark(change.after)} if change.after is not ABSENT else {}
                self.merged.updated += [change] if told else []
            else:
                wrote |= {name: before[name]} if name in before else {}
                self.merged.conflicts += [change] if change.after is not ABSENT else []
        entry = {name: value for name, value in {**old, **_entry(ours, old)}.items() if value is not ABSENT}
        if "price" in ours and wrote.get("price") == _mark(ours["price"]):
            day = {"as_of": offered["price"]["as_of"]} if "as_of" in offered.get("price", {}) else {}
            entry["price"] = {**ours["price"], **day}
        for name in _SOURCED:
            if name in offered and old.get(name, offered[name])["source"] == offered[name]["source"]:
                entry[name] = offered[name]
        if wrote:
            written = OneLine({"as_of": self.offer.as_of.isoformat(), "wrote": wrote})
            entry["imported"] = {**old.get("imported", {}), self.offer.source: written}
        return entry

    def _may_overwrite(self, change: str, entry: str) -> bool:
        named = {change, entry} & self.overwrite
        self.merged.overwritten |= named
        return bool(named)


def _fields(entry: Mapping[str, Any]) -> Entry:
    """What is merged as one value each: a capability; a price but for its day, which is only that of a look at it."""
    found: Entry = {}
    for name, value in entry.items():
        if name == "capabilities":
            found |= {f"capabilities.{each}": capable for each, capable in value.items()}
        elif name == "price":
            found["price"] = {key: each for key, each in value.items() if key != "as_of"}
        elif name not in _NO_FIELDS:
            found[name] = value
    return found


def _entry(fields: Mapping[str, Any], old: Mapping[str, Any]) -> Entry:
    """The inverse; the day of a price is that of `old`, and what there is no more is `ABSENT`."""
    found: Entry = {}
    for name, value in fields.items():
        outer, _, inner = name.partition(".")
        if inner and value is not ABSENT:
            found.setdefault(outer, {})[inner] = value
        elif name == "price" and "as_of" in old.get("price", {}):
            found["price"] = {**value, "as_of": old["price"]["as_of"]}
        elif not inner:
            found[name] = value
    if old.get("capabilities") and "capabilities" not in found:
        found["capabilities"] = ABSENT
    return found


def _mark(value: object) -> str:
    """A short hash of what a value means: of `0.10` and `'0.1'` as prices it is the same. Empty for `ABSENT`."""
    return "" if value is ABSENT else f"v{digest(_meaning(value)).removeprefix('sha256:')[:8]}"


def _meaning(value: object) -> object:
    if isinstance(value, str):
        return {
            "label": value,
            "source": value if value == "undisclosed" else "declared",
        }  # so that fp8 is {label: fp8}
    if not isinstance(value, Mapping):
        return value
    if value.keys() >= {"input", "output"}:
        sides = {side: format(Decimal(str(value[side])).normalize(), "f") for side in ("input", "output")}
        return {"basis": "listed", **value, **sides}
    return {"source": "declared", **value} if "label" in value else dict(value)


def _names(model: Mapping[str, Any]) -> set[str]:
    return {model["id"], *model.get("aliases", ())}


def _address(provider: Mapping[str, Any]) -> tuple[str, str | None]:
    protocol = provider.get("protocol", "openai")
    return protocol, one_spelling(provider.get("base_url") or PUBLIC_URLS.get(protocol))


def _place_of(variant: Mapping[str, Any], model: Mapping[str, Any]) -> int | None:
    """The entry of this id, else the only one that is asked for in the same way."""
    variants = model["variants"]
    by_id = [at for at, each in enumerate(variants) if each["id"] == variant["id"]]
    alike = [at for at, each in enumerate(variants) if _asked(each, model["id"]) == _asked(variant, model["id"])]
    if by_id:
        return by_id[0]
    return alike[0] if len(alike) == 1 else None


def _asked(variant: Mapping[str, Any], model: str) -> tuple[object, ...]:
    return (variant["provider"], variant.get("tag"), variant.get("served_as") or model, variant.get("recording"))
