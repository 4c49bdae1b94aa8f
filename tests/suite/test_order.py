"""The order of asking: random, the same everywhere, and not changed by what else is in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from evalgate.suite.digests import Digests
from evalgate.suite.order import AskOrder

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
IDS = st.lists(NAMES, unique=True, min_size=1, max_size=12)
CLUSTERED = st.dictionaries(NAMES, st.sampled_from(["page=1", "page=2", "page=x", "page="]), min_size=1, max_size=12)


def asked(ids: Sequence[str], seed: int = 1, clusters: Mapping[str, str] | None = None) -> AskOrder:
    order = AskOrder(seed)
    for name in ids:
        order.add(name, clusters[name] if clusters else None)
    return order


def order(ids: Sequence[str], seed: int = 1, clusters: Mapping[str, str] | None = None) -> list[str]:
    return [ids[position] for position in asked(ids, seed, clusters).positions()]


def units(order: AskOrder) -> list[int]:
    return order.units(order.positions())


def by_whole_digests(ids: Sequence[str], seed: int, clusters: Mapping[str, str]) -> list[str]:
    """The order as it is defined, without a thought of memory."""

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    return sorted(ids, key=lambda name: (place(clusters.get(name, name)), place(name)))


@given(IDS, st.integers(-(2**63), 2**63 - 1))
def test_the_order_is_that_of_the_digests_of_seed_and_id(ids: list[str], seed: int) -> None:
    assert order(ids, seed) == by_whole_digests(ids, seed, {})


@given(CLUSTERED, st.integers(0, 9))
def test_with_clusters_it_is_the_clusters_that_are_in_random_order(clusters: dict[str, str], seed: int) -> None:
    ids = list(clusters)
    expected = by_whole_digests(ids, seed, clusters)
    assert order(ids, seed, clusters) == expected
    sizes = [len(list(group)) for _, group in groupby(expected, key=lambda name: clusters[name])]
    assert units(asked(ids, seed, clusters)) == sizes


@given(IDS)
def test_without_clusters_every_case_is_a_unit(ids: list[str]) -> None:
    assert units(asked(ids)) == [1] * len(ids)


@given(IDS, st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_depend_on_the_order_in_the_file(ids: list[str], random: object) -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(shuffled) == order(ids)


@given(IDS, st.sets(st.integers(0, 11)))
def test_cases_keep_their_order_when_others_are_added(ids: list[str], dropped: set[int]) -> None:
    fewer = [identity for place, identity in enumerate(ids) if place not in dropped]
    assert order(fewer) == [identity for identity in order(ids) if identity in fewer]


def test_the_order_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert order(["a", "b", "c", "d", "e"], seed=1) == ["d", "a", "e", "b", "c"]


def test_another_seed_is_another_order() -> None:
    ids = [f"c{n}" for n in range(30)]
    assert order(ids, seed=1) != order(ids, seed=2)


@given(st.lists(st.binary(max_size=2), max_size=40))
def test_the_first_repeat_is_the_first_text_that_was_there_before(texts: list[bytes]) -> None:
    digests = Digests()
    for text in texts:
        digests.add(text)
    again = next((position for position, text in enumerate(texts) if text in texts[:position]), None)
    assert digests.first_repeat() == (None if again is None else (texts.index(texts[again]), again))
    assert len(digests) == len(texts)


@given(st.lists(st.binary(max_size=4), max_size=12), st.randoms(use_true_random=False))
def test_the_same_texts_in_another_order_have_the_same_digest_of_all(texts: list[bytes], random: object) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other, fewer = Digests(), Digests(), Digests()
    for digests, added in ((one, texts), (other, shuffled), (fewer, texts[1:])):
        for text in added:
            digests.add(text)
    assert one.of_all() == other.of_all()
    assert not texts or one.of_all() != fewer.of_all()


def after(known: Sequence[str], ids: Sequence[str], clusters: Mapping[str, str] | None = None) -> list[str]:
    before, now = asked(known), asked(ids, clusters=clusters)
    return [ids[position] for position in now.after(before.digests(range(len(known))))]


@given(IDS, IDS)
def test_after_an_earlier_order_its_cases_come_first_and_new_ones_follow(known: list[str], ids: list[str]) -> None:
    kept = [name for name in known if name in ids]
    assert after(known, ids) == kept + [name for name in order(ids) if name not in known]


@given(CLUSTERED, st.lists(NAMES, unique=True, max_size=12), st.randoms(use_true_random=False))
def test_a_unit_that_gains_cases_keeps_its_place(clusters: dict[str, str], known: list[str], random: object) -> None:
    ids = list(clusters)
    random.shuffle(known := [*known, *ids[::2]])  # type: ignore[attr-defined]
    result = after(list(dict.fromkeys(known)), ids, clusters)
    assert sorted(result) == sorted(ids)
    own = order(ids, clusters=clusters)
    ranks = {name: (0, known.index(name)) if name in known else (1, own.index(name)) for name in ids}
    first = {cluster: min(ranks[name] for name in ids if clusters[name] == cluster) for cluster in clusters.values()}
    assert result == sorted(ids, key=lambda name: (first[clusters[name]], ranks[name]))


@given(CLUSTERED)
def test_after_its_own_order_it_is_what_it_was(clusters: dict[str, str]) -> None:
    now = asked(list(clusters), clusters=clusters)
    assert list(now.after(now.digests(now.positions()))) == list(now.positions())
    assert list(now.after(b"")) == list(now.positions())


@given(CLUSTERED, st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=5))
def test_joined_cases_stand_together_and_the_others_as_before(
    clusters: dict[str, str], pairs: list[tuple[int, int]]
) -> None:
    ids = list(clusters)
    plain, joined = asked(ids), asked(ids)
    merged = sum(joined.join(one % len(ids), other % len(ids)) for one, other in pairs)
    assert len(units(joined)) == len(ids) - merged
    assert list(joined.positions(joined=False)) == list(plain.positions())
    touched = {at % len(ids) for pair in pairs for at in pair}
    alone = [at for at in joined.positions() if at not in touched]
    assert alone == [at for at in plain.positions() if at not in touched]


def test_another_seed_remembers_nothing() -> None:
    ids = [f"c{n}" for n in range(30)]
    now = asked(ids, seed=2)
    assert list(now.after(asked(ids, seed=1).digests(range(30)))) == list(now.positions())
