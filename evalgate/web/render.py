"""Pages as HTML: one text each that carries all it shows, and asks the network for nothing but its own refresh.

Style and script stand in the page, and the policy names them by their hashes: nothing else runs, whatever a model's
name or a provider's reason says, and a page that was saved or sent around looks the same. What catalogues, providers
and gates wrote is hostile: it is made visible and escaped by `report.templating`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup

from evalgate._version import __version__
from evalgate.intelligence import Intelligence
from evalgate.report import templating
from evalgate.report import wording as house
from evalgate.web import wording
from evalgate.web.figures import ModelFacts
from evalgate.web.listing import ORDERS, Filter, model_rows, searched
from evalgate.web.names import way_up
from evalgate.web.operations import Operation, operations
from evalgate.web.providers_table import Best, ProviderRow, cheapest, fastest, provider_rows
from evalgate.web.tiers import Tier, best_saving, served_by_variant, tiers
from evalgate.web.view import View

FOLDED_FROM = 6  # operations; more are shown closed, to be opened one by one


@dataclass(frozen=True, slots=True)
class Served:
    """Where a page is served: `events` is what it refreshes itself from. None in place of it: a file."""

    events: str = ""


@dataclass(frozen=True, slots=True)
class _Model:
    """All that a model's page puts out."""

    id: str
    facts: ModelFacts
    intelligence: Intelligence
    cheapest: Best
    fastest: Best
    saves: str
    on_variant: int
    tiers: list[Tier]
    operations: list[Operation]
    providers: list[ProviderRow]
    illustrative: bool


def render_index(view: View, wanted: Filter | None = None, *, served: bool = False) -> str:
    """The list of all models; rows that the filter leaves out are there, but hidden."""
    chosen = wanted or Filter()
    rows = sorted(model_rows(view), key=ORDERS[chosen.sort])
    rows = [replace(row, shown=chosen.admits(row)) for row in rows]
    page = _page(view, served=Served() if served else None, root="" if served else "models/")
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            page,
            rows=rows,
            wanted=chosen,
            shown=sum(row.shown for row in rows),
            searched=searched,
            illustrative=any("*" in row.cheapest.value for row in rows),
            suffix="" if served else ".html",
        )
    )


def render_model(view: View, model: str, served: Served | None = None) -> str:
    """A model's page. `model` is one of the catalogue's."""
    home = way_up(view.proofs.pages[model]) + ("index.html" if served is None else "models/")
    page = _page(view, served=served, root="")
    return _environment().get_template("model.html.j2").render(page, model=_model(view, model), home=home)


def fragments(view: View, model: str) -> Mapping[str, str]:
    """The parts of a model's page that change while it is open, by the id of the element that holds each."""
    environment, shown = _environment(), _model(view, model)
    context = {**_page(view, served=Served(), root=""), "model": shown}
    found = {
        name: environment.get_template(f"_{name}.html.j2").render(context)
        for name in ("asof", "tiles", "today", "providers")
    }
    proofs = environment.get_template("_proofs.html.j2")
    for each in shown.operations:
        found[each.anchor] = proofs.render(context, operation=each)
    return found


def policy(*, served: bool) -> str:
    """The content security policy; a page that is served may also ask its own server, and be framed by nobody."""
    own = "connect-src 'self'; form-action 'self'; frame-ancestors 'none'" if served else "form-action 'none'"
    style, script = _digest(_text("pages.css")), _digest(_text("pages.js"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; {own}"


def _model(view: View, model: str) -> _Model:
    found, endpoints = operations(view, model), view.catalog.models[model].values()
    return _Model(
        id=model,
        facts=view.proofs.facts[model],
        intelligence=view.standing(model),
        cheapest=cheapest(view, model),
        fastest=fastest(view, model),
        saves=best_saving(found),
        on_variant=served_by_variant(found),
        tiers=tiers(view, model, found),
        operations=found,
        providers=provider_rows(view, model),
        illustrative=any(each.price.basis == "illustrative" for each in endpoints),
    )


def _page(view: View, *, served: Served | None, root: str) -> dict[str, object]:
    """What every page says: when it is of, which signal it rests on, and the two texts that its policy names."""
    document = view.proofs.document
    signal = ""
    if document is not None:
        signal = (
            f"signal seq {document.seq} of {document.stream[:80]}, issued {wording.ago(document.issued_at, view.now)}"
        )
    overdue = document is not None and document.expires_at <= view.now
    return {
        "view": view,
        "served": served,
        "root": root,
        "signal": signal,
        "overdue": wording.ago(document.expires_at, view.now) if document is not None and overdue else "",
        "at": wording.stamp(view.now),
        "style": Markup(_text("pages.css")),  # noqa: S704  # our own
        "script": Markup(_text("pages.js")),  # noqa: S704
        "policy": "" if served is not None else policy(served=False),
    }


@cache
def _environment() -> jinja2.Environment:
    environment = templating.environment("evalgate.web")
    environment.globals.update(
        house=house, wording=wording, version=__version__, folded_from=FOLDED_FROM, shapes=_SHAPES
    )
    return environment


_SHAPES = {**house.SHAPES, "baseline": "■"}


@cache
def _text(name: str) -> str:
    return (resources.files("evalgate.web") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
