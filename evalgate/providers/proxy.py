"""The proxy of the environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, looked up once for each provider."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # typeshed does not know the second
    getproxies_environment,
    proxy_bypass_environment,
)

from evalgate.errors import InputError
from evalgate.providers.connections import Address


def proxy_for(url: str) -> str | None:
    """The proxy through which `url` is asked; None for none.

    This machine itself is never asked through a proxy: servers that run here are not there for anybody else. Raises
    `InputError` for a proxy that is not HTTP.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None  # whoever uses the URL says what is wrong with it
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme)
    if not proxy or _is_here(host) or proxy_bypass_environment(f"{host}:{port}" if port else host, proxies):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if not _is_http(proxy):
        variable = f"{parts.scheme.upper()}_PROXY"
        raise InputError(f"the proxy in the environment variable {variable} is none: expected http://host:port")
    return proxy


def _is_http(proxy: str) -> bool:
    try:
        return urlsplit(proxy).scheme in ("http", "https") and bool(Address.of(proxy))
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
