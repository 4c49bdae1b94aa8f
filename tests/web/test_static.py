"""The folder: relative, whole, and without pages of the past."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.catalog import Catalog
from evalgate.errors import InputError
from evalgate.web import Proofs, View, write_pages


def test_every_link_of_the_list_leads_to_a_page_and_back(view: View, tmp_path: Path) -> None:
    assert write_pages(view, tmp_path) == 4
    links = re.findall(r'href="(models/[^"]+)"', (tmp_path / "index.html").read_text("utf-8"))
    assert len(links) == 3
    for link in links:
        page = (tmp_path / link).read_text("utf-8")
        back = re.search(r'href="([^"]*index\.html)"', page)
        assert back is not None
        assert ((tmp_path / link).parent / back[1]).resolve() == (tmp_path / "index.html").resolve()


def test_a_model_that_left_the_catalogue_leaves_no_green_page_behind(view: View, tmp_path: Path) -> None:
    write_pages(view, tmp_path)
    own = tmp_path / "models" / "notes.html"
    own.write_text("<p>mine</p>")
    models = {name: each for name, each in view.catalog.models.items() if name == "solo"}
    smaller = Catalog(view.catalog.document, models, about=view.catalog.about)
    write_pages(replace(view, proofs=Proofs(None, smaller)), tmp_path)
    assert sorted(each.name for each in (tmp_path / "models").rglob("*.html")) == ["notes.html", "solo.html"]


def test_a_folder_that_cannot_be_one_is_an_error_that_names_it(view: View, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*the pages cannot be written"):
        write_pages(view, tmp_path / "file")
