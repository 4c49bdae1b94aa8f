"""Which translation stands between a client and an upstream; the identity has none."""

from __future__ import annotations

from evalgate.gateway.refusal import Refused
from evalgate.gateway.translation import Speech, Translation


def translation(client: Speech, protocol: str, path: str) -> Translation | None:
    """None: both speak the same, and bytes pass through. Raises `Refused` where nobody translates."""
    if (client == "anthropic") == (protocol == "anthropic"):
        return None
    upstream = "Anthropic's" if protocol == "anthropic" else "OpenAI's"
    message = f"the model's upstream speaks {upstream} API, into which {path} cannot be translated"
    raise Refused(400, "invalid_request_error", message)
