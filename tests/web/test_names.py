"""Every model has a page of its own, and none leaves the folder."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.web.names import pages_of, way_up


def test_plain_ids_are_their_own_path() -> None:
    assert pages_of(["openai/gpt-4o-mini", "solo"]) == {"openai/gpt-4o-mini": "openai/gpt-4o-mini", "solo": "solo"}


@pytest.mark.parametrize(
    "model", ["..", "../../etc/passwd", "a/../../b", "/etc", "a//b", ".", "a\\..\\b", "c:d", "a\0b"]
)
def test_no_page_leaves_its_folder(model: str) -> None:
    path = PurePosixPath(pages_of([model])[model])
    assert not path.is_absolute()
    assert not {"..", ".", ""} & set(str(path).split("/"))


def test_ids_that_differ_by_capitals_alone_are_two_files_on_every_disk() -> None:
    pages = pages_of(["Acme/Model", "acme/model"])
    assert len({page.casefold() for page in pages.values()}) == 2


def test_a_folder_is_never_called_as_a_page_is() -> None:
    pages = pages_of(["a", "a.html/b"])
    assert f"{pages['a']}.html" != pages["a.html/b"].split("/")[0]


@given(st.lists(st.text(max_size=30) | st.text("aA./~:2e", max_size=12), unique=True, max_size=12))
def test_two_ids_never_share_a_page(models: list[str]) -> None:
    pages = [page.casefold() for page in pages_of(models).values()]
    assert len(set(pages)) == len(models)


@given(st.text(max_size=2_000))
def test_a_file_name_is_short_enough_for_a_disk(model: str) -> None:
    page = pages_of([model])[model]
    assert max(len(f"{each}.html") for each in page.split("/")) <= 255
    assert page.isascii()


def test_the_way_up_leads_out_of_models() -> None:
    assert (way_up("solo"), way_up("openai/gpt-4o-mini")) == ("../", "../../")
