"""`evalgate graders [NAME]`: which graders there are, and what each of them takes."""

from __future__ import annotations

import json

import click


@click.command("graders")
@click.argument("name", required=False)
@click.option(
    "--markdown", is_flag=True, help="Print the reference of all graders, as docs/graders-reference.md has it."
)
def command(name: str | None, markdown: bool) -> int:
    """List all graders, or describe one: when it scores 1, its options, and its edge cases."""
    from evalgate.errors import InputError
    from evalgate.formats.schema_words import in_words
    from evalgate.graders.reference import Entry, Option, as_markdown, entries, entry

    def describe(found: Entry) -> None:
        click.echo(f"{found.name}: {found.summary}")
        if found.details:
            click.echo(f"\n{found.details}")
        if found.value_as:
            click.echo(f"\n{found.value_as}: another word for value")
        lines = [f"  {option.name}: {in_words(option.schema)}{said_of(option)}" for option in found.options]
        click.echo("\n" + "\n".join(lines) if lines else "", nl=bool(lines))

    def said_of(option: Option) -> str:
        if option.needed:
            return " (must be given)"
        return "" if option.default is None else f" (default {json.dumps(option.default)})"

    if markdown:
        click.echo(as_markdown(), nl=False)
    elif name is None:
        from rich.text import Text

        from evalgate.report.layout import console_for_output, print_line, wrapped

        console, width = console_for_output(), max(len(each.name) for each in entries()) + 2
        for each in entries():
            for number, line in enumerate(wrapped(console, Text(each.summary), console.width - width)):
                print_line(console, Text(("" if number else each.name).ljust(width)) + line)
        click.echo("\nnext: evalgate graders NAME")
    else:
        try:
            describe(entry(name))
        except LookupError as failure:
            raise InputError(f"{failure.args[0]} (`evalgate graders` lists them all)") from None
    return 0
