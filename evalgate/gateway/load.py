"""Reads `gateway.yaml`; paths in it are relative to it."""

from __future__ import annotations

from pathlib import Path

from evalgate.formats.documents import read_yaml
from evalgate.gateway.settings import GatewaySettings


def load_settings(path: Path) -> GatewaySettings:
    """Raises `InputError` with file, line and what to do."""
    settings = read_yaml(path).validate(GatewaySettings)
    folder = path.parent
    signal = settings.signal.model_copy(
        update={
            "source": _beside(folder, settings.signal.source),
            "trust": [_beside(folder, each) for each in settings.signal.trust],
            "cache": _beside(folder, settings.signal.cache) if settings.signal.cache is not None else None,
        }
    )
    store = _beside(folder, settings.store) if settings.store is not None else None
    return settings.model_copy(update={"catalog": _beside(folder, settings.catalog), "signal": signal, "store": store})


def _beside(folder: Path, name: str) -> str:
    return name if "://" in name else str(folder / name)
