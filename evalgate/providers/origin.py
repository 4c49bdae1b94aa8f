"""A provider's server, as requests go out to it: its connections, and the head of each request with the key in it."""

from __future__ import annotations

import functools
from urllib.parse import quote, urlsplit

import orjson

from evalgate import __version__
from evalgate.catalog import Provider
from evalgate.errors import InputError
from evalgate.providers.access import authentication, query_of, root_of
from evalgate.providers.connections import Address, Connections
from evalgate.providers.proxy import proxy_for

MIN_SECRET = 16  # characters; shorter keys are placeholders such as EMPTY, and may be words of an answer
_URL_CHARACTERS = "%/?[]@:!$&'()*+,;=~"  # RFC 3986, and what is encoded already; nothing else gets into a request line


class Origin:
    """Must be made inside a running event loop. Raises `InputError` for a base_url, or a proxy, that leads nowhere.

    `secret`: the key as it stands in JSON, None where there is none or it is too short to be one.
    """

    def __init__(self, provider: Provider, key: str | None) -> None:
        self.base, self._query = root_of(provider), query_of(provider)
        # as it stands in JSON; an endpoint that echoes the key must not get it stored
        self.secret = orjson.dumps(key)[1:-1] if key is not None and len(key) >= MIN_SECRET else None
        try:
            server = Address.of(self.base)
        except ValueError:
            raise InputError(f"provider {provider.id!r}: invalid base_url {self.base}") from None
        proxy = Address.of(url) if (url := proxy_for(self.base)) is not None else None
        # less than the whole: a provider that is not there is told from one that does not answer
        self.connections = Connections(server, proxy, min(provider.connect_timeout, 0.9 * provider.timeout))
        headers = {"Host": server.authority, "User-Agent": f"evalgate/{__version__}", "Accept": "*/*"}
        headers |= {"Accept-Encoding": "identity"} | authentication(provider, key)
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._before_path = urlsplit(self.base).path
        if proxy is not None and server.scheme == "http":
            self._before_path = f"http://{server.authority}{self._before_path}"
            self._headers += proxy.authorization

    def url(self, path: str) -> str:
        """Where `path` (which may have a query) is at this provider."""
        return self._with_query(self.base + path)

    def head(self, method: str, path: str, kind: str | None, size: int, more: str = "") -> bytes:
        """What goes before a body of `size` bytes and media type `kind`; None: there is no body.

        `more`: further header lines, each with its line end; nothing in them is checked here.
        """
        content = f"Content-Type: {kind}\r\nContent-Length: {size}\r\n" if kind is not None else ""
        target = _quoted(self._with_query(f"{self._before_path}{path}"))
        return f"{method} {target} HTTP/1.1\r\n{self._headers}{more}{content}\r\n".encode()

    def _with_query(self, url: str) -> str:
        return f"{url}{'&' if '?' in url else '?'}{self._query}" if self._query else url


@functools.lru_cache(maxsize=64)  # most calls of a run go to one place
def _quoted(target: str) -> str:
    return quote(target, safe=_URL_CHARACTERS)
