"""WHO was asked, and what the answers were like in numbers. Light: whoever only collects needs no statistics."""

from evalgate.facts.given import Given
from evalgate.facts.usage import Basis, Tally, Usage
from evalgate.facts.variant import VariantFacts

__all__ = ["Basis", "Given", "Tally", "Usage", "VariantFacts"]
