"""Which database a store's name means, and how to speak of it without telling its password.

A name is a path, for SQLite, or a URL. What a URL cannot be read as is never quoted: it may hold half a password.
"""

from __future__ import annotations

import sqlalchemy as sa

from evalgate.errors import InputError

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_EXPECTED = "expected a path, sqlite:///path or postgresql://user:password@host/database"
_SECRET = ("password", "sslpassword", "oauth_client_secret")  # connection parameters after the question mark


def parse(name: str) -> tuple[sa.URL, str]:
    """The URL to connect to, and the name to show; raises `InputError` when it is neither path nor known URL."""
    if "://" not in name:
        return sa.URL.create("sqlite", database=name), name
    try:
        url = sa.make_url(name)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is not None and url.drivername not in _DRIVERS:
        raise InputError(f"store {url.drivername}://…: no database that evalgate knows: {_EXPECTED}")
    if url is None or (url.get_backend_name() != "sqlite" and name.count("@") > 1):  # what follows the first is shown
        advice = "in user and password write %40 for @, %3A for :, %2F for / and %25 for %"
        raise InputError(f"the store is not a path or database URL that can be read: {_EXPECTED}; {advice}")
    hidden = url.update_query_dict({secret: "***" for secret in _SECRET if secret in url.query})
    return url.set(drivername=_DRIVERS[url.drivername]), hidden.render_as_string(hide_password=True)


def reason(failure: Exception, url: sa.URL) -> str:
    """What the database or the system said, on one line and without the password."""
    said = str(failure.orig if isinstance(failure, sa.exc.DBAPIError) else getattr(failure, "strerror", failure))
    for secret in (url.password, *(url.query.get(name) for name in _SECRET)):
        if secret:
            said = said.replace(str(secret), "***")
    return " ".join(said.split())
