"""Invoices as plain text: what is true of each is drawn first, and then written down in one of many ways.

The target is what was drawn, so nothing is read back. What surrounds it (delivery notes, other days, numbers of
customers, payments in advance) is drawn as well and never asked for.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

SEED = "invoice_extraction-1"
CASES = 480
SOURCE = yaml.safe_load((Path(__file__).parent / "sources" / "invoices.yaml").read_text(encoding="utf-8"))
NUMBERS = (
    "{year}-{n:04d}",
    "INV-{n}",
    "RE{year}/{n}",
    "{n}/{year}",
    "A{n:05d}",
    "{letter}-{n}-{letter}",
    "{year}{n:05d}",
)
CENT = Decimal("0.01")


class Invoice:
    """All that is true of one invoice, and how this one writes numbers and days."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.country = rng, rng.choice(SOURCE["countries"])
        self.language: str = self.country["language"]
        self.words: dict[str, Any] = SOURCE["languages"][self.language]
        self.mark, self.day_form = rng.choice(self.country["marks"]), rng.choice(self.country["dates"])
        self.places = Decimal(1) if self.country["currency"] == "JPY" else CENT
        self.seller, self.buyer = self._parties()
        self.date = datetime.date(rng.randint(2021, 2026), rng.randint(1, 12), rng.randint(13, 28))
        year, letter = self.date.year, rng.choice("BDFKMSTX")
        self.number = rng.choice(NUMBERS).format(year=year, n=rng.randint(17, 9899), letter=letter)
        self.due = rng.choice(("written", "written", "terms", "none"))
        self.days = rng.choice((7, 10, 14, 21, 30, 45, 60))
        self.lines = self._lines(rng.choice((1, 2, 2, 3, 3, 4, 5, 7)))
        self.rate = Decimal(str(rng.choice(self.country["rates"])))
        self.net = sum((quantity * price for _, quantity, price, _ in self.lines), Decimal(0))
        self.tax = (self.net * self.rate / 100).quantize(self.places, ROUND_HALF_UP)
        self.total = self.net + self.tax

    def _parties(self) -> tuple[str, str]:
        rng = self.rng
        families, trade = rng.sample(SOURCE["families"], 2), rng.choice(SOURCE["trades"][self.language])
        seller = f"{families[0]} {trade} {rng.choice(self.country['suffix'])}"
        person = f"{rng.choice('ABCDEGHJLMNPRST')}. {families[1]}"
        return seller, rng.choice((*SOURCE["buyers"][self.language], person))

    def _lines(self, count: int) -> list[tuple[str, Decimal, Decimal, str]]:
        """What, how many, at which price, and the unit that may stand behind the quantity."""
        lines = []
        for what, least, most, *by in self.rng.sample(SOURCE["wares"][self.language], count):
            quantity = Decimal(self.rng.choice((1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 20, 25, 40)))
            if by:
                quantity = Decimal(self.rng.randint(2, 30)) / 2
            factor = {"JPY": 150, "INR": 80, "SEK": 10}.get(self.country["currency"], 1)
            price = Decimal(self.rng.randint(least * 50, most * 50)) / 50 * factor
            if self.places == 1:
                price, quantity = price.quantize(self.places), quantity.to_integral_value()
            lines.append((what, quantity, price, " h" if by else ""))
        return lines

    def target(self) -> dict[str, Any]:
        """What has to be found."""
        due = None if self.due == "none" else (self.date + datetime.timedelta(days=self.days)).isoformat()
        lines = [
            {"description": what, "quantity": _number(quantity), "unit_price": _number(price)}
            for what, quantity, price, _ in self.lines
        ]
        sums = {"net": _number(self.net), "tax": _number(self.tax), "total": _number(self.total)}
        parties = {"seller": self.seller, "buyer": self.buyer, "currency": self.country["currency"]}
        head = {"invoice_number": self.number, "date": self.date.isoformat(), "due_date": due}
        return {**head, **parties, "lines": lines, **sums}

    # -------------------------------------------------------------------------------------------- how it is written

    def say(self, key: str) -> str:
        """One of the ways to say it in the invoice's language."""
        return str(self.rng.choice(self.words[key]))

    def day(self, days_later: int = 0) -> str:
        """A day as this invoice writes it."""
        day = self.date + datetime.timedelta(days=days_later)
        parts = {"d": f"{day:%d}", "m": f"{day:%m}", "y": str(day.year), "D": str(day.day)}
        parts["B"] = self.words["months"][day.month - 1]
        return "".join(
            " de " if piece == " de " else parts.get(piece, piece)
            for chunk in self.day_form.replace(" de ", "|").split("|")
            for piece in (*chunk, " de ")
        ).removesuffix(" de ")

    def plain(self, value: Decimal, *, quantity: bool = False) -> str:
        """A number as this invoice writes it, without a currency."""
        thousands, point = self.country["number"]
        text = f"{value.normalize():,f}" if quantity else f"{value.quantize(self.places):,f}"
        return text.replace(",", "\0").replace(".", point).replace("\0", thousands)

    def money(self, value: Decimal) -> str:
        """The same with the currency, in front or behind as the language has it."""
        if self.mark == "€" and self.language != "en":
            return f"{self.plain(value)} €"
        return f"{self.mark}{self.plain(value)}"

    def rows(self) -> list[tuple[str, str, str, str]]:
        """The lines: what, quantity with its unit, price, amount."""
        return [
            (what, f"{self.plain(count, quantity=True)}{unit}", self.plain(price), self.plain(count * price))
            for what, count, price, unit in self.lines
        ]

    def facts(self) -> list[tuple[str, str]]:
        """Number, date and perhaps the last day of payment, each with its name."""
        facts = [(self.say("number"), self.number), (self.say("date"), self.day())]
        return [*facts, (self.say("due"), self.day(self.days))] if self.due == "written" else facts

    def sums(self) -> list[tuple[str, str]]:
        """Net, tax and total, each with its name."""
        rate = self.plain(self.rate, quantity=True)
        tax = f"{self.country['tax']} {rate} %"
        sums = [(self.say("net"), self.net), (tax, self.tax), (self.say("total"), self.total)]
        return [(name, self.money(value)) for name, value in sums]

    def small_print(self) -> list[str]:
        """The terms of payment, where they are not written as a day, and what nobody asks for."""
        rng = self.rng
        notes = [
            text.format(n=rng.randint(10_000, 999_999), small=rng.randint(15, 19), other=self.day(-rng.randint(2, 25)))
            for text in rng.sample(self.words["noise"], rng.randint(1, 4))
        ]
        if self.due == "terms":
            notes.append(self.say("terms").format(days=self.days))
        if rng.random() < 0.2:
            paid = (self.total / rng.choice((2, 4, 5))).quantize(self.places, ROUND_HALF_UP)
            notes.append(self.say("paid").format(paid=self.money(paid), open=self.money(self.total - paid)))
        rng.shuffle(notes)
        return notes

    def home(self) -> str:
        """Where the seller sits."""
        return f"{self.say('streets')} {self.rng.randint(2, 180)}, {self.rng.choice(self.country['cities'])}"


