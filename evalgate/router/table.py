"""The signal and the catalogue, prepared for choosing: what does not depend on the call is worked out once a signal.

Built anew for each signal document (thousands of entries: a moment), and read-only from then on, so that the choice
itself has a few comparisons left for each variant. Whoever may not be used whatever the call (red, unknown, changed,
not in the signal) is set aside here, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from evalgate.catalog import Catalog, DataPolicy, Endpoint, ToolChoice
from evalgate.errors import InputError
from evalgate.formats.documents import did_you_mean
from evalgate.router.call import Call
from evalgate.router.cost import TokenMix, length_of
from evalgate.signal import SignalDocument, SignalEntry
from evalgate.signal.reader import Eligible, ReadDocument
from evalgate.signal.reader.clock import SKEW

NEVER = float("-inf")
Entry = SignalEntry | Eligible  # the same, decoded by two libraries
_STATES = {"red": "red", "unknown": "not proven"}


@dataclass(frozen=True, slots=True)
class Option:
    """A variant as the choice sees it. `cost`: USD for one call of the operation's mix, None where nobody knows.

    `eligible_until`: seconds since 1970, `NEVER` where it is not eligible; `certified_success`: share of calls that
    were answered when it was judged; `proven_input`: mean tokens of the prompts that it was judged on.
    """

    endpoint: Endpoint
    id: str
    eligible_until: float
    reason: str
    cost: float | None
    certified_success: float
    estimated: bool
    tools: bool
    tool_choice: list[ToolChoice] | None
    json_schema: bool
    images: bool
    chat: bool
    completions: bool
    context: int | None
    max_output: int | None
    proven_input: float | None
    data_policy: DataPolicy | None
    price_input: Decimal
    price_output: Decimal


@dataclass(frozen=True, slots=True)
class Route:
    """Who may take an operation's calls. `greens`: those that may be eligible, `others`: those that are not, whatever.

    `certified`: whether the operation is in the signal at all.
    """

    operation: str | None
    model: str
    baseline: Option
    greens: tuple[Option, ...]
    others: tuple[Option, ...]
    certified: bool

    @property
    def everybody(self) -> tuple[Option, ...]:
        """The baseline and all others."""
        return (self.baseline, *self.greens, *self.others)


class RoutingTable:
    """All routes of one signal document over one catalogue; read-only, so it may be shared between threads."""

    def __init__(self, document: SignalDocument | ReadDocument | None, catalog: Catalog) -> None:
        """`document` None: there is no signal, and everything goes to the baseline. A reader's own form will do.

        `not_before`: a clock that says it is earlier than the signal was issued is wrong, and proves nothing fresh.
        """
        self.seq = document.seq if document is not None else None
        self.not_before = document.issued_at.timestamp() - SKEW if document is not None else NEVER
        self.catalog = catalog
        grouped: dict[tuple[str, str], list[Entry]] = {}
        for entry in document.entries if document is not None else ():
            grouped.setdefault((entry.operation, entry.model), []).append(entry)
        self._baselines = _baselines(catalog, grouped)
        self._models: dict[str, list[str]] = {}
        for operation, model in grouped:
            self._models.setdefault(operation, []).append(model)
        self._routes: dict[tuple[str, str], Route | InputError] = {}
        for key, entries in grouped.items():
            try:
                self._routes[key] = _route(key[0], key[1], entries, catalog)
            except InputError as failure:  # of this operation alone
                self._routes[key] = failure
        self._uncertified: dict[str, Route] = {}

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations in the signal, sorted."""
        return tuple(sorted(self._models))

    def route(self, call: Call) -> Route:
        """Who may take the call.

        Raises `InputError` where nobody can say who the baseline is: an unknown operation without a model, a model or
        baseline that the catalogue does not have.
        """
        model = call.model
        if model is None:
            model = self._only_model(call.operation)
        if call.operation is not None:
            found = self._routes.get((call.operation, model))
            if isinstance(found, Route):
                return found
            if found is not None:
                raise InputError(str(found))
        known = self._uncertified.get(model)
        if known is None:
            known = self._uncertified[model] = self._without_proof(model)
        return known

    def _only_model(self, operation: str | None) -> str:
        if operation is None:
            raise InputError("the call names neither an operation nor a model; nobody can say who its baseline is")
        models = self._models.get(operation, [])
        if len(models) > 1:
            raise InputError(f"operation {operation!r} is judged on several models; name one: {', '.join(models)}")
        if not models:
            known = ", ".join(self.operations) or "none"
            raise InputError(f"the signal has no operation {operation!r}; it has: {known}")
        return models[0]

    def _without_proof(self, model: str) -> Route:
        """Of an operation that nothing is proven of: the baseline, and nobody else."""
        endpoints = self.catalog.endpoints(model)
        named = self._baselines.get(model)
        if named is None and len(endpoints) == 1:
            named = next(iter(endpoints))
        if named is None or named not in endpoints:
            message = f"{self.catalog.path}: nobody says who the baseline of {model!r} is"
            raise InputError(f"{message}; set `baseline:` at the model, to one of: {', '.join(endpoints)}")
        others = (_option(each, "not in the signal") for name, each in endpoints.items() if name != named)
        return Route(None, model, _option(endpoints[named], "baseline"), (), tuple(others), certified=False)


