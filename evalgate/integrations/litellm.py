"""LiteLLM's proxy and router: only deployments that the signal allows are ever chosen.

One line in a file `evalgate_gate.py` beside the proxy's `config.yaml` (the proxy loads callbacks only from there):

    from evalgate.integrations.litellm import gate

and one in `config.yaml`: `litellm_settings: {callbacks: evalgate_gate.gate}`. docs/integrations.md has the whole of it.

LiteLLM's own filter for callbacks, `async_filter_deployments`, is not enough. It is not asked by the synchronous
`router.completion()`, by some routing strategies, for a deployment that is called by its id, and it comes after the
cooldown, where "green, or else all" would choose a red one while the only green one cools down. So the gate stands in
the one place that all of these pass, where a group's deployments are listed, and refuses to start when LiteLLM has no
such place any more. The filter then only picks the cheapest of what is left. When nobody is left LiteLLM goes to the
group's fallback, which must be the baseline: also that is checked at the start.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from litellm import Router
from litellm.integrations.custom_logger import CustomLogger

from evalgate.errors import InputError
from evalgate.integrations.call import TIER_KEY, TIERS, Said, said
from evalgate.integrations.deployments import BASELINE, Deployment, Deployments, is_baseline_only, is_marked

if TYPE_CHECKING:
    gate: EvalgateGate

log = logging.getLogger("evalgate.litellm")
_LISTING = "_common_checks_available_deployment"  # of Router: lists a group's deployments, for every way of choosing
_NOTHING = Said(None, standard=False)
_call: ContextVar[Said] = ContextVar("evalgate_call", default=_NOTHING)


class NotEligibleError(ValueError):
    """A deployment was called by its id, and may not serve this call."""


class EvalgateGate(CustomLogger):  # type: ignore[misc]  # LiteLLM is not installed where types are checked
    """The callback; there is one for each process, made by `from_environment`."""

    def __init__(self, deployments: Deployments) -> None:
        super().__init__()
        self.deployments = deployments
        _guard(self)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> EvalgateGate:
        """As the variables EVALGATE_SIGNAL, _KEYS, _UNSIGNED, _CATALOG, _CACHE, _TOKEN and _INTERVAL say.

        Raises `InputError` when one that is needed is missing, or wrong.
        """
        from evalgate.catalog import load_catalog
        from evalgate.signal.reader import SignalReader

        source, keys = _need(environment, "EVALGATE_SIGNAL"), environment.get("EVALGATE_KEYS")
        catalog = load_catalog(_need(environment, "EVALGATE_CATALOG"))
        reader = SignalReader(
            source,
            keys=keys,
            unsigned=environment.get("EVALGATE_UNSIGNED") == "1",
            cache=environment.get("EVALGATE_CACHE"),
            token=environment.get("EVALGATE_TOKEN"),
            interval=_seconds(environment.get("EVALGATE_INTERVAL", "5")),
        )
        return cls(Deployments(catalog, reader.eligible))

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[dict[str, Any]],
        messages: object,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: object = None,
    ) -> list[Deployment]:
        """LiteLLM's hook: of those that are listed and not cooling down, the cheapest."""
        return self.deployments.cheapest(healthy_deployments, _said(request_kwargs))

    async def async_pre_call_hook(
        self, user_api_key_dict: object, cache: object, data: dict[str, Any], call_type: object
    ) -> dict[str, Any]:
        """LiteLLM's hook: a `service_tier` of ours is for us, and no provider would know it."""
        if data.get("service_tier") in TIERS:
            tier = data.pop("service_tier")
            key = "litellm_metadata" if "litellm_metadata" in data else "metadata"
            data[key] = {TIER_KEY: tier, **(data.get(key) or {})}
        return data

    def listed(self, found: Any, call: Said, router: Any) -> Any:
        """What is left of a group (a list), or of one deployment of `router` that was called by its id (a dict)."""
        if isinstance(found, dict):
            named = found.get("model_name")
            group = [found, *(each for each in router.model_list or [] if each.get("model_name") == named)]
            if not self.deployments.allowed([found], call, group):
                raise NotEligibleError(f"not eligible for operation {call.operation!r}: the signal does not allow it")
            return found
        return self.deployments.allowed(found, call)

    def require_baselines(self, router: Any) -> None:
        """Raise `InputError` unless every group in which a deployment is marked falls back to the baseline."""
        groups: dict[str, list[Deployment]] = {}
        for deployment in router.model_list or []:
            groups.setdefault(str(deployment.get("model_name")), []).append(deployment)
        fallbacks = _fallbacks(router.fallbacks or [])
        for name, group in groups.items():
            self.deployments.require(group)
            if not any(is_marked(each) for each in group) or is_baseline_only(group):
                continue
            targets = fallbacks.get(name) or fallbacks.get("*") or []
            if not any(is_baseline_only(groups.get(target, [])) for target in targets):
                wanted = f"fallbacks: [{{{name}: [GROUP]}}] in router_settings"
                marks = f"model_info: {{{BASELINE}: true}} on each deployment of GROUP"
                raise InputError(
                    f"model group {name!r} has no baseline to fall back to; expected {wanted}, and {marks}"
                )


def _guard(gate: EvalgateGate) -> None:
    """Stand in every router of this process. Raises `InputError` when LiteLLM is built otherwise than we know it."""
    listing: Callable[..., tuple[str, Any]] | None = getattr(Router, _LISTING, None)
    if listing is None:
        raise InputError(f"this version of LiteLLM has no Router.{_LISTING}: evalgate cannot guard it; see pyproject")
    made = Router.__init__

    @functools.wraps(listing)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> tuple[str, Any]:
        model, found = listing(self, *args, **kwargs)
        if "request_kwargs" not in kwargs:  # only counts them, to see whether to try again the call that it is about
            return model, gate.listed(found, _call.get(), self)
        call = _said(kwargs["request_kwargs"])
        _call.set(call)
        return model, gate.listed(found, call, self)

    @functools.wraps(made)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        gate.require_baselines(self)

    checked.__signature__ = inspect.signature(made)  # type: ignore[attr-defined]  # the proxy asks which settings it has
    setattr(Router, _LISTING, guarded)
    Router.__init__ = checked


def _said(kwargs: Mapping[str, Any] | None) -> Said:
    """What a call says, from LiteLLM's arguments. What it has no place for is not said."""
    if not isinstance(kwargs, Mapping):
        return _NOTHING
    asked = kwargs.get("proxy_server_request")
    asked = asked if isinstance(asked, Mapping) else {}
    body = asked.get("body")
    body = body if isinstance(body, Mapping) else {}
    metadata = (kwargs.get("metadata"), kwargs.get("litellm_metadata"), body.get("metadata"))
    return said(asked.get("headers"), metadata, body.get("service_tier", kwargs.get("service_tier")))


def _fallbacks(given: Iterable[object]) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for each in given:
        if isinstance(each, Mapping):
            found.update({name: [t for t in targets if isinstance(t, str)] for name, targets in each.items()})
    return found


def _need(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise InputError(f"${name} is not set; docs/integrations.md says what evalgate's LiteLLM callback needs")
    return value


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"$EVALGATE_INTERVAL is {value[:40]!r}; expected seconds, such as 5") from None


@functools.cache
def _gate() -> EvalgateGate:
    return EvalgateGate.from_environment(os.environ)


def __getattr__(name: str) -> object:
    if name == "gate":  # made when it is asked for: importing this must not need a signal
        return _gate()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
