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
    assert asked(ids, seed, clusters).units() == sizes


@given(IDS)
def test_without_clusters_every_case_is_a_unit(ids: list[str]) -> None:
    assert asked(ids).units() == [1] * len(ids)


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
