"""`--ray [ADDRESS]`: read as it is meant, refused where it cannot work, and without it nothing of it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from evalgate.cli.cluster import OnCluster, on_cluster, ray_options
from evalgate.errors import InputError


@click.command(cls=OnCluster)
@click.argument("suites", nargs=-1)
@ray_options
def command(suites: tuple[str, ...], ray_address: str | None, ray_workers: int | None) -> None:
    click.echo(f"{ray_address} {ray_workers} {' '.join(suites)}".strip())


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("a.yaml", "None None a.yaml"),
        ("--ray", "local None"),
        ("--ray a.yaml b.yaml", "local None a.yaml b.yaml"),
        ("a.yaml --ray --ray-workers 3", "local 3 a.yaml"),
        ("--ray auto a.yaml", "auto None a.yaml"),
        ("--ray head:6379 a.yaml", "head:6379 None a.yaml"),
        ("--ray [::1]:6379", "[::1]:6379 None"),
        ("--ray=10.0.0.1:6379 -- --ray", "10.0.0.1:6379 None --ray"),
    ],
)
def test_an_address_may_follow_and_a_suite_is_none(arguments: str, read: str) -> None:
    assert CliRunner().invoke(command, arguments.split()).output.strip() == read


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--ray=suite.yaml", "expected auto or host:port, got 'suite.yaml'"),
        ("--ray ray://head:10001", "run it on the cluster: ray job submit"),
        ("--ray --ray-workers 0", "0 is not in the range"),
    ],
)
def test_what_is_no_address_is_refused(arguments: str, told: str) -> None:
    result = CliRunner().invoke(command, arguments.split())
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"address": None, "workers": 3}, "there is none without --ray"),
        ({"address": "local", "workers": None, "batch": True}, "leave one of them out"),
        ({"address": "auto", "workers": None}, "a file is of one machine"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_started(
    options: dict[str, object], told: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(InputError, match=told),
        on_cluster(store="e.db", catalog=tmp_path, **options),  # type: ignore[arg-type]
    ):
        pass


def test_without_the_option_neither_ray_nor_the_room_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from evalgate.cli import main; sys.argv = ['evalgate', 'check', 'none.yaml']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "import evalgate.cli.run, evalgate.cli.watch, evalgate.check, evalgate.run, evalgate.watch\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'ray' or name.startswith('evalgate.cluster')])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
