"""Who is asked, of what was said to `evalgate init`: endpoints, a catalogue that is there, a list of models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.starting.endpoints import Roster, Way

LISTED = 20
MOST_MODELS = 20_000
LONGEST_NAME = 500


@dataclass(frozen=True, slots=True)
class Said:
    """The options that say who is asked."""

    model: str | None = None
    baseline: str | None = None
    variants: Sequence[str] = ()
    catalog: Path | None = None
    from_endpoint: str | None = None
    judge: str | None = None

    @property
    def anything(self) -> bool:
        """Whether it says whom."""
        return any((self.baseline, self.catalog, self.from_endpoint))


@dataclass(frozen=True, slots=True)
class Everybody:
    """`model`, the ids of its `baseline` and of a `judge`; `roster` is None where a catalogue has them already."""

    model: str
    baseline: str
    roster: Roster | None
    judge: str | None = None


def who_is_asked(said: Said) -> Everybody:
    """Raises `InputError` for what is missing or does not fit; asks nobody but `--from-endpoint`."""
    from evalgate.starting.endpoints import SPEC, read_way, roster

    if said.catalog is not None:
        return _of_catalog(said, said.catalog)
    if said.from_endpoint is not None and said.baseline is not None:
        raise InputError("--from-endpoint is the baseline; give --baseline or --from-endpoint")
    if said.from_endpoint is None and said.baseline is None:
        raise InputError(f"--baseline: missing; say who is asked: --model ID --baseline {SPEC} --variant …")
    option = "--baseline" if said.from_endpoint is None else "--from-endpoint"
    baseline = read_way(said.from_endpoint or said.baseline or "", option)
    others = [read_way(text, "--variant", baseline) for text in said.variants]
    model = said.model
    if said.from_endpoint is not None:
        served = models_of(baseline)
        model, baseline, others = _of_list(served, model, baseline, others)
    if model is None:
        raise InputError("--model: missing; expected its id, such as meta-llama/llama-3.1-70b-instruct")
    if not others:
        raise InputError("--variant: missing; name at least one endpoint that is to be held against the baseline")
    judge = None if said.judge is None else read_way(said.judge, "--judge", baseline)
    if judge is not None and judge.as_ is None:
        raise InputError("--judge: as= is missing; expected the model that judges, as it is called there")
    found = roster(model, baseline, others, judge)
    return Everybody(model, found.baseline, found, str(found.judge["id"]) if found.judge else None)


def _of_catalog(said: Said, path: Path) -> Everybody:
    from evalgate.catalog import load_catalog
    from evalgate.formats.documents import did_you_mean

    if said.from_endpoint is not None:
        raise InputError("--catalog says who is asked; leave --from-endpoint away")
    if said.variants:
        raise InputError("--catalog has its variants; name them under `variants` in the suite, or leave --variant away")
    catalog = load_catalog(path)
    models = [name for name in catalog.models if said.model in (None, name)]
    if not models:
        raise InputError(f"{path}: no model {said.model!r}{did_you_mean(said.model or '', set(catalog.models))}")
    if said.baseline is not None:
        models = [name for name in models if said.baseline in catalog.models[name]]
        if not models:
            known = {variant for variants in catalog.models.values() for variant in variants}
            raise InputError(f"{path}: no variant {said.baseline!r}{did_you_mean(said.baseline, known)}")
    if len(models) > 1:
        raise InputError(f"{path}: has {len(models)} models; say which: --model {models[0]}")
    baseline = said.baseline or catalog.baselines.get(models[0])
    if baseline is None:
        listed = ", ".join(list(catalog.models[models[0]])[:LISTED])
        raise InputError(f"--baseline: missing; say which of {listed} is the full-precision one")
    return Everybody(models[0], baseline, None, said.judge)


def models_of(way: Way) -> list[str]:
    """What an endpoint says that it serves; asks it once."""
    from evalgate.catalog import Provider
    from evalgate.cli.sources import read_source
    from evalgate.providers.access import require_key

    provider = Provider(id="baseline", base_url=way.url, api_key_env=way.key)
    read = read_source(f"{way.url.rstrip('/')}/models", require_key(provider, os.environ))
    content = read.decoded()
    entries = content.get("data") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise InputError(f"{read.name}: expected a list of models as the OpenAI API has it, under `data`")
    ids = [each.get("id") for each in entries[:MOST_MODELS] if isinstance(each, dict)]
    names = [name for name in ids if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()]
    if not names:
        raise InputError(f"{read.name}: lists no model")
    return list(dict.fromkeys(names))


def listed(served: Sequence[str]) -> str:
    """The first of them, for a message."""
    more = f", … and {len(served) - LISTED} more" if len(served) > LISTED else ""
    return ", ".join(served[:LISTED]) + more


def _of_list(served: Sequence[str], model: str | None, baseline: Way, others: list[Way]) -> tuple[str, Way, list[Way]]:
    """Names that the endpoint knows, or an `InputError` with those that it knows."""
    from evalgate.catalog.load import one_spelling
    from evalgate.formats.documents import did_you_mean

    if baseline.as_ is None and model is None and len(served) > 1:
        raise InputError(f"--model: missing; {baseline.url} serves {listed(served)}")
    baseline = replace(baseline, as_=baseline.as_ or model or served[0])
    for way in (baseline, *others):
        name = way.as_ or model
        if one_spelling(way.url) == one_spelling(baseline.url) and name is not None and name not in served:
            raise InputError(f"{way.url} serves no {name[:200]!r}{did_you_mean(name, set(served))}")
    from evalgate.starting.endpoints import as_id

    return model or as_id(baseline.as_ or ""), baseline, others
