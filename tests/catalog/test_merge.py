"""An offer goes into a catalogue that people write in: theirs is kept, the import's own is brought up to date."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog.load import catalog_of
from evalgate.catalog.merge import ABSENT, Change, Merged, merge
from evalgate.catalog.offer import Offer, offer_of
from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.formats.rewriting import as_yaml, rewritten

DAY = date(2026, 11, 30)
HERE = {"id": "here", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "KEY"}
EMPTY: dict[str, Any] = {"version": 1, "providers": [], "models": []}


def variant(name: str = "a", **changes: Any) -> dict[str, Any]:
    price = {"input": 1.0, "output": 2.0, "as_of": "2026-11-30"}
    entry = {"id": name, "provider": "here", "tag": name, "quantization": "fp8", "price": price}
    return {**entry, "capabilities": {"tools": True}, **changes}


def offer(*variants: dict[str, Any], source: str = "theirs", **model: Any) -> Offer:
    models = ({"id": "m", **model, "variants": list(variants)},) if variants else ()
    return Offer(source, DAY, (HERE,), models)


def imported(*variants: dict[str, Any], **model: Any) -> dict[str, Any]:
    return merge(EMPTY, offer(*variants, **model)).data


def entry(data: dict[str, Any], at: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = data["models"][0]["variants"][at]
    return found


def written(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The catalogue after a person changed fields of its first variant."""
    data = copy.deepcopy(data)
    entry(data).update(changes)
    return data


def loads(data: dict[str, Any]) -> None:
    catalog_of(parse_yaml(as_yaml(data), Path("catalog.yaml")))


def test_into_an_empty_catalogue_everything_is_added() -> None:
    found = merge(EMPTY, offer(variant("a"), variant("b")))
    assert (found.added, found.updated, found.conflicts) == (["a", "b"], [], [])
    assert found.providers == [HERE]
    loads(found.data)


def test_what_the_import_wrote_the_import_updates() -> None:
    found = merge(imported(variant()), offer(variant(price={"input": 3.0, "output": 2.0, "as_of": "2026-12-01"})))
    assert [change.name for change in found.updated] == ["a#price"]
    assert entry(found.data)["price"] == {"input": 3.0, "output": 2.0, "as_of": "2026-12-01"}


def test_the_day_of_a_price_moves_on_when_it_was_looked_up_again() -> None:
    again = variant(price={"input": 1.0, "output": 2.0, "as_of": "2026-12-24"})
    found = merge(imported(variant()), offer(again))
    assert (entry(found.data)["price"]["as_of"], found.updated) == ("2026-12-24", [])


def test_a_value_that_a_person_changed_is_kept_and_told() -> None:
    ours = written(imported(variant()), price={"input": 0.5, "output": 2.0})
    found = merge(ours, offer(variant(price={"input": 3.0, "output": 2.0, "as_of": "2026-12-01"})))
    assert entry(found.data)["price"] == {"input": 0.5, "output": 2.0}
    assert found.conflicts == [
        Change("a#price", {"input": 0.5, "output": 2.0}, {"input": 3.0, "output": 2.0}),
    ]


def test_a_price_that_a_person_wrote_is_not_given_the_day_of_an_import() -> None:
    ours = written(imported(variant()), price={"input": 0.5, "output": 2.0, "as_of": "2020-01-01"})
    assert entry(merge(ours, offer(variant())).data)["price"]["as_of"] == "2020-01-01"


def test_a_value_that_a_person_removed_stays_removed() -> None:
    ours = written(imported(variant()), capabilities={})
    found = merge(ours, offer(variant()))
    assert found.conflicts == [Change("a#capabilities.tools", ABSENT, True)]
    assert not entry(found.data)["capabilities"]


def test_search_and_replace_over_the_whole_file_is_a_persons_word_too() -> None:
    text = as_yaml(imported(variant())).replace("1.0", "0.7")
    data: Any = parse_yaml(text, Path("c")).data
    found = merge(data, offer(variant(price={"input": 3.0, "output": 2.0})))
    assert entry(found.data)["price"]["input"] == 0.7


