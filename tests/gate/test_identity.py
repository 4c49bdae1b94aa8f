"""Who answered: one name for one proof, aliases by declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.exchange import Answer
from evalgate.gate import Transcript
from evalgate.gate.identity import somebody_else
from tests.gate.simulated import endpoint


def answered(folder: Path, *names: str | None) -> str:
    side = Transcript(endpoint(folder, "llama-70b"))
    for name in names:
        details = {} if name is None else {"served_model": name}
        side.add([Answer("yes", "stop", 1, 1, details=details)], [{"score": 1.0}])
    return somebody_else(side)


@pytest.mark.parametrize(
    "names", [(), (None, None), ("llama-70b", None), ("meta-llama/Llama-70B", "meta-llama/Llama-70B")]
)
def test_whoever_answers_as_asked_is_believed(tmp_path: Path, names: tuple[str | None, ...]) -> None:
    assert answered(tmp_path, *names) == ""


def test_another_name_is_told_with_the_way_to_declare_it(tmp_path: Path) -> None:
    told = answered(tmp_path, "llama-8b-mini", "llama-8b-mini")
    assert "was asked for 'llama-70b' and answers as 'llama-8b-mini'" in told
    assert "answers_as: 'llama-8b-mini'" in told


def test_a_change_in_the_middle_names_the_case(tmp_path: Path) -> None:
    told = answered(tmp_path, "llama-70b", "llama-70b", "llama-70b-turbo")
    assert "answered as 'llama-70b' and from case 3 on as 'llama-70b-turbo'" in told
