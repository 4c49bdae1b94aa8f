"""Functions that select, change and sum up: of numbers, of words, and of records. Each is a composition of three parts.

A part is its words, its Python, and a name. The whole is described by the words and solved by the Python, so that both
say the same; the tests are what the solution gives for `inputs`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

Part = tuple[str, str, str]  # words, Python, name


@dataclass(frozen=True, slots=True)
class Kind:
    """What goes in, and the parts. `x` is one of what goes in, `kept` are those that were selected and changed."""

    argument: str
    about: str
    select: tuple[Part, ...]
    change: tuple[Part, ...]
    finish: tuple[Part, ...]


NUMBERS = Kind(
    "numbers",
    "a list of integers",
    (
        ("the even ones", "x % 2 == 0", "even"),
        ("the odd ones", "x % 2 == 1", "odd"),
        ("those greater than zero", "x > 0", "positive"),
        ("the negative ones", "x < 0", "negative"),
        ("those divisible by 3", "x % 3 == 0", "thirds"),
        ("those not divisible by 5", "x % 5 != 0", "not_fives"),
        ("those with two digits (the sign does not count)", "10 <= abs(x) <= 99", "two_digit"),
        ("those above the average of the list", "x > sum(numbers) / len(numbers)", "above_average"),
        ("those that occur exactly once in the list", "numbers.count(x) == 1", "unique"),
        ("those whose last digit is 1, 2 or 3 (the sign does not count)", "abs(x) % 10 in (1, 2, 3)", "ends_low"),
        ("those that are prime", "x > 1 and all(x % k for k in range(2, x))", "prime"),
        ("those that are perfect squares", "x >= 0 and round(x ** 0.5) ** 2 == x", "square_only"),
    ),
    (
        ("leave them as they are", "x", "plain"),
        ("square each of them", "x * x", "squared"),
        ("take their absolute values", "abs(x)", "absolute"),
        ("turn their signs round", "-x", "negated"),
        ("replace each by the sum of its digits, without the sign", "sum(int(d) for d in str(abs(x)))", "digit_sums"),
        ("divide each by 2, rounding down", "x // 2", "halved"),
        ("add 10 to each", "x + 10", "raised"),
        ("replace each by its remainder on division by 7", "x % 7", "mod_seven"),
    ),
    (
        ("return their sum", "sum(kept)", "sum_of"),
        ("return how many different values there are", "len(set(kept))", "distinct"),
        ("return the largest, or None if nothing is left", "max(kept, default=None)", "largest"),
        ("return the smallest, or None if nothing is left", "min(kept, default=None)", "smallest"),
        ("return them as a list in descending order", "sorted(kept, reverse=True)", "descending"),
        ("return the list of them from last to first", "kept[::-1]", "reversed"),
        ("return the text of them joined by hyphens", "'-'.join(map(str, kept))", "joined"),
        (
            "return their mean rounded to two decimals, or 0 if nothing is left",
            "round(sum(kept) / len(kept), 2) if kept else 0",
            "mean_of",
        ),
        ("return a dict of how often each value occurs", "{each: kept.count(each) for each in kept}", "counts"),
        (
            "return the first and the last as a tuple, or None if nothing is left",
            "(kept[0], kept[-1]) if kept else None",
            "ends",
        ),
        ("return the pairs of neighbours as a list of tuples", "list(zip(kept, kept[1:]))", "pairs"),
    ),
)
WORDS = Kind(
    "words",
    "a list of lower case words",
    (
        ("those that begin with a vowel", "x[0] in 'aeiou'", "vowel_first"),
        ("those longer than four letters", "len(x) > 4", "long"),
        ("those with at most four letters", "len(x) <= 4", "short"),
        ("those that contain an 'e'", "'e' in x", "with_e"),
        ("those without any 'a'", "'a' not in x", "without_a"),
        ("those that end with a consonant", "x[-1] not in 'aeiou'", "consonant_last"),
        ("those in which some letter stands twice in a row", "any(a == b for a, b in zip(x, x[1:]))", "doubled"),
        ("those that read the same backwards", "x == x[::-1]", "palindromes"),
        ("those of which no letter occurs twice", "len(set(x)) == len(x)", "isograms"),
        ("those with an even number of letters", "len(x) % 2 == 0", "even_length"),
        ("those that come before 'm' in the alphabet", "x < 'm'", "first_half"),
    ),
    (
        ("leave them as they are", "x", "plain"),
        ("write them in capital letters", "x.upper()", "upper"),
        ("turn each of them round", "x[::-1]", "backwards"),
        ("keep only their first two letters", "x[:2]", "starts"),
        ("leave their vowels out", "''.join(c for c in x if c not in 'aeiou')", "bare"),
        ("sort the letters of each", "''.join(sorted(x))", "sorted_letters"),
        ("capitalise them", "x.capitalize()", "capitalised"),
        ("put the first letter of each at its end", "x[1:] + x[0]", "rolled"),
    ),
    (
        ("return them joined by a comma and a space", "', '.join(kept)", "joined"),
        (
            "return them sorted by length, and by the alphabet where lengths are equal",
            "sorted(kept, key=lambda w: (len(w), w))",
            "by_length",
        ),
        ("return how many there are", "len(kept)", "count"),
        ("return a dict of the length of each", "{each: len(each) for each in kept}", "lengths"),
        ("return the number of their letters in all", "sum(map(len, kept))", "letters"),
        ("return the last by the alphabet, or '' if nothing is left", "max(kept, default='')", "last"),
        (
            "return a dict from each first letter to the list of them",
            "{letter: [w for w in kept if w[:1] == letter] for letter in sorted({w[:1] for w in kept})}",
            "by_letter",
        ),
        ("return the sorted list of all letters in them, each once", "sorted(set(''.join(kept)))", "alphabet"),
        (
            "return a list of tuples of the position from 1 on and the word",
            "list(enumerate(kept, start=1))",
            "numbered",
        ),
        ("return the list of them without repeats, in reverse order", "list(dict.fromkeys(kept))[::-1]", "reversed"),
    ),
)
RECORDS = Kind(
    "people",
    "a list of dicts with the keys 'name', 'age', 'city' and 'points'",
    (
        ("who are of age (18 or older)", "x['age'] >= 18", "adults"),
        ("who are younger than 30", "x['age'] < 30", "young"),
        ("who live in Oslo", "x['city'] == 'Oslo'", "in_oslo"),
        ("who do not live in Rome", "x['city'] != 'Rome'", "outside_rome"),
        ("who have more than 50 points", "x['points'] > 50", "strong"),
        ("who have no points at all", "x['points'] == 0", "pointless"),
        ("whose name has five letters or fewer", "len(x['name']) <= 5", "short_named"),
        ("who have more points than years", "x['points'] > x['age']", "ahead"),
        (
            "who share their city with somebody else in the list",
            "sum(y['city'] == x['city'] for y in people) > 1",
            "neighbours",
        ),
    ),
    (("", "x", "plain"),),
    (
        ("return their names as a sorted list", "sorted(p['name'] for p in kept)", "names_of"),
        ("return the sum of their points", "sum(p['points'] for p in kept)", "points_of"),
        (
            "return the name of the oldest, or None if there is nobody",
            "max(kept, key=lambda p: p['age'])['name'] if kept else None",
            "oldest_of",
        ),
        (
            "return a dict from city to the number of them there",
            "{c: sum(p['city'] == c for p in kept) for c in sorted({p['city'] for p in kept})}",
            "cities_of",
        ),
        (
            "return their mean age rounded to one decimal, or None",
            "round(sum(p['age'] for p in kept) / len(kept), 1) if kept else None",
            "mean_age_of",
        ),
        (
            "return tuples of name and points, the most points first, equal ones by name",
            "sorted(((p['name'], p['points']) for p in kept), key=lambda t: (-t[1], t[0]))",
            "ranking_of",
        ),
        (
            "return a dict from city to the most points that one of them has there",
            "{c: max(p['points'] for p in kept if p['city'] == c) for c in sorted({p['city'] for p in kept})}",
            "best_by_city_of",
        ),
        (
            "return copies of their dicts without the key 'age'",
            "[{k: v for k, v in p.items() if k != 'age'} for p in kept]",
            "stripped",
        ),
        (
            "return whether each of them has points, and there is at least one",
            "bool(kept) and all(p['points'] > 0 for p in kept)",
            "all_scored",
        ),
    ),
)
VOCABULARY = (
    *(
        "level",
        "apple",
        "tree",
        "radar",
        "kitten",
        "ox",
        "umbrella",
        "stone",
        "noon",
        "bee",
        "island",
        "moss",
        "pepper",
    ),
    *("echo", "quartz", "wagon", "oak", "civic", "lamp", "butter", "ash", "river", "eye", "planet", "glass", "ink"),
)
NAMES = ("Ada", "Bruno", "Chiara", "Dmitri", "Eve", "Farid", "Greta", "Hugo", "Ines", "Jonathan")
CITIES = ("Oslo", "Rome", "Lima", "Cairo")


def inputs(kind: Kind, rng: random.Random) -> list[object]:
    """What a function of this kind is called with; the empty list is among them, in the last place."""
    drawn: list[object] = []
    for size in (4, 7, 9, 12):
        if kind is NUMBERS:
            few = [rng.choice([rng.randint(-9, 16), rng.randint(-60, 120)]) for _ in range(size)]
            drawn.append([*few, few[0]] if rng.random() < 0.5 else few)
        elif kind is WORDS:
            drawn.append([rng.choice(VOCABULARY) for _ in range(size)])
        else:
            ages = rng.sample(range(9, 80), min(size, len(NAMES)))
            people = zip(rng.sample(NAMES, len(ages)), ages, strict=True)
            drawn.append(
                [
                    {
                        "name": name,
                        "age": age,
                        "city": rng.choice(CITIES),
                        "points": rng.choice([0, rng.randint(1, 99)]),
                    }
                    for name, age in people
                ]
            )
    return [*drawn, []]


def composed(kind: Kind, select: Part, change: Part, finish: Part, frame: str) -> tuple[str, str, str]:
    """Name, task and solution."""
    said = f"keep {select[0]}, {change[0]}, and {finish[0]}"
    if kind is RECORDS:
        said = f"take those {select[0]} and {finish[0]}"
    elif change[1] == "x":
        said = f"keep {select[0]} and {finish[0]}"
    name = "_".join(part[2] for part in (finish, select, change) if part[2] != "plain")
    task = frame.format(name=name, argument=kind.argument, about=kind.about, said=said)
    kept = f"    kept = [{change[1]} for x in {kind.argument} if {select[1]}]"
    code = f"def {name}({kind.argument}):\n{kept}\n    return {finish[1]}\n"
    return name, task, code