def test_what_the_source_says_no_more_goes_but_not_what_a_person_made_of_it() -> None:
    data = imported(variant(capabilities={"tools": True, "context": 1000}))
    less = offer(variant(capabilities={"tools": True}))
    assert entry(merge(data, less).data)["capabilities"] == {"tools": True}
    ours = written(data, capabilities={"tools": True, "context": 500})
    assert entry(merge(ours, less).data)["capabilities"]["context"] == 500


def test_an_entry_that_only_a_person_wrote_is_filled_up_and_never_changed() -> None:
    ours = {**EMPTY, "providers": [HERE], "models": [{"id": "m", "variants": [variant(quantization="bf16")]}]}
    found = merge(ours, offer(variant(batch_discount=0.5)))
    assert entry(found.data)["quantization"] == "bf16"
    assert entry(found.data)["batch_discount"] == 0.5
    assert [change.name for change in found.conflicts] == ["a#quantization"]


@pytest.mark.parametrize("name", ["a#price", "a"])
def test_a_conflict_that_is_named_goes_to_the_source_which_has_it_from_then_on(name: str) -> None:
    ours = written(imported(variant()), price={"input": 0.5, "output": 2.0})
    found = merge(ours, offer(variant()), [name])
    assert found.overwritten == {name}
    assert entry(found.data)["price"]["input"] == 1.0
    later = merge(found.data, offer(variant(price={"input": 4.0, "output": 2.0})))
    assert (later.conflicts, entry(later.data)["price"]["input"]) == ([], 4.0)


def test_another_source_updates_nothing_that_this_one_wrote() -> None:
    found = merge(imported(variant()), offer(variant(quantization="fp4"), source="others"))
    assert entry(found.data)["quantization"] == "fp8"
    assert [change.name for change in found.conflicts] == ["a#quantization"]


def test_a_variant_that_is_called_otherwise_here_is_the_same_when_it_is_asked_in_the_same_way() -> None:
    ours = {**EMPTY, "providers": [{**HERE, "id": "mine"}], "models": [{"id": "m", "variants": []}]}
    ours["models"][0]["variants"] = [variant("budget", provider="mine", tag="a", batch_discount=0.1)]
    found = merge(ours, offer(variant("a")))
    assert [each["id"] for each in found.data["models"][0]["variants"]] == ["budget"]
    assert found.providers == []


def test_an_older_list_than_the_last_one_changes_nothing_and_is_told() -> None:
    data = imported(variant())
    older = Offer("theirs", date(2026, 11, 29), (HERE,), offer(variant(quantization="fp4")).models)
    found = merge(data, older)
    assert found.data == data
    assert found.left_out[0] == "a: theirs of 2026-11-29 is older than what is here, of 2026-11-30"


def test_a_variant_that_is_listed_no_more_stays_and_is_told() -> None:
    found = merge(imported(variant("a"), variant("b")), offer(variant("a")))
    assert (found.gone, len(found.data["models"][0]["variants"])) == (["b"], 2)


def test_an_id_that_another_model_has_is_left_out() -> None:
    other = Offer("theirs", DAY, (HERE,), ({"id": "n", "variants": [variant("a", tag="other")]},))
    found = merge(imported(variant("a")), other)
    assert "the id is that of a variant of m" in found.left_out[0]
    loads(found.data)


def test_a_provider_of_this_name_at_another_address_is_refused_for_keys_would_go_there() -> None:
    elsewhere = Offer("theirs", DAY, ({**HERE, "base_url": "https://evil.example/v1"},), ())
    with pytest.raises(InputError, match=r"'here' is at http://127\.0\.0\.1:9/v1 here, and at https://evil"):
        merge(imported(variant()), elsewhere)


def test_settings_of_a_provider_are_never_imported_over_those_here() -> None:
    theirs = Offer("theirs", DAY, ({**HERE, "api_key_env": "OTHER", "concurrency": 4000},), ())
    assert merge(imported(variant()), theirs).data["providers"] == [HERE]