# ------------------------------------------------------------------------------------------------------------- layouts


def _aligned(invoice: Invoice, gap: str = "  ") -> str:
    """A table with columns as wide as what is in them."""
    table = [tuple(invoice.words["columns"]), *invoice.rows()]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    lines = [
        gap.join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in table
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def classic(invoice: Invoice) -> str:
    """Letterhead, facts, customer, an aligned table, sums, small print."""
    facts = "\n".join(f"{name}: {value}" for name, value in invoice.facts())
    sums = "\n".join(f"{name:>36} {value:>14}" for name, value in invoice.sums())
    head, notes = f"{invoice.seller}\n{invoice.home()}", "\n".join(invoice.small_print())
    customer = f"{invoice.say('to')}: {invoice.buyer}"
    return "\n\n".join([head, invoice.say("title"), facts, customer, _aligned(invoice), sums, notes])


def pipes(invoice: Invoice) -> str:
    """Everything in tables with bars, the small print before the lines."""
    facts = [*invoice.facts(), (invoice.say("from"), invoice.seller), (invoice.say("to"), invoice.buyer)]
    invoice.rng.shuffle(facts)
    rows = [tuple(invoice.words["columns"]), ("---",) * 4, *invoice.rows()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    blocks = ["\n".join(f"| {name} | {value} |" for name, value in pairs) for pairs in (facts, invoice.sums())]
    return f"# {invoice.say('title')}\n\n{blocks[0]}\n\n{' '.join(invoice.small_print())}\n\n{table}\n\n{blocks[1]}"


def letter(invoice: Invoice) -> str:
    """Sentences, and nothing else."""
    words, rng = invoice.words, invoice.rng
    tax = {"tax": invoice.country["tax"], "rate": invoice.plain(invoice.rate, quantity=True)}
    money = {
        key: invoice.money(value)
        for key, value in (("net", invoice.net), ("vat", invoice.tax), ("total", invoice.total))
    }
    head = words["letter"].format(seller=invoice.seller, buyer=invoice.buyer, number=invoice.number, date=invoice.day())
    each = [
        rng.choice(words["each"]).format(what=what, quantity=count, price=price, amount=amount)
        for what, count, price, amount in invoice.rows()
    ]
    due = [f"{name}: {value}." for name, value in invoice.facts()[2:]]
    rest = " ".join([*due, *invoice.small_print()])
    supplied = f"{words['lines']} {'; '.join(each)}."
    return "\n\n".join([head, supplied, words["sums"].format(**money, **tax), rest, invoice.home()])


def receipt(invoice: Invoice) -> str:
    """A narrow strip, the quantity below what it is of."""
    lines = [
        f"{what}\n   {count} x {price} {amount:>{max(1, 22 - len(count + price))}}"
        for what, count, price, amount in invoice.rows()
    ]
    facts = "\n".join(f"{name} {value}" for name, value in invoice.facts())
    sums = "\n".join(f"{name[:20]:<20}{value:>14}" for name, value in invoice.sums())
    rule, notes = "=" * 34, "\n".join(invoice.small_print())
    head = f"{invoice.seller.center(34).rstrip()}\n{invoice.home().center(34).rstrip()}\n{rule}\n{facts}"
    return (
        f"{head}\n{invoice.say('to')}: {invoice.buyer}\n{rule}\n"
        + "\n".join(lines)
        + f"\n{rule}\n{sums}\n{rule}\n{notes}"
    )


def leaders(invoice: Invoice) -> str:
    """Dots between names and values, the sums first, the seller at the end."""
    pairs = [*invoice.facts(), (invoice.say("to"), invoice.buyer), *reversed(invoice.sums())]
    top = "\n".join(f"{name} {'.' * max(3, 44 - len(name) - len(value))} {value}" for name, value in pairs)
    lines = "\n".join(f"- {count} {what}, {price} ({amount})" for what, count, price, amount in invoice.rows())
    notes = "\n".join(f"* {note}" for note in invoice.small_print())
    home = f"{invoice.say('from')}: {invoice.seller}, {invoice.home()}"
    return "\n\n".join([invoice.say("title"), top, lines, notes, home])


def export(invoice: Invoice) -> str:
    """As a program writes it, with semicolons."""
    pairs = [(invoice.say("from"), invoice.seller), (invoice.say("to"), invoice.buyer), *invoice.facts()]
    head = "\n".join(f"{name};{value}" for name, value in pairs)
    rows = "\n".join(f"{number};" + ";".join(row) for number, row in enumerate(invoice.rows(), start=1))
    sums = "\n".join(f";;;{name};{value}" for name, value in invoice.sums())
    columns = ";".join(["#", *invoice.words["columns"]])
    return f"{head}\n\n{columns}\n{rows}\n{sums}\n\n" + "\n".join(f";{note}" for note in invoice.small_print())


def blocks(invoice: Invoice) -> str:
    """Every line a block of its own."""
    names = invoice.words["columns"]
    parts = [
        f"{number})\n" + "\n".join(f"   {name}: {value}" for name, value in zip(names, row, strict=True))
        for number, row in enumerate(invoice.rows(), start=1)
    ]
    notes = invoice.small_print()
    head = [
        f"{invoice.say('to').upper()}\n{invoice.buyer}",
        f"{invoice.say('from').upper()}\n{invoice.seller}\n{invoice.home()}",
    ]
    invoice.rng.shuffle(head)
    facts = "   ".join(f"{name} {value}" for name, value in invoice.facts())
    sums = "\n".join(f"{name} = {value}" for name, value in invoice.sums())
    return "\n\n".join([invoice.say("title"), *head, facts, *notes[:1], *parts, sums, *notes[1:]])


def scanned(invoice: Invoice) -> str:
    """The classic one as a scanner gives it back: no columns, no empty lines."""
    lines = (" ".join(line.split()) for line in classic(invoice).splitlines())
    return "\n".join(line for line in lines if line.strip("- "))


LAYOUTS: tuple[Callable[[Invoice], str], ...] = (classic, pipes, letter, receipt, leaders, export, blocks, scanned)


def cases() -> Iterator[dict[str, Any]]:
    """All cases, the layouts in turn."""
    rng = random.Random(SEED)
    for number in range(CASES):
        invoice, layout = Invoice(rng), LAYOUTS[number % len(LAYOUTS)]
        metadata = {
            "language": invoice.language,
            "layout": layout.__name__,
            "due": invoice.due,
            "lines": len(invoice.lines),
            "country": invoice.country["name"],
        }
        yield {
            "id": f"invoice-{number + 1:03d}",
            "input": layout(invoice),
            "target": invoice.target(),
            "metadata": metadata,
        }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
