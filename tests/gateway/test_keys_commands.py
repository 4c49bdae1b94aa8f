"""`evalgate keys …` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalgate.cli.keys import command
from evalgate.errors import EvalgateError, InputError
from evalgate.gateway.keys import digest
from evalgate.store import open_store
from evalgate.store.keys import VirtualKeys


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(*arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments)
    if isinstance(result.exception, EvalgateError):
        raise result.exception
    return result


def made(*arguments: str) -> str:
    result = keys("create", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_key_is_shown_once_and_then_never_again(folder: Path) -> None:
    secret = made("--name", "ci")
    assert secret.startswith("eg-")
    assert len(secret) == 46
    for arguments in (("list",), ("list", "--json"), ("show", "ci"), ("show", "ci", "--json"), ("revoke", "ci")):
        output = keys(*arguments).output
        assert "ci" in output
        assert secret not in output
        assert digest(secret) not in output


def test_what_was_asked_for_is_what_the_key_may_do(folder: Path) -> None:
    limits = ("--operation", "sort", "--tier", "batch", "--requests-per-minute", "5", "--tokens-per-minute", "900")
    made("--name", "ci", "--spend", "2.50/day", "--capture", "on", "--expires", "90d", *limits)
    told = json.loads(keys("show", "ci", "--json").stdout)
    assert told["expires_at"] - told["created_at"] == pytest.approx(90 * 86_400, abs=60)
    expected = {"operation": "sort", "tier": "batch", "requests_per_minute": 5, "tokens_per_minute": 900}
    assert {name: told[name] for name in expected} == expected
    assert (float(told["dollars"]), told["period"], told["capture"], told["state"]) == (2.5, "day", "on", "active")


def test_keys_are_kept_where_the_gateway_here_looks_for_them(folder: Path) -> None:
    (folder / "gateway.yaml").write_text("store: here.db\n")
    made("--name", "ci")
    with open_store("here.db", make=False) as store:
        assert [key.name for key in VirtualKeys(store).all()] == ["ci"]


def test_a_gateway_that_keeps_nothing_has_no_keys(folder: Path) -> None:
    (folder / "gateway.yaml").write_text("store: null\n")
    with pytest.raises(InputError, match="nowhere to keep keys"):
        keys("create", "--name", "ci")


@pytest.mark.parametrize(
    "option",
    [
        ("--name", ""),
        ("--name", " ci"),
        ("--name", "a\x1b[31m"),
        ("--name", "x" * 101),
        ("--operation", "a\0b"),
        ("--tier", "cheap"),
        ("--requests-per-minute", "0"),
        ("--tokens-per-minute", "-1"),
        ("--tokens-per-minute", "99999999999999999999"),
        ("--spend", "5/week"),
        ("--spend", "0"),
        ("--spend", "-1"),
        ("--spend", "nan"),
        ("--spend", "inf/day"),
        ("--spend", "1e99"),
        ("--spend", "5/"),
        ("--spend", "0.0000000001"),
        ("--expires", "soon"),
        ("--expires", "2020-01-01"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_makes_no_key(folder: Path, option: tuple[str, str]) -> None:
    result = keys("create", "--name", "ci", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr
    assert "\x1b" not in result.stderr
    assert not (folder / ".evalgate").exists()


def test_where_there_are_no_keys_it_says_how_to_make_one(folder: Path) -> None:
    open_store("empty.db").__exit__()
    assert "evalgate keys create" in keys("list", "--store", "empty.db").output
    with pytest.raises(InputError, match="there are none yet: evalgate keys create"):
        keys("show", "ci", "--store", "empty.db")


def test_a_name_that_nobody_has_is_told_with_those_that_are_there(folder: Path) -> None:
    made("--name", "nightly")
    for arguments in (("show", "nightli"), ("revoke", "nightli")):
        with pytest.raises(InputError, match="did you mean 'nightly'"):
            keys(*arguments)
