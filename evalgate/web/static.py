"""Pages as a folder that works from a disk, a bucket or any web server: every link is relative."""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import InputError
from evalgate.formats.files import write_atomically
from evalgate.web.render import render_index, render_model
from evalgate.web.view import View

_OURS = b'<meta name="generator" content="evalgate pages">'
_HEAD = 2_000  # bytes within which it stands


def write_pages(view: View, folder: Path) -> int:
    """Write `index.html` and a page for each model below `models/`; returns how many pages there are.

    Each is replaced as a whole, so who reads meanwhile sees the old page or the new one. Pages of models that the
    catalogue no longer has are taken away, for they would go on saying what was green once; files that are not ours
    stay. Raises `InputError` where the folder cannot be written.
    """
    pages = {folder / "models" / f"{page}.html": model for model, page in view.proofs.pages.items()}
    try:
        for path, model in pages.items():
            _write(path, render_model(view, model))
        _write(folder / "index.html", render_index(view))
        for path in sorted((folder / "models").rglob("*.html")):
            if path not in pages and not path.is_symlink() and path.is_file() and _is_ours(path):
                path.unlink()
    except OSError as failure:
        message = f"{failure.filename or folder}: the pages cannot be written: {failure.strerror}"
        raise InputError(message) from None
    return len(pages) + 1


def _write(path: Path, text: str) -> None:
    write_atomically(path, text.encode("utf-8", "replace"))


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return _OURS in file.read(_HEAD)
