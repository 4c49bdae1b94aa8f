"""Who is asked, said in one line: `https://api.acme.example/v1,key=ACME_KEY,as=llama-70b,precision=fp8,price=0.2/0.4`.

Everything but the address may be left away, and the address too where it is the baseline's. The key is the name of an
environment variable. What looks like a key itself is refused and never repeated, wherever it stands: these lines end
in files, in the shell's history and in error messages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from evalgate.catalog.load import one_spelling
from evalgate.catalog.models import Name, Price, Url, Variable
from evalgate.errors import InputError
from evalgate.formats.documents import did_you_mean
from evalgate.formats.rewriting import OneLine
from evalgate.starting.draft import SECRET

WORDS = ("key", "as", "precision", "price", "id")
SPEC = "URL[,key=VARIABLE][,as=NAME THERE][,precision=fp8][,price=IN/OUT][,id=NAME]"
_WORD = re.compile(r",(?=[A-Za-z_]+=)")
_PRECISION = re.compile(r"[a-z0-9_.]{1,40}")
_COMMON = ("api", "www", "llm", "inference", "gateway")  # parts of host names that tell nobody apart


@dataclass(frozen=True, slots=True)
class Way:
    """One way to get the model. `price` is USD per 1M tokens of input and output; `as_`: the model's name there."""

    url: str
    key: str | None = None
    as_: str | None = None
    precision: str = "undisclosed"
    price: tuple[str, str] | None = None
    id: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it."""
        host = urlsplit(self.url).hostname or ""
        return host in ("localhost", "::1") or host.startswith("127.")


def read_way(text: str, option: str, baseline: Way | None = None) -> Way:
    """Read a line as above; raises `InputError` that begins with `option`.

    Address and key default to the baseline's.
    """
    url, *words = _WORD.split(text)
    if re.match(r"[A-Za-z_]+=", url):
        url, words = "", [url, *words]
    said: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in WORDS:
            raise InputError(f"{option}: unknown word {name[:40]!r}{did_you_mean(name, set(WORDS))}")
        if name in said or not value:
            problem = "given twice" if name in said else "empty"
            raise InputError(f"{option}: {name}= is {problem}; expected {SPEC}")
        said[name] = value
    if not url and baseline is None:
        raise InputError(f"{option}: no address; expected {SPEC}")
    way = Way(
        url=_address(url, option) if url else baseline.url,  # type: ignore[union-attr]
        key=_variable(said["key"], option) if "key" in said else None,
        as_=said.get("as"),
        precision=said.get("precision", "undisclosed"),
        price=_price(said["price"], option) if "price" in said else None,
        id=_checked(Name, said["id"], f"{option}: id=") if "id" in said else None,
    )
    if not _PRECISION.fullmatch(way.precision):
        raise InputError(f"{option}: precision={way.precision[:40]!r}: expected such as bf16, fp8, int4 or undisclosed")
    if baseline is not None and way.key is None and one_spelling(way.url) == one_spelling(baseline.url):
        return replace(way, key=baseline.key)
    return way


def _address(url: str, option: str) -> str:
    if not re.match(r"https?://", url):
        raise InputError(f"{option}: {url.partition('?')[0][:80]!r} is no address; expected {SPEC}")
    if "@" in url.partition("://")[2].partition("/")[0] or "?" in url or "#" in url or SECRET.search(url):
        message = "neither user, password, query nor key stands in an address; name the key's variable: key=VARIABLE"
        raise InputError(f"{option}: {message}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InputError(f"{option}: {url[:80]!r} is no address: its host or port cannot be read") from None
    if not parts.hostname:
        raise InputError(f"{option}: {url[:80]!r} is no address: it names no host")
    if url.endswith(("/models", "/chat/completions")):
        raise InputError(f"{option}: expected the address before that path, such as https://api.acme.example/v1")
    return _checked(Url, url, f"{option}: ")


def _variable(name: str, option: str) -> str:
    looks_like_a_key = (len(name) >= 20 and name != name.upper()) or SECRET.search(name)
    if looks_like_a_key:
        message = "key= takes the name of an environment variable, such as ACME_KEY; this looks like a key itself"
        raise InputError(f"{option}: {message}. If it is one, it stands in your shell's history now")
    return _checked(Variable, name, f"{option}: key=", shown=False)


def _checked(kind: Any, value: str, place: str, *, shown: bool = True) -> str:
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as failure:
        told = failure.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{place}{told}" + (f", got {value[:80]!r}" if shown else "")) from None


def _price(text: str, option: str) -> tuple[str, str]:
    asked, _, said = text.partition("/")
    try:
        price = Price(input=Decimal(asked), output=Decimal(said or asked))
    except (InvalidOperation, ValidationError):
        message = f"price={text[:40]!r}: expected USD per 1M tokens of input and output, such as 0.20/0.40"
        raise InputError(f"{option}: {message}") from None
    return format(price.input, "f"), format(price.output, "f")


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is asked, with a name for each: `variants[0]` is the baseline. All of it as a catalogue has it.

    The `judge`, if there is one, is the only variant of its own model `judged_by`, so that it is not judged itself.
    """

    model: str
    providers: Sequence[dict[str, Any]]
    variants: Sequence[dict[str, Any]]
    ways: Sequence[Way]
    judge: dict[str, Any] | None = None
    judged_by: str = ""

    @property
    def models(self) -> list[dict[str, Any]]:
        """As the catalogue has them."""
        asked = {"id": self.model, "baseline": self.baseline, "variants": list(self.variants)}
        return [asked] if self.judge is None else [asked, {"id": self.judged_by, "variants": [self.judge]}]

    @property
    def baseline(self) -> str:
        """The baseline's id."""
        return str(self.variants[0]["id"])

    @property
    def keys(self) -> list[str]:
        """The variables in which keys are looked for, in the order of the catalogue."""
        return list(dict.fromkeys(way.key for way in self.ways if way.key is not None))

    @property
    def illustrative(self) -> bool:
        """Whether a price is made up."""
        return any(way.price is None for way in self.ways)

    @property
    def is_local(self) -> bool:
        """Whether anybody of them is on this machine only."""
        return any(way.is_local for way in self.ways)


