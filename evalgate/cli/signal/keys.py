"""`evalgate signal keygen` and `sign`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evalgate.cli.options import PATH
from evalgate.cli.signers import signers


@click.command("keygen")
@click.option("--out", type=PATH, default="signal.key", show_default=True, help="Where the secret key goes.")
def keygen(out: Path) -> int:
    """Make a pair of keys. The secret one signs and stays here; routers are given the public one, which ends in .pub.

    To rotate: give routers the new public key beside the old one, sign with both (--key twice), then take the old one
    away, first from the publisher and at last from the routers.
    """
    from evalgate.errors import SignalError
    from evalgate.signal.keys import SUFFIX, SigningKey

    public = out.with_suffix(SUFFIX)
    if public == out:
        raise SignalError(f"{out}: a secret key must not end in {SUFFIX}, where public ones are looked for")
    if public.exists():
        raise SignalError(f"{public}: there is a file already, and a key is never overwritten; name another --out")
    key = SigningKey.generate()
    key.save(out)
    key.public.save(public)
    click.echo(f"{key.id}\nsecret: {out}\npublic: {public}")
    click.echo(f"next: evalgate check --publish signal.json --key {out}")
    return 0


@click.command("sign")
@click.argument("document", type=PATH)
@click.option("--key", "keys", type=PATH, multiple=True, metavar="FILE", help="A secret key (may be repeated).")
@click.option("--key-env", "key_variables", multiple=True, metavar="NAME", help="The variable that holds one.")
@click.option("-o", "--out", default="-", metavar="FILE|-", show_default=True, help="Where the envelope goes.")
def sign(document: Path, keys: tuple[Path, ...], key_variables: tuple[str, ...], out: str) -> int:
    """Sign the unsigned signal in the file DOCUMENT. Its bytes are signed as they are, and so is its `seq`."""
    from evalgate.errors import InfrastructureError, SignalError
    from evalgate.formats.files import write_atomically
    from evalgate.signal.document import parse
    from evalgate.signal.envelope import seal, unseal
    from evalgate.signal.file import read_bytes

    data = read_bytes(document)
    if data is None:
        raise SignalError(f"{document}: there is no such file")
    try:
        payload = unseal(data, None).payload.strip()
        parse(payload)
    except SignalError as failure:
        raise SignalError(f"{document}: {failure}") from None
    envelope = seal(payload, signers(keys, key_variables, (), unsigned=False).keys)
    if out == "-":
        sys.stdout.buffer.write(envelope + b"\n")
        sys.stdout.flush()
    else:
        try:
            write_atomically(Path(out), envelope)
        except OSError as failure:
            raise InfrastructureError(f"{out}: cannot be written: {failure.strerror}") from None
        click.echo(f"signed: {out}")
    return 0