def _baselines(catalog: Catalog, grouped: Mapping[tuple[str, str], Sequence[Entry]]) -> dict[str, str]:
    """The baseline of each model: as the catalogue says, else the one that all suites of the model agree on."""
    named: dict[str, set[str]] = {}
    for (_, model), entries in grouped.items():
        named.setdefault(model, set()).update(entry.baseline for entry in entries)
    agreed = {model: next(iter(names)) for model, names in named.items() if len(names) == 1}
    return {**agreed, **catalog.baselines}


def _route(operation: str, model: str, entries: Sequence[Entry], catalog: Catalog) -> Route:
    endpoints = catalog.endpoints(model)
    name = max(entries, key=lambda entry: entry.valid_until).baseline  # where they differ, the one judged against last
    if name not in endpoints:
        message = f"{catalog.path}: the baseline {name!r} of {operation!r} is not in the catalogue"
        raise InputError(f"{message}{did_you_mean(name, set(endpoints))}")
    mix = TokenMix.of([entry for entry in entries if entry.baseline == name])
    own = endpoints[name]
    baseline = _option(own, "baseline", cost=mix.cost(own), estimated=mix.estimated)
    by_variant = {entry.variant.id: entry for entry in entries}
    options = [
        _judged(endpoint, by_variant.get(each), own, mix) for each, endpoint in endpoints.items() if each != name
    ]
    greens = tuple(option for option in options if option.eligible_until != NEVER)
    others = tuple(option for option in options if option.eligible_until == NEVER)
    return Route(operation, model, baseline, greens, others, certified=True)


def _judged(endpoint: Endpoint, entry: Entry | None, baseline: Endpoint, mix: TokenMix) -> Option:
    if entry is None:
        return _option(endpoint, "not in the signal")
    evidence = entry.evidence
    reason = _held_back(endpoint, entry, baseline)
    return _option(
        endpoint,
        reason or f"green: {entry.reason}",
        until=NEVER if reason else entry.valid_until.timestamp(),
        cost=mix.cost(endpoint, length_of(entry)),
        success=evidence.success,
        estimated=evidence.tokens.basis != "counted",
        proven_input=evidence.tokens.input,
    )


def _held_back(endpoint: Endpoint, entry: Entry, baseline: Endpoint) -> str | None:
    """Why an entry makes nobody eligible, however fresh it is; None where it does."""
    if entry.baseline != baseline.id:
        return f"was held against {entry.baseline}, which is not the baseline"
    try:
        changed = _changed(endpoint, entry, baseline)
    except InputError as failure:  # a recording is gone
        changed = str(failure)
    if changed is not None:
        return changed
    if entry.state != "green":
        return f"{_STATES[entry.state]}: {entry.reason}"
    return f"contradicts itself: green by a verdict of {entry.verdict}" if entry.verdict != "green" else None


def _changed(endpoint: Endpoint, entry: Entry, baseline: Endpoint) -> str | None:
    if entry.variant.config != endpoint.config:
        return "its configuration changed since it was judged"
    if entry.evidence.baseline_config != baseline.config:
        return "the baseline's configuration changed since it was judged"
    return None


def _option(
    endpoint: Endpoint,
    reason: str,
    *,
    until: float = NEVER,
    cost: float | None = None,
    success: float = 1.0,
    estimated: bool = False,
    proven_input: float | None = None,
) -> Option:
    offers, price = endpoint.variant.capabilities, endpoint.price
    return Option(
        endpoint=endpoint,
        id=endpoint.id,
        eligible_until=until,
        reason=reason,
        cost=cost,
        certified_success=success,
        estimated=estimated,
        tools=offers.tools,
        tool_choice=offers.tool_choice,
        json_schema=offers.json_schema,
        images=offers.images,
        chat=offers.chat,
        completions=offers.completions,
        context=offers.context,
        max_output=offers.max_output,
        proven_input=proven_input,
        data_policy=endpoint.variant.data_policy,
        price_input=price.input,
        price_output=price.output,
    )
