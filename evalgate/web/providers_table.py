"""Who serves a model, at which precision and price, and how that goes on live traffic: the table, and its two bests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from evalgate.catalog import Endpoint
from evalgate.catalog.models import Observed, Percentiles
from evalgate.report.wording import percent
from evalgate.telemetry import Figures
from evalgate.web import wording
from evalgate.web.view import View


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it is shown, and what it rests on: `n = 812`."""

    text: str
    n: str = ""


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One variant in the table; `newest`: how old the newest call behind its figures is."""

    variant: str
    provider: str
    place: str
    quantization: str
    source: str
    input: str
    output: str
    as_of: str
    discount: str
    latency: Figure
    throughput: Figure
    uptime: Figure
    uptimes: str
    success: Figure
    newest: str
    observed: str


@dataclass(frozen=True, slots=True)
class Best:
    """A headline: `$0.15`, who, and what it rests on."""

    value: str
    who: str = ""
    about: str = ""


def provider_rows(view: View, model: str) -> list[ProviderRow]:
    """One for each variant, from the cheapest to the dearest."""
    return [_row(view, each) for each in by_price(view.catalog.models[model].values())]


def by_price(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """From the cheapest to the dearest, at three tokens in for one out."""
    return sorted(endpoints, key=lambda each: (blended(each), each.id))


def blended(endpoint: Endpoint) -> Decimal:
    """USD per 1M tokens at three in for one out, the usual way to rank prices."""
    return (3 * endpoint.price.input + endpoint.price.output) / 4


def cheapest(view: View, model: str) -> Best:
    """Who costs least, whether proven or not."""
    first = by_price(view.catalog.models[model].values())[0]
    price, marked = first.price, wording.mark(first)
    value = f"{wording.dollars(price.input)}{marked}"
    about = f"{wording.dollars(price.output)}{marked} out per 1M tokens"
    return Best(value, f"{first.provider.id} · {first.quantization.label}", about)


def fastest(view: View, model: str) -> Best:
    """Whose p95 of the output's speed is highest on live traffic."""
    best: tuple[float, Endpoint, Figures] | None = None
    for endpoint in view.catalog.models[model].values():
        live = view.figures(endpoint.id)
        p95 = live.throughput.p95
        if p95 is not None and (best is None or p95 > best[0]):
            best = p95, endpoint, live
    if best is None:
        return Best(wording.NONE, about="too few calls in the last 30 minutes")
    p95, endpoint, live = best
    about = f"n = {live.throughput.n:,}, {wording.aged(live.age)}"
    return Best(f"{p95:,.0f} tok/s", f"{endpoint.provider.id} · {endpoint.quantization.label}", about)


def _row(view: View, endpoint: Endpoint) -> ProviderRow:
    live, quantization, price = view.figures(endpoint.id), endpoint.quantization, endpoint.price
    bits = "" if quantization.bits_per_weight is None else f"{quantization.bits_per_weight:.3g} bits, "
    latency = Figure(wording.both(live.latency), _n(live.latency.n))
    if live.latency.n == 0 and live.duration.n:
        latency = Figure(wording.both(live.duration), f"whole answers, {_n(live.duration.n)}")
    uptimes = (("5 min", live.uptime_5m), ("1 d", live.uptime_1d))
    return ProviderRow(
        variant=endpoint.id,
        provider=endpoint.provider.id,
        place=endpoint.variant.tag or endpoint.variant.path,
        quantization=quantization.label,
        source="" if quantization.source == "undisclosed" else f"{bits}{quantization.source}",
        input=wording.dollars(price.input) + wording.mark(endpoint),
        output=wording.dollars(price.output) + wording.mark(endpoint),
        as_of=_as_of(getattr(price, "as_of", None)),
        discount=_discount(endpoint.variant.batch_discount),
        latency=latency,
        throughput=Figure(wording.both(live.throughput, "tok/s"), _n(live.throughput.n)),
        uptime=Figure(wording.share(live.uptime_30m), _n(live.uptime_30m.n)),
        uptimes=" · ".join(f"{span} {wording.share(each)}" for span, each in uptimes if each.value is not None),
        success=Figure(wording.share(live.success), _n(live.success.n)),
        newest=wording.aged(live.age),
        observed=observed_text(endpoint.variant.observed),
    )


def observed_text(seen: Observed | None) -> str:
    """What somebody else saw, with their name, day and n; empty where nobody tells."""
    if seen is None:
        return ""
    uptime = (seen.uptime or {}).get("30m")
    told = [
        _percentiles("first token", seen.first_token_ms, "ms"),
        _percentiles("speed", seen.tokens_per_second, "tok/s"),
        "" if uptime is None else f"uptime 30 min {wording.share_of(uptime / 100)}",
        "n not told" if seen.requests is None else f"n = {seen.requests:,}",
        seen.at,
    ]
    return f"{seen.source} saw on its own traffic: {', '.join(each for each in told if each)}"


def _percentiles(what: str, values: Percentiles | None, unit: str) -> str:
    told = [f"{name} {value:,.0f}" for name, value in sorted((values or {}).items())[:5]]
    return f"{what} {' / '.join(told)} {unit}" if told else ""


def _n(count: int) -> str:
    return f"n = {count:,}" if count else ""


def _as_of(day: object) -> str:
    return f"{day:%Y-%m-%d}" if isinstance(day, date) else ""


def _discount(share: float | None) -> str:
    return "" if share is None else f"−{percent(share)} by batch"
