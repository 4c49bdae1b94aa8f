"""What pages show where nothing is known: a dash, with its n all the same; and what a catalogue says of a model."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.catalog import Catalog
from evalgate.intelligence import Intelligence
from evalgate.telemetry import Figures, Share, Spread

NO_SPREAD, NO_SHARE = Spread(), Share()
NOT_SEEN = Figures(
    latency=NO_SPREAD,
    duration=NO_SPREAD,
    wait=NO_SPREAD,
    throughput=NO_SPREAD,
    success=NO_SHARE,
    uptime_5m=NO_SHARE,
    uptime_30m=NO_SHARE,
    uptime_1d=NO_SHARE,
    attempts=0,
    attempts_1d=0,
    input_tokens=0,
    output_tokens=0,
    age=None,
)
UNKNOWN_INTELLIGENCE = Intelligence(None, None, "unknown")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a catalogue says of a model itself; None: it does not say. `context` in tokens.

    Where it does not name the author, it is the id's first part (`openai/gpt-4o-mini`); where it does not tell the
    context, it is the longest that a variant promises.
    """

    name: str
    author: str | None = None
    open_weights: bool | None = None
    context: int | None = None
    released: str | None = None

    @classmethod
    def of(cls, model: str, catalog: Catalog) -> ModelFacts:
        """Of a model in the catalogue."""
        about = catalog.about[model]
        promised = [each.variant.capabilities.context or 0 for each in catalog.models[model].values()]
        author, slash, _ = model.partition("/")
        return cls(
            name=about.name or model,
            author=about.author or (author if slash else None),
            open_weights=about.open_weights,
            context=about.context or (max(promised, default=0) or None),
            released=str(about.released) if about.released else None,
        )
