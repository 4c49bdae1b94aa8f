"""What a call says of itself: its operation and its tier, wherever a gateway keeps them.

Two different names for one call are none: nobody can say which is meant, so it goes to the baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Tier = Literal["realtime", "standard", "batch"]
TIERS: tuple[str, ...] = get_args(Tier)
OPERATION_HEADER, TIER_HEADER = "x-evalgate-operation", "x-evalgate-tier"
OPERATION_KEY, TIER_KEY = "operation_id", "tier"


@dataclass(frozen=True, slots=True)
class Said:
    """`operation`: None when the call names none, or two. `standard`: False when it asks for another tier."""

    operation: str | None
    standard: bool


def said(
    headers: Mapping[str, object] | None, metadata: Iterable[Mapping[str, object] | None], service_tier: object = None
) -> Said:
    """What a call's headers, its metadata (a gateway may keep several copies) and its `service_tier` say."""
    lowered = {str(name).lower(): value for name, value in (headers or {}).items()}
    known = [each for each in metadata if isinstance(each, Mapping)]
    operations = {_text(lowered.get(OPERATION_HEADER)), *(_text(each.get(OPERATION_KEY)) for each in known)} - {None}
    tiers = {_text(lowered.get(TIER_HEADER)), *(_text(each.get(TIER_KEY)) for each in known)} - {None}
    if service_tier in TIERS:  # every other value is the provider's own
        tiers.add(str(service_tier))
    return Said(operations.pop() if len(operations) == 1 else None, standard=tiers <= {"standard"})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
