"""Files and URLs that somebody else wrote: read with a bound on their size, and with the time they are of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from evalgate.errors import InfrastructureError, InputError

LARGEST = 16 * 1024 * 1024
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Source:
    """`name` may be shown: it has neither password nor query. `at`: when it was written, or now for a URL."""

    name: str
    data: bytes
    at: datetime
    is_local: bool

    def decoded(self) -> object:
        """Its JSON; raises `InputError` when it is none."""
        import orjson

        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError as failure:
            raise InputError(f"{self.name}: not JSON: {failure}") from None


def is_url(text: str) -> bool:
    """Whether it is fetched rather than opened."""
    return text.startswith(("http://", "https://"))


def read_source(text: str, key: str | None = None) -> Source:
    """A file or an http(s) URL, which is sent the bearer `key`.

    Raises `InputError` for a file, `InfrastructureError` for a URL that cannot be read.
    """
    return _fetched(text, key) if is_url(text) else _opened(Path(text))


def _opened(path: Path) -> Source:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot be read: not a regular file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError) as failure:
        raise InputError(f"{path}: cannot be read: {getattr(failure, 'strerror', None) or failure}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST >> 20} MiB")
    return Source(str(path), data, min(written, datetime.now(UTC)), is_local=True)


def _fetched(url: str, key: str | None) -> Source:
    import httpx

    name = _without_secrets(url)
    data = bytearray()
    headers = {"authorization": f"Bearer {key}"} if key else {}  # httpx drops it where another host is redirected to
    try:
        with httpx.stream("GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True) as response:
            for piece in response.iter_bytes():
                data += piece
                if len(data) > LARGEST:
                    raise InputError(f"{name}: larger than {LARGEST >> 20} MiB")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        reason = str(failure).replace(url, name) or type(failure).__name__
        raise InfrastructureError(f"{name}: cannot be read: {reason}") from None
    if response.status_code != httpx.codes.OK:
        raise InfrastructureError(f"{name}: HTTP {response.status_code}, expected 200")
    return Source(name, bytes(data), datetime.now(UTC), is_local=False)


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