def test_what_was_observed_is_replaced_by_the_same_source_and_by_no_other() -> None:
    def seen(source: str, requests: int) -> dict[str, Any]:
        return variant(observed={"source": source, "at": "2026-11-30T12:00Z", "requests": requests})

    data = imported(seen("one", 1))
    assert entry(merge(data, offer(seen("one", 2))).data)["observed"]["requests"] == 2
    assert entry(merge(data, offer(seen("two", 3))).data)["observed"]["requests"] == 1


def test_another_catalogue_brings_variants_but_no_baseline_and_no_recording_from_far_away() -> None:
    text = as_yaml(
        {
            "providers": [{"id": "tape", "protocol": "replay"}],
            "models": [{"id": "m", "baseline": "a", "variants": [variant(provider="tape", recording="a.gz")]}],
        }
    )
    document = parse_yaml(text, Path("/there/catalog.yaml"))
    far, near = (offer_of(document, DAY, beside) for beside in (None, Path("/here/now")))
    assert (far.models, "recorded" in far.skipped[0]) == ((), True)
    assert "baseline" not in near.models[0]
    assert near.models[0]["variants"][0]["recording"] == "../../there/a.gz"


VALUES = {
    "quantization": st.sampled_from(["fp8", "bf16", {"label": "fp8"}, {"label": "fp4", "source": "measured"}]),
    "price": st.fixed_dictionaries(
        {"input": st.sampled_from([0, 0.1, "0.10", 3]), "output": st.just(1.5)},
        optional={"as_of": st.just("2026-01-02")},
    ),
    "batch_discount": st.sampled_from([0.25, 0.5]),
    "path": st.sampled_from(["direct", "broker"]),
    "answers_as": st.sampled_from(["x", ["x", "y"]]),
    "capabilities": st.fixed_dictionaries(
        {}, optional={"tools": st.booleans(), "context": st.sampled_from([1, 2]), "tool_choice": st.just(["auto"])}
    ),
}
FIELDS = st.fixed_dictionaries({}, optional=VALUES)
OFFERS = st.lists(st.lists(st.tuples(st.sampled_from("abc"), FIELDS), min_size=1, max_size=3), min_size=1, max_size=4)


def offers_of(steps: list[list[tuple[str, dict[str, Any]]]]) -> list[Offer]:
    return [offer(*(variant(name, **fields) for name, fields in dict(step).items())) for step in steps]


def outcome(found: Merged) -> tuple[object, ...]:
    return (found.data, found.added, found.updated)


@given(OFFERS, FIELDS, FIELDS)
def test_merging_again_changes_nothing_and_the_result_always_loads(
    steps: list[list[tuple[str, dict[str, Any]]]], first: dict[str, Any], second: dict[str, Any]
) -> None:
    data = EMPTY
    text = ""
    for number, step in enumerate(offers_of(steps)):
        data = merge(data, step).data
        again = merge(data, step)
        assert outcome(again) == (data, [], [])
        text = rewritten(text, data, Path("c.yaml")) if text else as_yaml(data)
        assert parse_yaml(text, Path("c.yaml")).data == data
        catalog_of(parse_yaml(text, Path("c.yaml")))
        data = written(data, **(first if number % 2 else second))
        text = rewritten(text, data, Path("c.yaml"))


@given(FIELDS, FIELDS, FIELDS)
def test_every_value_that_a_person_wrote_survives_any_import(
    theirs: dict[str, Any], hand: dict[str, Any], later: dict[str, Any]
) -> None:
    ours = written(imported(variant(**theirs)), **hand)
    changed = {name for name in hand if entry(ours)[name] != entry(imported(variant(**theirs))).get(name)}
    found = entry(merge(ours, offer(variant(**later))).data)
    for name in changed - {"price", "capabilities", "quantization"}:
        assert found[name] == hand[name]
    before = entry(imported(variant(**theirs))).get("capabilities", {})
    for name, value in hand.get("capabilities", {}).items():
        if before.get(name) != value:
            assert found["capabilities"][name] == value
