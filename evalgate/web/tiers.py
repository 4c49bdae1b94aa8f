"""In one line each: what realtime, standard and batch do with a model today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalgate.errors import InputError
from evalgate.report.wording import counted
from evalgate.router import Call, choose
from evalgate.web import wording
from evalgate.web.operations import Operation
from evalgate.web.view import View


@dataclass(frozen=True, slots=True)
class Tier:
    """`whom`: who takes its calls; `about`: why, or what to do so that somebody does."""

    name: str
    whom: str
    about: str


def tiers(view: View, model: str, found: Sequence[Operation]) -> list[Tier]:
    """The three tiers."""
    return [_realtime(view, model, found), _standard(view, found), _batch(view, model, found)]


def best_saving(found: Sequence[Operation]) -> str:
    """The most that the standard tier saves on an operation; a dash where it saves nothing."""
    picks = [each.pick for each in found if each.pick is not None and each.pick.saving > 0]
    return max(picks, key=lambda pick: pick.saving).saves if picks else wording.NONE


def served_by_variant(found: Sequence[Operation]) -> int:
    """On how many operations the standard tier takes another variant than the baseline."""
    return sum(each.pick is not None and each.pick.certified for each in found)


def _realtime(view: View, model: str, found: Sequence[Operation]) -> Tier:
    about = "Straight to the baseline at its native precision, for hard limits of latency and quality."
    names: list[str | None] = [each.name for each in found]
    whom: dict[str, None] = {}
    try:
        for name in names or [None]:
            call = Call(name, model=model, tier="realtime")
            baseline = choose(call, view.proofs.table, now=view.now).route.baseline.endpoint
            price = f"{wording.dollars(baseline.price.input)}{wording.mark(baseline)}"
            whom[f"{baseline.id} ({baseline.quantization.label}) at {price} / 1M"] = None
    except InputError:
        return Tier(
            "Realtime",
            "nobody yet",
            "Nobody says who the baseline is: name one with “baseline:” at the model in the catalogue.",
        )
    return Tier("Realtime", ", ".join(whom), about)


def _standard(view: View, found: Sequence[Operation]) -> Tier:
    if view.proofs.document is None:
        about = "There is no signal, so nothing cheaper is proven. Publish one: evalgate check suites --publish PLACE."
        return Tier("Standard", "the baseline", about)
    if not found:
        about = "No suite judges this model, so nothing cheaper is proven. Write one: docs/suites.md."
        return Tier("Standard", "the baseline", about)
    about = "The cheapest variant that has stayed green on the operation; the baseline where there is none."
    whom = f"{served_by_variant(found)} of {counted(len(found), 'operation')} on a cheaper variant"
    return Tier("Standard", whom, about)


def _batch(view: View, model: str, found: Sequence[Operation]) -> Tier:
    discounts = {
        endpoint.id: endpoint.variant.batch_discount
        for endpoint in view.catalog.models[model].values()
        if endpoint.variant.batch_discount is not None
    }
    picked = [each.pick for each in found if each.pick is not None]
    served = sum(discounts.get(pick.variant) is not None for pick in picked)
    if served:
        whom = f"{served} of {counted(len(found), 'operation')} at a batch discount"
    else:
        whom = "the variant of the standard tier"
    about = "Asynchronous: the batch API of the variant that the standard tier takes, else a queue for spare capacity"
    return Tier("Batch", whom, f"{about}; no variant has a batch API." if not discounts else f"{about}.")
