"""HOW it is asked: one file per wire protocol, each making single attempts; `evalgate.collect` decides on retries."""

from evalgate.providers.access import require_key
from evalgate.providers.base import Allowance, AttemptFailed, ProviderClient, Quota
from evalgate.providers.protocols import connect, connect_batch, require_askable
from evalgate.providers.served import answered_by

__all__ = [
    "Allowance",
    "AttemptFailed",
    "ProviderClient",
    "Quota",
    "answered_by",
    "connect",
    "connect_batch",
    "require_askable",
    "require_key",
]
