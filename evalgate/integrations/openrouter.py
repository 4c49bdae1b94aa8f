"""OpenRouter: the signal as the `provider` object of a request. Its list is read in `openrouter_endpoints`."""

from __future__ import annotations

from evalgate.errors import InputError
from evalgate.router import Decision


def provider_object(decision: Decision) -> dict[str, object]:
    """What a request's `provider` field must say so that only those are asked who may be, in the router's order.

    Raises `InputError` when none of them is at OpenRouter: then the call belongs to the baseline, wherever that is.
    """
    allowed = [option for option in decision.order if option.endpoint.provider.protocol == "openrouter"]
    if not allowed:
        baseline = decision.route.baseline.id
        raise InputError(
            f"nobody at OpenRouter may take {decision.route.operation!r} now: send it to the baseline, {baseline}"
        )
    tags = [str(option.endpoint.variant.tag) for option in allowed]
    found: dict[str, object] = {"order": tags, "only": tags, "allow_fallbacks": False}
    # a tag without a slash stands for all endpoints of its host: those that may not be asked are named
    others = {option.endpoint.variant.tag for option in decision.route.everybody} - set(tags)
    siblings = sorted(other for other in others if other and any(other.startswith(f"{tag}/") for tag in tags))
    if siblings:
        found["ignore"] = siblings
    labels = {option.endpoint.quantization.label for option in allowed}
    if "undisclosed" not in labels:
        found["quantizations"] = sorted(labels)
    return found
