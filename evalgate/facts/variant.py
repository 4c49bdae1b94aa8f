"""Who was asked: the plain facts of one side, as boards and signals tell them."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.catalog import Endpoint


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """Who was asked; `config` is the hash that an answer of exactly this configuration carries."""

    id: str
    provider: str
    path: str
    tag: str | None
    quantization: str
    quantization_source: str
    bits_per_weight: float | None
    config: str
    price_input: str  # USD per 1M tokens
    price_output: str
    price_basis: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> VariantFacts:
        """The facts of a catalogue entry."""
        price = endpoint.price.model_dump()
        return cls(
            id=endpoint.id,
            provider=endpoint.provider.id,
            path=endpoint.variant.path,
            tag=endpoint.variant.tag,
            quantization=endpoint.quantization.label,
            quantization_source=endpoint.quantization.source,
            bits_per_weight=endpoint.quantization.bits_per_weight,
            config=endpoint.config,
            price_input=price["input"],
            price_output=price["output"],
            price_basis=price["basis"],
        )
