"""Running products that neither overflow nor depend on the machine.

An e-value is a product of hundreds of factors. The usual way, a sum of logarithms, is not the same number on every
machine: `log` is not correctly rounded, and numpy picks an implementation by the CPU it finds. Multiplication,
division and square root are correctly rounded everywhere (IEEE 754), so here the product itself is carried, always
from left to right; where it leaves the range of a float it is rescaled by powers of two, which is exact. The promise
"the same evidence gives the same verdict, bit for bit, on every machine" rests on this file and on running sums,
which are sequential too.
"""

from __future__ import annotations

import numpy as np

from evalgate.stats._input import FloatArray

CERTAIN = 2.0**1000
"""The e-value that stands for certainty: finite, so that it can be sorted, averaged and written as JSON."""

_BLOCK = 256  # factors of at least 0.1 and at most 8 leave 256 of them far from under- and overflow
_SAFE = 1e-290


def running_product(factors: FloatArray) -> FloatArray:
    """The products of the first 1, 2, ... n factors along the last axis, at most `CERTAIN`.

    `factors` has shape (..., n) and lies in [0, 8], so has the result. The product after t factors depends on these
    t factors only, never on what follows: it is the same for every batch size.
    """
    with np.errstate(over="ignore", under="ignore"):
        products = np.multiply.accumulate(factors, axis=-1)
        if products.min(initial=1.0) < _SAFE or products.max(initial=1.0) > 1.0 / _SAFE:
            mantissa, power = _rescaled_product(factors)
            products = np.ldexp(mantissa, power)
        return np.minimum(products, CERTAIN)


def _rescaled_product(factors: FloatArray) -> tuple[FloatArray, np.ndarray[tuple[int, ...], np.dtype[np.int32]]]:
    """The same products, bit for bit, as (mantissa, power of two)."""
    mantissa = np.empty(factors.shape)
    power = np.empty(factors.shape, dtype=np.int32)
    carried: FloatArray = np.ones(factors.shape[:-1])
    shift = np.zeros(factors.shape[:-1], dtype=np.int32)
    for start in range(0, factors.shape[-1], _BLOCK):
        block = factors[..., start : start + _BLOCK].copy()
        block[..., 0] *= carried
        products = np.multiply.accumulate(block, axis=-1)
        mantissa[..., start : start + _BLOCK] = products
        power[..., start : start + _BLOCK] = shift[..., None]
        carried, further = np.frexp(products[..., -1])
        shift = shift + further
    return mantissa, power
