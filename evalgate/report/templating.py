"""How templates are rendered to HTML, the same for reports and for pages: whatever they put out is hostile.

Every text goes through `wording.safe`, which makes control characters visible, and is escaped. What the house made
itself (a picture) is `Markup` and stays as it is.
"""

from __future__ import annotations

import jinja2
from markupsafe import Markup

from evalgate.report import wording

_LIMIT = 2_000  # characters of a text; a field that may be longer says so itself


def environment(package: str, folder: str = "templates") -> jinja2.Environment:
    """The templates of a room, in one of its folders; a name that a template does not know is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return wording.safe(value, _LIMIT, multiline=True)
    return value
