"""From a catalogue file to endpoints that can be asked: references resolved, and each variant's config hash taken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from evalgate.catalog.models import CatalogFile, Model, Price, Provider, Quantization, Variant
from evalgate.errors import InputError
from evalgate.formats.canonical import digest
from evalgate.formats.documents import Document, did_you_mean, read_yaml


@dataclass(frozen=True)
class Endpoint:
    """A variant with everything that is needed to ask it."""

    model: str
    variant: Variant
    provider: Provider
    place: str
    recording: Path | None = None

    @property
    def id(self) -> str:
        """The variant's id."""
        return self.variant.id

    @property
    def price(self) -> Price:
        """USD per 1M tokens."""
        return self.variant.price

    @property
    def quantization(self) -> Quantization:
        """What the provider declares."""
        return self.variant.quantization

    @property
    def served_as(self) -> str:
        """The model's name at the provider."""
        return self.variant.served_as or self.model

    @cached_property
    def config(self) -> str:
        """Hash of all that could change an answer: an answer bought from another config is another answer.

        Price, pace, timeouts, streaming and the spelling of the URL are not part of it. For recorded answers the
        recording's own hash is. Raises `InputError` when the recording cannot be read any more.
        """
        return self._hash([self.provider.id], one_spelling(self.provider.base_url))

    @cached_property
    def kin(self) -> str:
        """Like `config`, whatever the provider is called: what was bought under another name is as good."""
        return self._hash([], one_spelling(self.provider.base_url))

    @property
    def former_config(self) -> str:
        """What `config` was when the spelling of the URL was part of it."""
        return self._hash([self.provider.id], self.provider.base_url)

    def _hash(self, name: list[str], url: str | None) -> str:
        variant, provider = self.variant, self.provider
        version = [provider.api_version] if provider.api_version else []
        try:
            recording = hashlib.sha256(self.recording.read_bytes()).hexdigest() if self.recording else None
        except OSError as failure:
            raise InputError(f"{self.place}: {self.recording}: cannot be read: {failure.strerror}") from None
        return digest(
            {
                "model": self.model,
                "served_as": self.served_as,
                "provider": [*name, provider.protocol, url, *version],
                "path": [variant.path, variant.tag],
                "quantization": variant.quantization.label,
                "serving": variant.serving,
                "recording": recording,
            }
        )

    def cost(self, input_tokens: float, output_tokens: float) -> Decimal:
        """USD for one call."""
        return self.price.cost(input_tokens, output_tokens)


@dataclass(frozen=True)
class Catalog:
    """Every endpoint there is, by model and variant."""

    document: Document
    models: Mapping[str, Mapping[str, Endpoint]]
    baselines: Mapping[str, str] = field(default_factory=dict)  # by model, where the catalogue names one
    about: Mapping[str, Model] = field(default_factory=dict)  # what is written of each model

    @property
    def path(self) -> Path:
        """The catalogue's file."""
        return self.document.path

    def endpoints(self, model: str) -> Mapping[str, Endpoint]:
        """The variants of `model` by id, in catalogue order; raises `InputError` for an unknown model."""
        if model not in self.models:
            raise InputError(f"{self.path}: no model {model!r}{did_you_mean(model, set(self.models))}")
        return self.models[model]


def load_catalog(path: Path | str) -> Catalog:
    """Load and check a catalogue; raises `InputError` with file, line and what to do."""
    return catalog_of(read_yaml(Path(path)))


def catalog_of(document: Document) -> Catalog:
    """Like `load_catalog`, for a document that was read."""
    file = document.validate(CatalogFile)
    _refuse_duplicates(document, "provider", ((("providers", i), p.id) for i, p in enumerate(file.providers)))
    _refuse_duplicates(document, "model", ((("models", i), m.id) for i, m in enumerate(file.models)))
    providers = {provider.id: provider for provider in file.providers}
    for index, provider in enumerate(file.providers):
        _check_provider(document, provider, index)
    models: dict[str, dict[str, Endpoint]] = {}
    places: list[tuple[tuple[int | str, ...], str]] = []
    for m, model in enumerate(file.models):
        models[model.id] = {}
        for v, variant in enumerate(model.variants):
            place = ("models", m, "variants", v)
            places.append((place, variant.id))
            models[model.id][variant.id] = _endpoint(document, model.id, variant, providers, place)
        if model.baseline is not None and model.baseline not in models[model.id]:
            message = (
                f"no variant {model.baseline!r} of this model{did_you_mean(model.baseline, set(models[model.id]))}"
            )
            raise document.error(message, "models", m, "baseline")
    _refuse_duplicates(document, "variant", places)
    baselines = {each.id: each.baseline for each in file.models if each.baseline is not None}
    return Catalog(document, models, baselines, {each.id: each for each in file.models})


def _check_provider(document: Document, provider: Provider, index: int) -> None:
    place = ("providers", index)
    if provider.protocol != "replay" and provider.base_url is None:
        raise document.error("missing; an HTTP provider needs its base_url", *place, "base_url")
    if provider.api_version is not None and provider.protocol != "azure":
        raise document.error(f"protocol {provider.protocol} has none; leave it out", *place, "api_version")


def _endpoint(
    document: Document, model: str, variant: Variant, providers: Mapping[str, Provider], place: tuple[int | str, ...]
) -> Endpoint:
    provider = providers.get(variant.provider)
    if provider is None:
        message = f"no provider {variant.provider!r}{did_you_mean(variant.provider, set(providers))}"
        raise document.error(message, *place, "provider")
    recording = None
    if provider.protocol == "replay":
        if variant.recording is None:
            raise document.error("missing; a variant that is replayed needs its recording", *place, "recording")
        recording = document.path.parent / variant.recording
        if not recording.is_file():
            raise document.error(f"the recording does not exist: {recording}", *place, "recording")
    elif variant.recording is not None:
        raise document.error(f"provider {provider.id!r} is not of protocol replay", *place, "recording")
    if provider.protocol == "openrouter" and not variant.tag:
        message = "missing; protocol openrouter pins a variant to its endpoint by the endpoint's tag, as deepinfra/fp8"
        raise document.error(message, *place, "tag")
    return Endpoint(model, variant, provider, document.at(*place), recording)


def one_spelling(url: str | None) -> str | None:
    """The URL without a slash at its end, the host in lower case, without the port that it would have anyway."""
    if url is None:
        return None
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    host = host.lower().removesuffix({"http": ":80", "https": ":443"}[scheme])
    return f"{scheme}://{host}{slash}{path}".rstrip("/")


def _refuse_duplicates(document: Document, kind: str, named: Iterable[tuple[tuple[int | str, ...], str]]) -> None:
    seen: set[str] = set()
    for place, name in named:
        if name in seen:
            raise document.error(f"duplicate {kind} id {name!r}", *place, "id")
        seen.add(name)
