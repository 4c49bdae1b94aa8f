"""Long texts and questions about them: events are drawn, told in turn with others between them, and reckoned with.

A world draws so many events and answers its questions from what it drew, never from the text. Where a draw allows no
answer to a question (nobody was searched, a thing was never moved), that answer is empty, and everything is drawn anew.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

SEED = "long_context-1"
CASES = 320
LENGTHS = (4_000, 6_000, 8_000, 4_000, 12_000, 6_000, 8_000, 16_000)  # characters, at least; hardly more
PER_EVENT = 125  # characters of text for each event, with what is told besides
SOURCE = yaml.safe_load((Path(__file__).parent / "sources" / "worlds.yaml").read_text(encoding="utf-8"))
COMMON = SOURCE["common"]
BREAK = ""  # told where a paragraph ends

Asked = tuple[dict[str, str], object]  # what a question speaks of, and its answer; nothing: not to be asked


class Teller:
    """Draws words of one world and tells events with them."""

    def __init__(self, rng: random.Random, world: str) -> None:
        self.rng, self.source, self.told = rng, SOURCE[world], list[str]()
        self.words: dict[str, list[str]] = COMMON["words"] | self.source["words"]
        self.besides: list[str] = []

    def pick(self, kind: str, count: int) -> list[str]:
        """Some words of a kind, all different, which nothing else is told of from now on."""
        picked = self.rng.sample(self.words[kind], count)
        self.words = self.words | {kind: [word for word in self.words[kind] if word not in picked]}
        return picked

    def other(self, kind: str, than: str | None) -> str:
        """A word of a kind, another one than the last."""
        return self.rng.choice([word for word in self.words[kind] if word != than])

    def tell(self, kind: str, **words: object) -> None:
        """Tell an event in one of its ways; what is left open is drawn."""
        self.told.append(self.sentence(self.rng.choice(self.source["say"][kind]), **words))

    def sentence(self, text: str, **words: object) -> str:
        """A text with its words, beginning with a capital."""
        drawn = {key: self.rng.choice(values) for key, values in self.words.items() if values}
        drawn |= dict(zip(("person", "person2"), self.rng.sample(self.words["person"], 2), strict=True))
        drawn |= dict(zip(("food", "food2"), self.rng.sample(self.words["food"], 2), strict=True))
        filled = text.format(**{**drawn, **words})
        return filled[0].upper() + filled[1:]

    def filler(self) -> str:
        """What happens besides: all of it once, before anything is told again."""
        if not self.besides:
            self.besides = [*self.source["filler"], *COMMON["filler"]]
            self.rng.shuffle(self.besides)
        return self.sentence(self.besides.pop())

    def text(self, length: int) -> str:
        """What was told, in paragraphs, with as much in between as makes the text so long."""
        rng, sentences, paragraphs, paragraph = self.rng, list(self.told), list[str](), list[str]()
        missing = length - sum(len(sentence) + 1 for sentence in sentences)
        places = [at for at, sentence in enumerate(sentences) if sentence != BREAK]
        after = defaultdict[int, list[str]](list)
        while missing > 0:
            after[rng.choice(places)].append(besides := self.filler())
            missing -= len(besides) + 1
        day = datetime.date(2023, rng.randint(1, 12), rng.randint(1, 28))
        for at, sentence in enumerate([*sentences, BREAK]):
            paragraph += [sentence, *after[at]] if sentence != BREAK else []
            full = bool(self.source["heading"]) and len(paragraph) > rng.randint(2, 7)
            if paragraph and (sentence == BREAK or full):
                month, number = SOURCE["months"][day.month - 1], len(paragraphs) + 1
                heading = self.source["heading"].format(day=day.day, month=month, number=number)
                paragraphs.append(" ".join([heading, *paragraph]).strip())
                paragraph, day = [], day + datetime.timedelta(days=rng.randint(1, 4))
        return "\n\n".join(paragraphs)

    def any(self, some: Iterable[str]) -> str:
        """One of some, or nothing where there is none."""
        return self.rng.choice(sorted(some) or [""])

    def mixed(self, names: list[str]) -> str:
        """Names in any order, as they stand in a question."""
        return ", ".join(self.rng.sample(names, len(names)))


def harbour(tell: Teller, events: int) -> dict[str, Asked]:
    """A log of ships that come in; the first of them never brings one of the goods."""
    rng, ships, things = tell.rng, tell.pick("ship", 5), tell.pick("thing", 5)
    never, cargo = ships[0], rng.choice(tell.words["goods"])
    arrivals, colour, lent, searched = list[tuple[str, str, int]](), dict[str, str](), dict[str, str](), list[str]()
    for person in [*tell.pick("person", 5), *[""] * (events - 5)]:
        ship, goods, event = rng.choice(ships), rng.choice(tell.words["goods"]), rng.random()
        if person:
            lent[person] = things.pop()
            tell.tell("lend", person=person, thing=lent[person])
        elif event < 0.72 and (ship, goods) != (never, cargo):
            arrivals.append((ship, goods, rng.randint(3, 60)))
            tell.tell("arrival", ship=ship, goods=goods, n=arrivals[-1][2])
        elif event < 0.93:
            colour[ship] = tell.other("colour", colour.get(ship))
            tell.tell("paint", ship=ship, colour=colour[ship])
        elif ship in ships[1:4] and ship not in searched:
            searched.append(ship)
            tell.tell("search", ship=ship)
    head = tell.told[:5]  # who lent something comes anywhere
    tell.told = tell.told[5:]
    for sentence in head:
        tell.told.insert(rng.randrange(len(tell.told)), sentence)
    carried, ship, goods = [each[:2] for each in arrivals], rng.choice(ships), rng.choice(tell.words["goods"])
    amounts = [n for *pair, n in arrivals if pair == [ship, goods]]
    person, painted, calls = tell.any(lent), tell.any(colour), sum(who == ship for who, _ in carried)
    only = all((each, cargo) in carried for each in ships[1:])
    return {
        "sum": ({"ship": ship, "goods": goods}, sum(amounts) if 2 <= len(amounts) <= 6 else 0),
        "count": ({"ship": ship}, calls if calls <= 15 else 0),
        "last": ({"ship": painted}, colour.get(painted)),
        "needle": ({"person": person}, lent[person]),
        "negation": ({"goods": cargo, "ships": tell.mixed(ships)}, never if only else ""),
        "multi": ({}, ", ".join(searched) if len(searched) > 1 else ""),
        "first": ({"goods": goods}, next((who for who, what in carried if what == goods), "")),
    }


def gazetteer(tell: Teller, events: int) -> dict[str, Asked]:
    """Villages, one after the other."""
    rng, number = tell.rng, min(28, events // 4)
    villages, surnames = tell.pick("village", number), rng.sample(tell.source["surnames"], number)
    people = dict(zip(villages, rng.sample(range(112, 4_900), number), strict=True))
    mayor = {each: f"{rng.choice(tell.words['person'])} {name}" for each, name in zip(villages, surnames, strict=True)}
    river = {each: rng.choice(tell.words["river"]) for each in villages}
    makers = dict(zip(rng.sample(villages, min(number, 12)), tell.pick("product", min(number, 12)), strict=True))
    without = rng.sample(villages, number // 2)
    for village in villages:
        tell.tell("village", village=village, n=people[village], river=river[village])
        first, last = mayor[village].split()
        rest = [("mayor", {"person": first, "surname": last}), ("norail" if village in without else "rail", {})]
        rest += [("product", {"product": makers[village]})] if village in makers else []
        for event, words in rng.sample(rest, len(rest)):
            tell.tell(event, **words)
        tell.told.append(BREAK)
    village, maker, stream, odd = (tell.any(each) for each in (villages, makers, river.values(), without))
    along, three = [each for each in villages if river[each] == stream], rng.sample(villages, 3)
    connected = rng.sample([each for each in villages if each not in without], 3)
    return {
        "needle": ({"village": village}, mayor[village]),
        "two_hop": ({"product": makers[maker]}, mayor[maker]),
        "count": ({"river": stream}, len(along) if len(along) > 1 else 0),
        "multi": ({"river": stream}, ", ".join(along) if len(along) in {2, 3, 4} else ""),
        "negation": ({"villages": tell.mixed([odd, *connected])}, odd),
        "most": ({}, max(villages, key=people.__getitem__)),
        "sum": (
            dict(zip(("village", "village2", "village3"), three, strict=True)),
            sum(people[each] for each in three),
        ),
    }


def house(tell: Teller, events: int) -> dict[str, Asked]:
    """Things that people carry from room to room; the first of the people never carries the first of the things."""
    rng, people, things = tell.rng, tell.pick("person", 5), tell.pick("thing", 5)
    moves, codes = defaultdict[str, list[tuple[str, str]]](list), dict[str, str]()
    for _ in range(events):
        person, thing, event = rng.choice(people), rng.choice(things), rng.random()
        if event < 0.5 and (person, thing) != (people[0], things[0]):
            moves[thing].append((person, tell.other("room", moves[thing][-1][1] if moves[thing] else None)))
            tell.tell("move", person=person, thing=thing, room=moves[thing][-1][1])
        elif event < 0.9:
            tell.tell("look", person=person, thing=thing)
        elif person not in codes:
            codes[person] = str(rng.randint(1_000, 9_999))
            tell.tell("code", person=person, code=codes[person])
    thing, person, ends = things[0], tell.any(codes), defaultdict[str, list[str]](list)
    places = ["", "", *(_bare(room) for _, room in moves[thing])]
    for each, way in moves.items():
        if way:
            ends[way[-1][1]].append(_bare(each))
    room = tell.any(room for room, there in ends.items() if len(there) > 1)
    only = {who for who, _ in moves[thing]} == set(people[1:])
    return {
        "last": ({"thing": thing}, places[-1]),
        "before": ({"thing": thing}, places[-2]),
        "count": ({"thing": thing}, len(places) - 2),
        "needle": ({"person": person}, codes.get(person)),
        "negation": ({"thing": thing, "people": tell.mixed(people)}, people[0] if only else ""),
        "multi": ({"room": room}, ", ".join(ends[room]) if room else ""),
    }


def council(tell: Teller, events: int) -> dict[str, Asked]:
    """Sessions that grant, refuse and set fees; the first of the purposes is never granted anything."""
    rng, members, givers, gifts = tell.rng, tell.pick("person", 6), tell.pick("person", 4), dict[str, str]()
    purposes, fees = tell.pick("purpose", 4), tell.pick("fee", 3)
    granted, absent, fee = Counter[str](), Counter[str](), dict[str, int]()
    for _ in range(events):
        purpose, what, person, event = rng.choice(purposes), rng.choice(fees), rng.choice(members), rng.random()
        amount, other = rng.randint(11, 98) * 10, rng.choice([n for n in range(12, 90) if n != fee.get(what)])
        if event < 0.28 and purpose != purposes[0]:
            granted[purpose] += amount
            tell.tell("grant", n=amount, purpose=purpose)
        elif event < 0.42:
            tell.tell("refuse", n=amount, purpose=purpose)
        elif event < 0.58:
            fee[what] = other
            tell.tell("set", fee=what, n=other)
        elif event < 0.72:
            tell.tell("propose", person=person, fee=what, n=other)
        elif event < 0.9 or not givers:
            absent[person] += 1
            tell.tell("absent", person=person)
            tell.told.append(BREAK)  # the session ends here, so that nobody is absent from one twice
        else:
            gifts[giver := givers.pop()] = tell.pick("gift", 1)[0]
            tell.tell("gift", person=giver, gift=gifts[giver])
    purpose, what, person, giver = (tell.any(each) for each in (granted, fee, absent, gifts))
    only = all(granted[each] for each in purposes[1:])
    return {
        "last": ({"fee": what}, fee.get(what)),
        "sum": ({"purpose": purpose}, granted[purpose]),
        "count": ({"person": person}, absent[person]),
        "needle": ({"person": giver}, gifts.get(giver)),
        "negation": ({"purposes": tell.mixed(purposes)}, _bare(purposes[0]) if only else ""),
        "multi": ({}, ", ".join(gifts) if len(gifts) > 1 else ""),
    }


def helpdesk(tell: Teller, events: int) -> dict[str, Asked]:
    """Tickets, and what becomes of them; the first is never solved."""
    rng, users, solved = tell.rng, tell.pick("person", 6), list[str]()
    opened, device, state = dict[str, str](), dict[str, str](), dict[str, str]()
    serial, minutes = dict[str, str](), Counter[str]()
    for _ in range(events):
        event, ticket = rng.random(), tell.any(each for each in opened if each not in solved)
        if event < 0.18 or len(opened) < 4:
            ticket = f"T-{rng.randint(1_000, 9_999)}"
            opened[ticket], device[ticket] = rng.choice(users), rng.choice(tell.words["device"])
            tell.tell("open", person=opened[ticket], device=device[ticket], ticket=ticket)
        elif event < 0.48:
            state[ticket] = tell.other("verdict", state.get(ticket))
            tell.tell("state", ticket=ticket, verdict=state[ticket])
        elif event < 0.76:
            minutes[ticket] += (spent := rng.randint(4, 55))
            tell.tell("work", ticket=ticket, n=spent)
        elif event < 0.88 and ticket not in serial:
            serial[ticket] = f"{rng.choice('ABCDEFGHKM')}{rng.randint(10_000, 99_999)}"
            tell.tell("serial", ticket=ticket, serial=serial[ticket])
        elif ticket != next(iter(opened)):
            solved.append(ticket)
            tell.tell("solved", ticket=ticket, person=opened[ticket])
    noted, stated, worked, user, thing = (
        tell.any(each) for each in (serial, state, minutes, opened.values(), device.values())
    )
    own, shown = [each for each in opened if opened[each] == user], [next(iter(opened)), *solved[:3]]
    return {
        "needle": ({"ticket": noted}, serial.get(noted)),
        "two_hop": ({"serial": serial.get(noted, "")}, opened.get(noted)),
        "last": ({"ticket": stated}, state.get(stated)),
        "sum": ({"ticket": worked}, minutes[worked]),
        "count": ({"device": thing}, Counter(device.values())[thing]),
        "negation": ({"tickets": tell.mixed(shown)}, shown[0] if len(shown) > 2 else ""),
        "multi": ({"person": user}, ", ".join(own) if len(own) in {2, 3, 4} else ""),
    }


WORLDS: dict[str, Callable[[Teller, int], dict[str, Asked]]] = {
    each.__name__: each for each in (harbour, gazetteer, house, council, helpdesk)
}


def cases() -> Iterator[dict[str, Any]]:
    """All cases: the worlds, with each kind of question that they have, in turn."""
    rng, asked = random.Random(SEED), [(world, kind) for world in WORLDS for kind in SOURCE[world]["ask"]]
    rng.shuffle(asked)
    for number in range(CASES):
        (world, kind), length = asked[number % len(asked)], LENGTHS[number % len(LENGTHS)]
        answer: object = ""
        while not answer:
            tell = Teller(rng, world)
            words, answer = WORLDS[world](tell, length // PER_EVENT)[kind]
        question = rng.choice(SOURCE[world]["ask"][kind]).format(**words)
        metadata = {"kind": kind, "world": world, "length": f"{length // 1000}k"}
        given = {"text": tell.text(length), "question": question}
        yield {"id": f"long-{number + 1:03d}", "input": given, "target": str(answer), "metadata": metadata}


def _bare(name: str) -> str:
    return name.removeprefix("the ")
