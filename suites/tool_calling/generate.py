"""Requests to an assistant with twelve tools: one call, several at once, nested arguments, and none at all.

Each maker gives a request in words, made to stand alone or in a list of several, and the call that it asks for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

WORDS = yaml.safe_load(Path(__file__).with_name("sources").joinpath("words.yaml").read_text(encoding="utf-8"))
NAMES = {"I", "IT", *(word for pair in WORDS["albums"] for each in pair for word in each.split()), *WORDS["cities"]}
COUNTS = {"single": 150, "nested": 110, "parallel": 90, "none": 90}
Call = dict[str, Any]
Made = tuple[str, Call]


class Maker:
    """Draws from the lists of words so that each is used up before any comes again."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._left: dict[str, list[Any]] = {}

    def draw(self, kind: str) -> Any:
        if not self._left.get(kind):
            self._left[kind] = self.rng.sample(WORDS[kind], len(WORDS[kind]))
        return self._left[kind].pop()

    def say(self, tool: str, **values: Any) -> str:
        """One of the ways to ask for it; those come in turn, too."""
        return str(self.draw(f"ask_{tool}")).format(**values)

    def date(self) -> tuple[str, str]:
        said, written = self.draw("days")
        return said, written

    def get_weather(self, nested: bool) -> Made:
        (said, date), city = self.date(), self.draw("cities")
        unit = {"unit": self.draw("units")} if nested else {}
        suffix = f" In {unit['unit']}, please." if unit else ""
        text = self.say("get_weather", city=city, day=said) + suffix
        return text, {"name": "get_weather", "arguments": {"city": city, "date": date, **unit}}

    def convert_currency(self, nested: bool) -> Made:
        (one, code), (other, into) = self.draw("currencies"), self.draw("currencies")
        while into == code:
            other, into = self.draw("currencies")
        amount = self.rng.choice(
            [self.rng.randint(3, 99), self.rng.randint(10, 99) * 100, self.rng.randint(100, 9999) / 100]
        )
        text = self.say("convert_currency", amount=amount, one=one, other=other)
        return text, {"name": "convert_currency", "arguments": {"amount": amount, "from": code, "to": into}}

    def create_event(self, nested: bool) -> Made:
        (said, date), title, (clock, start) = self.date(), self.draw("titles"), self.draw("times")
        text = self.say("create_event", title=title, day=said, time=clock)
        arguments: Call = {"title": title, "date": date, "start": start}
        if nested:
            people = [self.draw("people") for _ in range(self.rng.randint(2, 3))]
            arguments["attendees"] = people
            text += self.rng.choice([" Invite {}.", " {} should be there, too.", " With {}, please."]).format(
                _and(people)
            )
            if self.rng.random() < 0.6:
                every, count = self.rng.choice(["day", "week", "month"]), self.rng.randint(3, 12)
                arguments["repeat"] = {"every": every, "count": count}
                text += f" It repeats every {every}, {count} times in all."
            else:
                arguments["minutes"] = self.rng.choice([15, 20, 30, 45, 50, 75, 90])
                text += f" Make it {arguments['minutes']} minutes long."
        return text, {"name": "create_event", "arguments": arguments}

    def send_message(self, nested: bool) -> Made:
        to, words = self.draw("people"), self.draw("messages")
        return self.say("send_message", to=to, words=words), {
            "name": "send_message",
            "arguments": {"to": to, "text": words},
        }

    def set_timer(self, nested: bool) -> Made:
        said, seconds = self.draw("spans")
        label = self.draw("labels")
        text = self.say("set_timer", span=said, label=label)
        return text, {"name": "set_timer", "arguments": {"seconds": seconds, "label": {"$optional": {"$any": True}}}}

    def set_light(self, nested: bool) -> Made:
        room = self.draw("rooms")
        if not nested:
            on = self.rng.random() < 0.5
            text = self.draw("light_on" if on else "light_off").format(room=room)
            return text, {"name": "set_light", "arguments": {"room": room, "state": {"on": on}}}
        state: Call = {"on": True, "brightness": self.rng.randint(1, 20) * 5}
        text = self.draw("light_dim").format(room=room, percent=state["brightness"])
        if self.rng.random() < 0.6:
            state["colour"] = self.draw("colours")
            text += self.rng.choice([" and {}", ", in {}"]).format(state["colour"])
        return text + ".", {"name": "set_light", "arguments": {"room": room, "state": state}}

    def find_route(self, nested: bool) -> Made:
        one, other, (how, by) = self.draw("places"), self.draw("places"), self.draw("means")
        text = self.say("find_route", one=one, other=other, how=how)
        arguments: Call = {"from": one, "to": other, "by": by}
        if nested:
            one_of, how, arguments["by"] = self.draw("avoided"), "by car", "car"
            text = self.say("find_route", one=one, other=other, how=how) + f" Avoid {_and(one_of)}."
            arguments["avoid"] = one_of
        return text, {"name": "find_route", "arguments": arguments}

    def place_order(self, nested: bool) -> Made:
        lines, said = [], []
        for _ in range(self.rng.randint(2, 4) if nested else 1):
            one, many = self.draw("items")
            quantity = self.rng.randint(1, 24)
            lines.append({"item": one, "quantity": quantity})
            said.append(f"{quantity} {one if quantity == 1 else many}")
        text, arguments = self.say("place_order", lines=_and(said)), {"lines": lines}
        if nested and self.rng.random() < 0.7:
            street, city = f"{self.rng.randint(1, 180)} {self.draw('streets')}", self.draw("cities")
            arguments["deliver_to"] = {"street": street, "city": city}
            text += self.rng.choice([" They go to {}, {}.", " Deliver to {} in {}.", " Ship it to {}, {}."]).format(
                street, city
            )
        return text, {"name": "place_order", "arguments": arguments}

    def search_flights(self, nested: bool) -> Made:
        one, other, (said, date) = self.draw("cities"), self.draw("cities"), self.date()
        text = self.say("search_flights", one=one, other=other, day=said)
        arguments: Call = {"from": one, "to": other, "depart": date}
        if nested:
            (later, back), adults, children = self.draw("returns"), self.rng.randint(1, 4), self.rng.randint(1, 3)
            arguments |= {"return": back, "passengers": {"adults": adults, "children": children}}
            text += (
                f" Back on {later}, {_several(adults, 'adult', 'adults')}, {_several(children, 'child', 'children')}."
            )
        return text, {"name": "search_flights", "arguments": arguments}

    def play_music(self, nested: bool) -> Made:
        artist, album = self.draw("albums")
        if not nested:
            return self.say("play_music", artist=artist), {"name": "play_music", "arguments": {"artist": artist}}
        volume = self.rng.randint(2, 18) * 5
        text = self.draw("play_album").format(artist=artist, album=album, volume=volume)
        return text, {"name": "play_music", "arguments": {"artist": artist, "album": album, "volume": volume}}

    def open_ticket(self, nested: bool) -> Made:
        summary, (how, priority) = self.draw("troubles"), self.draw("priorities")
        text = self.say("open_ticket", summary=summary, how=how)
        arguments: Call = {"summary": summary, "priority": priority}
        if nested:
            kind, number = self.draw("devices"), f"{self.rng.choice('ABDKLPX')}{self.rng.randint(1000, 9999)}"
            arguments["device"] = {"kind": kind, "number": number}
            text += self.rng.choice(
                [" The device is {kind} {number}.", " It is about the {kind} with number {number}."]
            ).format(kind=kind, number=number)
        return text, {"name": "open_ticket", "arguments": arguments}

    def look_up_contact(self, nested: bool) -> Made:
        name, (what, field) = self.draw("full_names"), self.draw("fields")
        text = self.say("look_up_contact", name=name, what=what)
        return text, {"name": "look_up_contact", "arguments": {"name": name, "field": field}}


