"""Prices in USD per token, as other lists have them, and the one price per 1M tokens that a catalogue has."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_UP, Decimal, InvalidOperation

from evalgate.errors import InputError

_PLACES = Decimal("0.000001")
_MOST = Decimal("0.1")  # USD for one token: what is above is per 1M tokens, or no price


def per_million(prices: Iterable[tuple[str, object]]) -> float:
    """The dearest of some prices (each with its name, the base price first) in USD per 1M tokens, rounded up.

    Some cost more at some hours or above some length of prompt, and nobody must look cheaper than it is.
    """
    dearest = max(dollars(value, name) for name, value in prices)
    return float((dearest * 1_000_000).quantize(_PLACES, rounding=ROUND_UP))


def dollars(value: object, name: str) -> Decimal:
    """A price in USD per token, from a text or a number. Raises `InputError` when it cannot be one."""
    try:
        price = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or not 0 <= price <= _MOST:
        raise InputError(f"{name}: expected USD per token, from 0 to {_MOST}, got {str(value)[:40]!r}")
    return price
