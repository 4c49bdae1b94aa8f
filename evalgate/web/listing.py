"""The list of all models: one row each, what it is sorted and filtered by, and the filter that a form asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from evalgate.errors import InputError
from evalgate.intelligence import Intelligence
from evalgate.router import explain
from evalgate.web import wording
from evalgate.web.figures import ModelFacts
from evalgate.web.operations import decision_for, saves_of
from evalgate.web.providers_table import Best, by_price, cheapest, fastest
from evalgate.web.view import View

_LONGEST = 200  # characters of what a form sends


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in the list. Numbers are what it is sorted by; `price`: USD per 1M tokens in; `saving` in [0, 1]."""

    id: str
    page: str
    facts: ModelFacts
    intelligence: Intelligence
    cheapest: Best
    fastest: Best
    variants: int
    operations: int
    green: int
    saving: float
    saves: str
    price: Decimal
    speed: float | None
    tools: bool
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """What the form asks for; None and empty: anything. What it sends and nobody understands asks for nothing."""

    text: str = ""
    weights: str = ""
    green: bool = False
    tools: bool = False
    context: int | None = None
    price: Decimal | None = None
    sort: str = "name"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """From a query string, which is whatever somebody typed."""
        given = {key: value[:_LONGEST].strip() for key, value in query.items()}
        weights, sort = given.get("weights", ""), given.get("sort", "")
        context = _number(given.get("context", ""))
        return cls(
            text=given.get("text", "").casefold(),
            weights=weights if weights in ("open", "closed") else "",
            green=given.get("green") == "1",
            tools=given.get("tools") == "1",
            context=int(context) if context is not None else None,
            price=_number(given.get("price", "")),
            sort=sort if sort in ORDERS else "name",
        )

    def sorted_by(self, key: str) -> str:
        """The query that asks for the same, in another order."""
        asked = {
            "text": self.text,
            "weights": self.weights,
            "green": "1" if self.green else "",
            "tools": "1" if self.tools else "",
            "context": "" if self.context is None else str(self.context),
            "price": "" if self.price is None else str(self.price),
        }
        return urlencode({name: value for name, value in asked.items() if value} | {"sort": key})

    def admits(self, row: ModelRow) -> bool:
        """Whether a row is shown; what nobody knows of it is not what was asked for."""
        if self.text and self.text not in searched(row):
            return False
        if self.weights and row.facts.open_weights is not (self.weights == "open"):
            return False
        if self.context is not None and (row.facts.context or 0) < self.context:
            return False
        return (not self.green or row.green > 0) and (not self.tools or row.tools) and self._affords(row)

    def _affords(self, row: ModelRow) -> bool:
        return self.price is None or row.price <= self.price


ORDERS: Mapping[str, Callable[[ModelRow], tuple[float, str]]] = {
    "name": lambda row: (0, row.facts.name.casefold()),
    "intelligence": lambda row: (-(row.intelligence.value or -1), row.id),
    "price": lambda row: (float(row.price), row.id),
    "speed": lambda row: (-(row.speed or 0), row.id),
    "variants": lambda row: (-row.variants, row.id),
    "green": lambda row: (-row.green, row.id),
    "saving": lambda row: (-row.saving, row.id),
}


def searched(row: ModelRow) -> str:
    """The text that is searched."""
    return f"{row.facts.name[:_LONGEST]} {row.id[:_LONGEST]} {(row.facts.author or '')[:_LONGEST]}".casefold()


def model_rows(view: View) -> list[ModelRow]:
    """A row for each model of the catalogue, in its order."""
    return [_row(view, model) for model in view.catalog.models]


def _row(view: View, model: str) -> ModelRow:
    endpoints = view.catalog.models[model]
    found = view.proofs.of(model)
    green, saving, saves = 0, 0.0, wording.NONE
    for operation in found:
        try:
            decision = decision_for(view, model, operation)
        except InputError:
            continue
        green += decision.seq is not None and any(each.eligible_until > decision.at for each in decision.route.greens)
        told = explain(decision)
        if told.saving > saving:
            saving, saves = told.saving, saves_of(told)
    speeds = [view.figures(each).throughput.p95 for each in endpoints]
    return ModelRow(
        id=model,
        page=view.proofs.pages[model],
        facts=view.proofs.facts[model],
        intelligence=view.standing(model),
        cheapest=cheapest(view, model),
        fastest=fastest(view, model),
        variants=len(endpoints),
        operations=len(found),
        green=green,
        saving=saving,
        saves=saves,
        price=by_price(endpoints.values())[0].price.input,
        speed=max((speed for speed in speeds if speed is not None), default=None),
        tools=any(each.variant.capabilities.tools for each in endpoints.values()),
    )


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text) if len(text) <= 20 else Decimal("NaN")
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 10**12 else None
