"""Who is asked, from a line: what it says, what is refused, and that no key ever gets into a file or a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog.load import catalog_of
from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml
from evalgate.starting.endpoints import Way, read_way, roster
from evalgate.starting.texts import catalog_text

ACME = "https://api.acme.example/v1"
KEYS = (
    "sk-abcdefghijklmnopqrstuvwx",
    "sk-proj-Abc_defghijklmnopqrst",
    "gsk_abcdefghijklmnopqrstuvwx",
    "hf_abcdefghijklmnopqrstuvwx",
    "xai-abcdefghijklmnopqrstuvwx",
    "q7Zt0aVbL2mWx9Rk4HcYd8Ns1Ug",
)


def test_everything_that_a_line_may_say() -> None:
    way = read_way(f"{ACME},key=ACME_KEY,as=llama 70b,precision=fp8,price=0.20/0.4,id=mine", "--variant")
    assert way == Way(ACME, "ACME_KEY", "llama 70b", "fp8", ("0.20", "0.4"), "mine")


def test_without_an_address_it_is_at_the_baselines_with_its_key() -> None:
    baseline = read_way(f"{ACME},key=ACME_KEY", "--baseline")
    assert read_way("as=small", "--variant", baseline) == Way(ACME, "ACME_KEY", "small")


def test_another_address_is_not_sent_the_baselines_key() -> None:
    baseline = read_way(f"{ACME},key=ACME_KEY", "--baseline")
    assert read_way("https://other.example/v1", "--variant", baseline).key is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("acme", "is no address"),
        ("ftp://h/v1", "is no address"),
        ("https://", "names no host"),
        ("https:///v1", "names no host"),
        ("https://h:70000/v1", "host or port cannot be read"),
        ("https://[::1/v1", "cannot be read"),
        (f"{ACME} x", "pattern"),
        (f"{ACME}/models", "before that path"),
        (f"{ACME}/chat/completions", "before that path"),
        (f"{ACME},prcision=fp8", "did you mean 'precision'?"),
        (f"{ACME},KEY=X", "unknown word 'KEY'"),
        (f"{ACME},key=A,key=B", "key= is given twice"),
        (f"{ACME},key=", "key= is empty"),
        (f"{ACME},key=1A", "name of an environment variable"),
        (f"{ACME},precision=FP8 (e4m3)", "expected such as bf16"),
        (f"{ACME},price=cheap", "expected USD per 1M tokens"),
        (f"{ACME},price=-1", "expected USD per 1M tokens"),
        (f"{ACME},price=NaN", "expected USD per 1M tokens"),
        (f"{ACME},id=a b", "--variant: id="),
        ("as=x", "no address"),
        ("", "no address"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line: str, told: str) -> None:
    with pytest.raises(InputError) as failure:
        read_way(line, "--variant")
    assert str(failure.value).startswith("--variant: ")
    assert told in str(failure.value)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "line",
    [
        "https://h/v1,key={}",
        "https://user:{}@h/v1",
        "https://{}@h/v1",
        "https://h/v1?api_key={}",
        "https://h/v1#{}",
        "https://h/v1,api_key={}",
        "https://h/v1,key=A,token={}",
    ],
)
def test_a_key_is_refused_and_not_repeated(line: str, key: str) -> None:
    with pytest.raises(InputError) as failure:
        read_way(line.format(key), "--baseline")
    assert key not in str(failure.value)


@pytest.mark.parametrize("key", KEYS[:-1])
def test_a_key_in_the_path_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(InputError) as failure:
        read_way(f"https://h/{key}/v1", "--baseline")
    assert key not in str(failure.value)


@pytest.mark.parametrize(
    ("ways", "ids", "providers"),
    [
        ([Way(ACME), Way("https://llm.budget.example/v1")], ["acme", "budget"], ["acme", "budget"]),
        ([Way(ACME, precision="bf16"), Way(ACME, precision="fp8")], ["acme-bf16", "acme-fp8"], ["acme"]),
        ([Way(ACME, as_="org/Big One"), Way(ACME, as_="small")], ["acme-Big-One", "acme-small"], ["acme"]),
        ([Way(ACME, "A"), Way(ACME, "B", "x")], ["acme", "acme-2-x"], ["acme", "acme-2"]),
        ([Way("http://127.0.0.1:8001/v1"), Way("http://[::1]:8002/v1")], ["local-8001", "local-8002"], None),
        ([Way("http://localhost:80/v1", as_="a"), Way("http://localhost:80/v1", as_="b")], ["a", "b"], ["local-80"]),
        ([Way("http://10.0.0.7/v1"), Way("http://10.0.0.8/v1")], ["10.0.0.7", "10.0.0.8"], None),
        ([Way("https://a.x.example/1"), Way("https://b.x.example/1")], ["x", "x-2"], ["x", "x-2"]),
        ([Way(ACME, id="full"), Way(ACME, as_="y", id="cheap")], ["full", "cheap"], ["acme"]),
    ],
)
def test_everybody_gets_a_name(ways: list[Way], ids: list[str], providers: list[str] | None) -> None:
    made = roster("m", ways[0], ways[1:])
    assert [each["id"] for each in made.variants] == ids
    assert providers is None or [each["id"] for each in made.providers] == providers


@pytest.mark.parametrize(
    "other", [Way(ACME), Way(f"{ACME}/"), Way("https://API.acme.example:443/v1"), Way(ACME, as_="m")]
)
def test_two_that_are_the_same_are_refused(other: Way) -> None:
    with pytest.raises(InputError, match="named twice"):
        roster("m", Way(ACME), [other])


def test_two_of_one_id_are_refused() -> None:
    with pytest.raises(InputError, match="two endpoints of one id"):
        roster("m", Way(ACME, id="a"), [Way("https://b.example/v1", id="a")])


def test_a_price_that_nobody_told_is_called_illustrative() -> None:
    text = catalog_text(roster("m", Way(ACME, price=("0.9", "0.9")), [Way("https://b.example/v1")]))
    priced = [each.price.basis for each in catalog_of(parse_yaml(text, Path("c"))).endpoints("m").values()]
    assert priced == ["listed", "illustrative"]
    assert "put your prices" in text


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_./:@-]{0,60}\Z")
HOSTS = st.from_regex(r"\A[^\s/?#@,]{1,40}\Z")
PATHS = st.from_regex(r"\A(/[^\s?#]{0,40})?\Z")


@given(
    model=NAMES, host=HOSTS, path=PATHS, served=st.text(min_size=1, max_size=40), key=st.from_regex(r"\A[A-Z_]{1,20}\Z")
)
def test_whatever_is_taken_makes_a_catalogue_that_says_it(
    model: str, host: str, path: str, served: str, key: str
) -> None:
    try:
        baseline = read_way(f"https://{host}{path},key={key}", "--baseline")
        cheaper = read_way(f"as={served}", "--variant", baseline)
        who = roster(model, baseline, [cheaper])
    except InputError:
        return
    endpoints = list(catalog_of(parse_yaml(catalog_text(who), Path("catalog.yaml"))).endpoints(model).values())
    assert [each.served_as for each in endpoints] == [model, cheaper.as_]
    assert {each.provider.base_url for each in endpoints} == {f"https://{host}{path}"}
    assert {each.provider.api_key_env for each in endpoints} == {key}
