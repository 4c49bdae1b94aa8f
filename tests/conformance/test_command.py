"""`evalgate conformance` as a person uses it: prepare, start the router, test it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalgate.cli import command
from evalgate.conformance import World
from evalgate.errors import EvalgateError, InputError
from tests.conformance.conftest import free_ports
from tests.conformance.router import Router

QUICK = ["--within", "0.3", "--settle", "3", "--calls", "6"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["conformance", *arguments], standalone_mode=False, catch_exceptions=False)


def test_what_was_prepared_is_what_the_router_needs_to_be_told(tmp_path: Path) -> None:
    folder, port = tmp_path / "world", free_ports(4)
    told = invoke("--prepare", str(folder), "--port", str(port)).output
    world = World.load(folder)
    assert world.signal_url in told
    assert world.base_url("cheapest") in told
    assert [path.name for path in sorted(world.keys.iterdir())] == ["first.pub", "second.pub"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "secret").iterdir())


@pytest.mark.parametrize(
    ("fault", "code", "outcome"), [("", 0, "kept"), ("uses red", 1, "broken"), ("is dear", 3, "not shown")]
)
def test_the_exit_code_says_how_it_went(world: World, tmp_path: Path, fault: str, code: int, outcome: str) -> None:
    with Router(world, *filter(None, [fault])) as router:
        found = tmp_path / "found.json"
        arguments = ["--router", router.url, "--dir", str(world.folder), "--rule", "red", "--json", str(found), *QUICK]
        result = invoke(*arguments)
    assert result.return_value == code
    (finding,) = json.loads(found.read_text())["findings"]
    assert (finding["rule"], finding["outcome"]) == ("red", outcome)


def test_a_second_test_of_a_router_that_still_runs_goes_on_where_the_first_one_ended(world: World) -> None:
    arguments = ["--dir", str(world.folder), "--rule", "green-is-used", *QUICK]
    with Router(world) as router:
        assert [invoke("--router", router.url, *arguments).return_value for _ in range(2)] == [0, 0]


def test_a_prepared_folder_is_not_prepared_again(world: World) -> None:
    with pytest.raises(InputError, match="prepared already"):
        invoke("--prepare", str(world.folder))


def test_a_folder_that_was_not_prepared_says_how(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"prepare it first: evalgate conformance --prepare {tmp_path}"):
        invoke("--router", "http://127.0.0.1:1", "--dir", str(tmp_path))


def test_a_rule_that_there_is_not_names_the_one_that_was_meant() -> None:
    with pytest.raises(InputError, match="did you mean 'rolled-back'"):
        invoke("--rule", "rolled-bak")


def test_ports_that_are_taken_are_named(world: World) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", world.port + 2))
        other.listen()
        with pytest.raises(EvalgateError, match=f"port {world.port + 2} cannot be listened on"):
            invoke("--router", "http://127.0.0.1:1", "--dir", str(world.folder))
