"""Pictures in what is asked: by a URL, which the endpoint fetches, or by a file, which goes into the request.

A file is part of the request and so of its hash: another picture under the same name is another question. What stands
behind a URL nobody can vouch for; it is told apart by the URL alone.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.canonical import digest
from evalgate.suite.paths import allowed

MAX_BYTES = 5 * 1024 * 1024  # of a file; no provider takes less
_MAX_URL = 8192
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.ASCII)
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))


class Pictures:
    """The pictures of a suite, which stay what they were when it was loaded: all who are asked see the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], str] = {}

    def url(self, name: str, folder: Path, place: str) -> str:
        """As `image_url`; raises `InputError` also for a file that is not what it was before."""
        found = image_url(name, folder, place)
        known = digest(found)
        if self._known.setdefault((folder, name), known) != known:
            message = f"the picture {name!r} has changed since it was loaded; run the same command again"
            raise InputError(f"{place}: {message}")
        return found


def image_url(name: str, folder: Path, place: str) -> str:
    """The URL that is sent for a picture: of the web as it is, of a file in `folder` with all that is in it.

    Raises `InputError`, which begins with `place`, for a file that is missing, too large, none of PNG, JPEG, GIF and
    WebP, or not to be read.
    """
    if name.startswith(("http://", "https://")):
        if len(name) > _MAX_URL or not _URL.fullmatch(name):
            raise InputError(f"{place}: {name[:200]!r} is no URL of a picture")
        return name
    if name.startswith("data:"):
        if len(name) > MAX_BYTES * 4 // 3 + 100 or not _DATA.fullmatch(name):
            raise InputError(f"{place}: expected data:image/png;base64,… (or jpeg, gif, webp) of at most 5 MiB")
        return name
    path = allowed(folder, name, place)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{place}: the picture {path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as failure:
        raise InputError(f"{place}: the picture {path} cannot be read: {failure.strerror}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{place}: the picture {path} is larger than {MAX_BYTES >> 20} MiB")
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "webp"
    if kind is None:
        raise InputError(f"{place}: {path} is no picture in PNG, JPEG, GIF or WebP")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