def roster(model: str, baseline: Way, others: Sequence[Way], judge: Way | None = None) -> Roster:
    """Name everybody; raises `InputError` for a model's name that cannot be one, and for two who are the same."""
    _checked(Name, model, "--model: ")
    ways = [baseline, *others, *([judge] if judge else [])]
    seen: set[tuple[object, ...]] = set()
    for way in ways:
        same = (one_spelling(way.url), way.as_ or model, way.precision)
        if same in seen:
            raise InputError(f"{way.url} is named twice, with the same model in the same precision: tell them apart")
        seen.add(same)
    providers: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    variants = []
    for way in ways:
        server = (one_spelling(way.url), way.key)
        if server not in providers:
            name = _free(_of_host(way.url), {str(each["id"]) for each in providers.values()})
            providers[server] = {"id": name, "base_url": way.url} | ({"api_key_env": way.key} if way.key else {})
        variants.append(_variant(way, str(providers[server]["id"]), model))
    names: set[str] = {way.id for way in ways if way.id is not None}
    for variant, way in zip(variants, ways, strict=True):
        if way.id is None:
            variant["id"] = _free(_called(way, variant["provider"]), names)
            names.add(variant["id"])
    if len({variant["id"] for variant in variants}) < len(variants):
        raise InputError("two endpoints of one id: give each an id= of its own")
    judging = variants.pop() if judge else None
    judged_by = _free(as_id(judge.as_ or ""), {model}) if judge else ""
    return Roster(model, list(providers.values()), variants, ways, judging, judged_by)


def _variant(way: Way, provider: str, model: str) -> dict[str, Any]:
    named = {"served_as": way.as_} if way.as_ not in (None, model) else {}
    price = dict(zip(("input", "output"), way.price or ("1", "1"), strict=True))
    illustrative = {} if way.price else {"basis": "illustrative"}
    return {
        "id": way.id,
        "provider": provider,
        **named,
        "quantization": way.precision,
        "price": OneLine(**{name: float(usd) for name, usd in price.items()}, **illustrative),
    }


def _called(way: Way, provider: str) -> str:
    """`acme-fp8`, or with what it is called there: `acme-llama-70b-instruct`; on this machine that alone."""
    if way.as_ and way.is_local:
        return slug(way.as_)
    if way.precision != "undisclosed":
        return f"{provider}-{way.precision}"
    return f"{provider}-{slug(way.as_.rpartition('/')[2])}" if way.as_ else provider


def _free(name: str, taken: set[str]) -> str:
    name, number = name[:190], 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def _of_host(url: str) -> str:
    """`acme` of https://api.acme.example/v1, `local-8001` of http://127.0.0.1:8001/v1."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        return f"local-{parts.port}" if parts.port else "local"
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        return slug(host)
    words = [word for word in host.split(".") if word]
    told = [word for word in words[:-1] if word not in _COMMON]
    return slug((told or words)[-1])


def as_id(name: str) -> str:
    """The name of a model as an id, which has no blanks."""
    return re.sub(r"[^A-Za-z0-9_./:@-]+", "-", name).strip("-./:@_")[:190] or "model"


def slug(text: str, otherwise: str = "endpoint") -> str:
    """`text` with only what names may have in them."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-_.")[:80] or otherwise
