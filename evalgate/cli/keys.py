"""`evalgate keys create|list|show|revoke`: virtual keys, with which callers come to the gateway."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalgate.cli.options import Function
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.store.keys import VirtualKey

CONFIG = Path("gateway.yaml")
MOST_DOLLARS = 9_000_000  # what fits the store's column, in millionths of a millionth
LEAST_DOLLARS = Decimal("0.000001")
_PERIODS = ("day", "month", "total")


@click.group("keys")
def command() -> None:
    """Make, list and revoke the keys with which callers come to the gateway."""


def _gateway_store(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The store that is named, else the one that `evalgate serve` would use here."""
    from evalgate.formats.documents import read_yaml
    from evalgate.gateway.settings import GatewaySettings

    if value is not None:
        return value
    settings = read_yaml(CONFIG).validate(GatewaySettings) if CONFIG.exists() else GatewaySettings()
    if settings.store is None:
        raise InputError(f"{CONFIG}: store: null, so there is nowhere to keep keys; name a store there or with --store")
    return settings.store


def _store_option(function: Function) -> Function:
    text = f"Where keys are kept: a path, or a database URL.  [default: that of {CONFIG}, or of a gateway without one]"
    return click.option("--store", "store_name", callback=_gateway_store, help=text)(function)


def _name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not (0 < len(value) <= 100 and value.isprintable() and value == value.strip()):
        raise click.BadParameter("expected 1 to 100 printable characters, no blanks at the ends", context, parameter)
    return value


def _operation(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (0 < len(value) <= 200 and value.isprintable()):
        raise click.BadParameter("expected 1 to 200 printable characters", context, parameter)
    return value


def _spend(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Decimal, str] | None:
    if value is None:
        return None
    number, _, period = value.partition("/")
    try:
        dollars = Decimal(number) if number.isascii() and len(number) <= 20 else Decimal("NaN")
    except ArithmeticError:
        dollars = Decimal("NaN")
    period = period or "total" if "/" not in value or period else ""
    if not (dollars.is_finite() and LEAST_DOLLARS <= dollars <= MOST_DOLLARS) or period not in _PERIODS:
        message = f"expected USD such as 5, 2.50/day or 100/month, at most {MOST_DOLLARS:,}; got {value[:40]!r}"
        raise click.BadParameter(message, context, parameter)
    return dollars, period


def _expires(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    from evalgate.suite.models import parse_duration

    if value is None:
        return None
    try:
        return time.time() + parse_duration(value).total_seconds()
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        message = f"expected a duration such as 90d, or a time such as 2027-01-31T12:00Z; got {value[:40]!r}"
        raise click.BadParameter(message, context, parameter) from None
    at = at.replace(tzinfo=at.tzinfo or UTC)
    if at.timestamp() <= time.time():
        raise click.BadParameter(f"{value[:40]!r} is over already", context, parameter)
    return at.timestamp()


_LIMIT = click.IntRange(1, 10**12)


@command.command("create", short_help="Make a key, which is shown once.")
@click.option("--name", required=True, callback=_name, help="What books and logs call it; never used again.")
@click.option("--operation", callback=_operation, metavar="NAME", help="All its calls are of this operation.")
@click.option("--tier", type=click.Choice(["realtime", "standard", "batch"]), help="All its calls are of this tier.")
@click.option("--requests-per-minute", type=_LIMIT, metavar="N", help="The most calls in a minute.")
@click.option("--tokens-per-minute", type=_LIMIT, metavar="N", help="The most tokens in a minute, in and out.")
@click.option("--spend", callback=_spend, metavar="USD[/day|month|total]", help="The most that it may spend.")
@click.option("--capture", type=click.Choice(["off", "on"]), default="off", show_default=True, help="Keep its calls.")
@click.option("--expires", callback=_expires, metavar="TIME", help="Until when it lets in: 90d, or ISO 8601.")
@_store_option
def create(name: str, store_name: str, spend: tuple[Decimal, str] | None, expires: float | None, **limits: Any) -> int:
    """Make a key and print it: the only time that it can be seen, for what is kept is its hash.

    --capture on says that its owner consents to calls being kept as cases. Days and months begin in UTC.
    """
    from evalgate.cli.tell import tell
    from evalgate.gateway.keys.minting import digest, mint
    from evalgate.report.wording import safe
    from evalgate.store import open_store
    from evalgate.store.keys import VirtualKey, VirtualKeys

    secret = mint()
    dollars, period = spend or (None, None)
    key = VirtualKey(name, digest(secret), time.time(), expires_at=expires, dollars=dollars, period=period, **limits)
    with open_store(store_name) as store:
        VirtualKeys(store).add(key)
    click.echo(secret)
    tell(f"evalgate: this key ({safe(name)}) is shown once; gateways on this store know it within 2 seconds or so")
    return 0


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@_store_option
def list_keys(as_json: bool, store_name: str) -> int:
    """List all keys with their limits and what they spent; never the keys themselves."""
    from evalgate.gateway.keys.usage import usages
    from evalgate.report.keys import as_plain, render_keys
    from evalgate.report.layout import console_for_output
    from evalgate.store import open_to_read

    now = time.time()
    with open_to_read(store_name) as store:
        found = usages(store, now)
    if as_json:
        import orjson

        click.echo(orjson.dumps([as_plain(each, now) for each in found], option=orjson.OPT_INDENT_2).decode())
    else:
        render_keys(found, now, console_for_output())
    return 0


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@_store_option
def show(name: str, as_json: bool, store_name: str) -> int:
    """Show what the key NAME may do, and what it used today, this month and in all."""
    from evalgate.gateway.keys.usage import usages
    from evalgate.report.keys import as_plain, render_key
    from evalgate.report.layout import console_for_output
    from evalgate.store import open_to_read

    now = time.time()
    with open_to_read(store_name) as store:
        found = {each.key.name: each for each in usages(store, now)}
        if name not in found:
            raise _unknown(name, set(found), store.name)
    if as_json:
        import orjson

        click.echo(orjson.dumps(as_plain(found[name], now), option=orjson.OPT_INDENT_2).decode())
    else:
        render_key(found[name], now, console_for_output())
    return 0


@command.command("revoke")
@click.argument("name")
@_store_option
def revoke(name: str, store_name: str) -> int:
    """Let the key NAME in no more, for good. Gateways on this store follow within 2 seconds or so."""
    from evalgate.report.wording import safe
    from evalgate.store import open_store
    from evalgate.store.keys import VirtualKeys

    with open_store(store_name, make=False) as store:
        keys = VirtualKeys(store)
        revoked: VirtualKey | None = keys.revoke(name, time.time())
        if revoked is None:
            raise _unknown(name, {key.name for key in keys.all()}, store.name)
    assert revoked.revoked_at is not None
    click.echo(f"{safe(name)}: revoked {datetime.fromtimestamp(revoked.revoked_at, UTC):%Y-%m-%d %H:%M:%S} UTC")
    return 0


def _unknown(name: str, known: set[str], store: str) -> InputError:
    from evalgate.formats.documents import did_you_mean
    from evalgate.report.wording import safe

    advice = did_you_mean(name, known) if known else "; there are none yet: evalgate keys create --name …"
    return InputError(f"store {store}: no key is named {safe(name)!r}{advice}")