SINGLE = (
    *("get_weather", "convert_currency", "create_event", "send_message", "set_timer", "set_light"),
    *("find_route", "place_order", "search_flights", "play_music", "open_ticket", "look_up_contact"),
)
NESTED = ("create_event", "set_light", "find_route", "place_order", "search_flights", "play_music", "open_ticket")


def cases() -> Iterator[dict[str, Any]]:
    rng = random.Random("20250101-tool_calling")
    maker = Maker(rng)
    makers: dict[str, Callable[[bool], Made]] = {name: getattr(maker, name) for name in SINGLE}
    rows: list[dict[str, Any]] = []

    seen: set[str] = set()

    def add(kind: str, make: Callable[[], tuple[str, str, list[Call]]]) -> None:
        tool, text, calls = make()
        while text in seen:
            tool, text, calls = make()
        seen.add(text)
        rows.append({"input": text, "target": calls, "metadata": {"kind": kind, "tool": tool}})

    def one(tool: str, *, nested: bool) -> tuple[str, str, list[Call]]:
        text, call = makers[tool](nested)
        return tool, text, [call]

    def several(number: int) -> tuple[str, str, list[Call]]:
        tools = [rng.choice(SINGLE)] * 2 if number % 3 == 0 else rng.sample(SINGLE, 2 + number % 2)
        made = [makers[tool](rng.random() < 0.3 and tool in NESTED) for tool in tools]
        text = maker.draw("joining").join(_within(each, first=n == 0) for n, (each, _) in enumerate(made))
        return "several", text, [call for _, call in made]

    for number in range(COUNTS["single"]):
        add("single", partial(one, SINGLE[number % len(SINGLE)], nested=False))
    for number in range(COUNTS["nested"]):
        add("nested", partial(one, NESTED[number % len(NESTED)], nested=True))
    for number in range(COUNTS["parallel"]):
        add("parallel", partial(several, number))
    for text in rng.sample(WORDS["no_call"], COUNTS["none"]):
        add("none", partial(_nothing, text))
    yield from rng.sample(rows, len(rows))


def _nothing(text: str) -> tuple[str, str, list[Call]]:
    return "none", text, []


def _within(text: str, *, first: bool) -> str:
    """A request in the middle of others: its first word in lower case, unless that is a name."""
    return text if first or text.split(maxsplit=1)[0].rstrip(",") in NAMES else text[0].lower() + text[1:]


def _and(several: list[str]) -> str:
    return several[0] if len(several) == 1 else f"{', '.join(several[:-1])} and {several[-1]}"


def _several(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
