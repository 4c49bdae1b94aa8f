"""Where a provider is, and how a call shows its key."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evalgate.catalog import Provider
from evalgate.errors import InputError

DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")  # an api_version of Azure's older API


def root_of(provider: Provider) -> str:
    """The URL that the paths of its protocol are put after.

    Azure's has a part that people write or leave away: `/openai/v1`, or `/openai` before the deployments of the API
    that is versioned by date.
    """
    url = (provider.base_url or "").rstrip("/")
    if provider.protocol != "azure":
        return url
    resource = url.removesuffix("/v1").removesuffix("/openai")
    return f"{resource}/openai" if by_deployment(provider) else f"{resource}/openai/v1"


def query_of(provider: Provider) -> str:
    """What every URL ends with; empty for most."""
    return f"api-version={provider.api_version}" if provider.api_version else ""


def by_deployment(provider: Provider) -> bool:
    """Whether a deployment is named in the path, as in Azure's API before `/openai/v1`, and not in the body."""
    return provider.api_version is not None and DATED.fullmatch(provider.api_version) is not None


def authentication(provider: Provider, key: str | None) -> dict[str, str]:
    """The headers that carry the key, as the provider's protocol wants them."""
    if provider.protocol == "anthropic":
        return {"anthropic-version": "2023-06-01"} | ({} if key is None else {"x-api-key": key})
    if key is None:
        return {}
    return {"api-key": key} if provider.protocol == "azure" else {"Authorization": f"Bearer {key}"}


def require_key(provider: Provider, environment: Mapping[str, str]) -> str | None:
    """The provider's key; raises `InputError` when the catalogue names a variable in which there is none."""
    if provider.api_key_env is None:
        return None
    key = environment.get(provider.api_key_env, "").strip()
    if not key:
        variable = provider.api_key_env
        message = f"provider {provider.id!r} needs its key in the environment variable {variable}, which is not set"
        raise InputError(f"{message}; run: export {variable}=…")
    if not key.isascii() or not key.isprintable():
        raise InputError(f"the key in the environment variable {provider.api_key_env} has characters that no key has")
    return key
