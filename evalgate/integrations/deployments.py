"""Which of a gateway's deployments may serve a call: pure, given what the signal's reader says is eligible.

A deployment is marked with the catalogue's variant that it is. Only a variant whose configuration is still the judged
one, held against the baseline as it still is, and that costs less, may serve; a deployment that is marked as the
baseline always may. In a group in which anybody is marked, who is not marked may not serve at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalgate.catalog import Catalog, Endpoint
from evalgate.errors import InputError
from evalgate.integrations.call import Said

if TYPE_CHECKING:
    from evalgate.signal.reader import Eligible

VARIANT, BASELINE = "evalgate_variant", "evalgate_baseline"
Deployment = Mapping[str, Any]
Eligibles = Callable[[str, str], "tuple[Eligible, ...]"]


class Deployments:
    """The rules for one catalogue; `eligible(operation, model)` is the reader's."""

    def __init__(self, catalog: Catalog, eligible: Eligibles) -> None:
        self._endpoints: dict[str, Endpoint] = {
            name: endpoint for model in catalog.models for name, endpoint in catalog.endpoints(model).items()
        }
        self._eligible = eligible

    def allowed(
        self, found: Sequence[Deployment], said: Said, group: Sequence[Deployment] | None = None
    ) -> list[Deployment]:
        """Those of `found` that may serve; a `group` in which nobody is marked is none of our business.

        `group`: all that `found` is taken from, where it is not the whole of it.
        """
        if not any(is_marked(each) for each in (found if group is None else group)):
            return list(found)
        costs = self._costs(found, said)
        return [each for each in found if _is_baseline(each) or self._may(each, costs)]

    def cheapest(self, group: Sequence[Deployment], said: Said) -> list[Deployment]:
        """Of those that may serve, all that are the cheapest variant; the baseline when there is no other."""
        allowed = self.allowed(group, said)
        costs = self._costs(allowed, said)
        variants = [each for each in allowed if self._may(each, costs) and not _is_baseline(each)]
        if not variants:
            return allowed
        best = min((costs[variant_of(each)], variant_of(each)) for each in variants)[1]
        return [each for each in variants if variant_of(each) == best]

    def _may(self, deployment: Deployment, costs: Mapping[str, float]) -> bool:
        """Whether it is what was judged: another one of the same mark may be."""
        endpoint = self.endpoint(deployment)
        return endpoint is not None and endpoint.id in costs and mismatch(deployment, endpoint) is None

    def _costs(self, group: Sequence[Deployment], said: Said) -> dict[str, float]:
        """USD per successful call of each variant that may be used, by its id."""
        if said.operation is None or not said.standard:
            return {}
        models = {endpoint.model for each in group if (endpoint := self.endpoint(each)) is not None}
        entries = {e.variant.id: e for model in sorted(models) for e in self._eligible(said.operation, model)}
        costs = {}
        for each in group:
            endpoint = self.endpoint(each)
            entry = entries.get(variant_of(each))
            if endpoint is not None and entry is not None:
                cost = self._cost(endpoint, entry)
                if cost is not None:
                    costs[endpoint.id] = cost
        return costs

    def _cost(self, endpoint: Endpoint, entry: Eligible) -> float | None:
        """None when the entry is of another configuration, or the variant saves nothing."""
        baseline = self._endpoints.get(entry.baseline)
        if baseline is None or endpoint.config != entry.variant.config:
            return None
        evidence = entry.evidence
        if baseline.config != evidence.baseline_config or not evidence.success > 0:
            return None
        ours, theirs = evidence.tokens, evidence.baseline_tokens or evidence.tokens
        if ours.input is None or ours.output is None or theirs.input is None or theirs.output is None:
            return None
        cost = float(endpoint.cost(ours.input, ours.output)) / evidence.success
        return cost if cost < float(baseline.cost(theirs.input, theirs.output)) else None

    def endpoint(self, deployment: Deployment) -> Endpoint | None:
        """The catalogue's endpoint that a deployment is marked with."""
        return self._endpoints.get(variant_of(deployment))

    def require(self, group: Sequence[Deployment]) -> None:
        """Raise `InputError` when a mark is wrong: what is deployed must be what was judged."""
        for each in group:
            name = variant_of(each)
            if not name:
                continue
            if name not in self._endpoints:
                raise InputError(f"model_info.{VARIANT}: the catalogue has no variant {name!r}")
            different = mismatch(each, self._endpoints[name])
            if different is not None:
                raise InputError(f"the deployment that is marked as {name!r} is another one: {different}")


def is_marked(deployment: Deployment) -> bool:
    """True when a deployment says which variant it is."""
    return bool(variant_of(deployment)) or _is_baseline(deployment)


def is_baseline_only(group: Sequence[Deployment]) -> bool:
    """True of a group to which everything may fall back."""
    return bool(group) and all(_is_baseline(each) for each in group)


def variant_of(deployment: Deployment) -> str:
    """The variant's id; empty without a mark."""
    value = (deployment.get("model_info") or {}).get(VARIANT)
    return value if isinstance(value, str) else ""


def mismatch(deployment: Deployment, endpoint: Endpoint) -> str | None:
    """What of a deployment is not as in the catalogue: the address, or the model's name there."""
    parameters = deployment.get("litellm_params") or {}
    model, base = str(parameters.get("model") or ""), parameters.get("api_base") or parameters.get("base_url")
    if model != endpoint.served_as and not model.endswith("/" + endpoint.served_as):
        return f"its model is {model!r}, in the catalogue {endpoint.served_as!r}"
    expected = endpoint.provider.base_url
    if base and expected and str(base).rstrip("/").lower() != expected.rstrip("/").lower():
        return f"its api_base is {base!r}, in the catalogue {expected!r}"
    return None


def _is_baseline(deployment: Deployment) -> bool:
    return (deployment.get("model_info") or {}).get(BASELINE) is True
