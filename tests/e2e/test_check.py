"""The main job as a user runs it: the command, its output, its exit codes, its files."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.conftest import House


def board(house: House) -> dict[str, dict[str, object]]:
    done = house.run("check", "--json", "-", "-q")
    (operation,) = json.loads(done.stdout)["operations"]
    return {verdict["variant"]["id"]: verdict for verdict in operation["verdicts"]}


def test_an_identical_variant_is_green_and_a_clearly_worse_one_is_red(house: House) -> None:
    verdicts = board(house)
    assert verdicts["same"]["outcome"] == "green"
    assert verdicts["worse"]["outcome"] == "red"


def test_a_variant_is_asked_no_more_once_its_verdict_is_certain(house: House) -> None:
    verdicts = board(house)
    assert verdicts["worse"]["cases"] < 100
    assert verdicts["same"]["cases"] < 150


def test_exit_code_1_when_a_variant_is_red(house: House) -> None:
    assert house.run("check").returncode == 1


def test_exit_code_0_when_all_variants_are_green(house: House) -> None:
    assert house.run("check", "--variant", "same").returncode == 0


def test_exit_code_3_when_a_variant_is_inconclusive(house: House) -> None:
    assert house.run("check", "--variant", "same", "--max-cases", "30").returncode == 3


def test_on_inconclusive_pass_makes_the_exit_code_0(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, on_inconclusive: pass}")
    assert house.run("check", "--variant", "same", "--max-cases", "30").returncode == 0


def test_a_second_check_asks_nothing_and_gives_the_identical_verdicts(house: House) -> None:
    first = json.loads(house.run("check", "--json", "-", "-q").stdout)
    second = json.loads(house.run("check", "--json", "-", "-q").stdout)
    assert first["requests"] > 0
    assert second["requests"] == 0
    assert second["operations"] == first["operations"]


def test_refresh_asks_again(house: House) -> None:
    house.run("check", "-q")
    assert json.loads(house.run("check", "--refresh", "--json", "-", "-q").stdout)["requests"] > 0


def test_the_failing_gate_says_what_broke_and_what_to_do(house: House) -> None:
    out = house.run("check").stdout
    assert "RED" in out
    assert "name_colour" in out
    assert "evalgate show name_colour worse --broke" in out


def test_the_wave_size_cannot_change_a_verdict(house: House) -> None:
    code = "import evalgate.check as c; c.LOOK = {wave}; from evalgate.cli import main; main()"
    boards = []
    for wave in (5, 300):
        store = f"--store={house.path}/wave{wave}.db"
        command = [sys.executable, "-c", code.format(wave=wave), "check", "-q", "--json", "-", store]
        done = subprocess.run(command, cwd=house.path, capture_output=True, text=True, timeout=60)
        verdicts = json.loads(done.stdout)["operations"][0]["verdicts"]
        boards.append([(v["variant"]["id"], v["outcome"], v["cases"], v["metrics"]) for v in verdicts])
    assert boards[0] == boards[1]


def test_show_puts_the_baselines_answer_beside_the_variants(house: House) -> None:
    house.run("check", "-q")
    shown = house.run("show", "name_colour", "worse", "--broke")
    assert shown.returncode == 0
    assert "<b>mud</b>" in shown.stdout
    assert "shade" in shown.stdout


def test_the_report_escapes_what_models_wrote(house: House) -> None:
    house.run("check", "--report", "report.html")
    text = (house.path / "report.html").read_text()
    assert "&lt;b&gt;mud" in text
    assert "<b>mud" not in text


def answers_in(store: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_a_killed_check_goes_on_where_it_stopped(house: House) -> None:
    process = subprocess.Popen([sys.executable, "-m", "evalgate", "check", "-q"], cwd=house.path)
    store = house.path / ".evalgate" / "evalgate.db"
    deadline = time.monotonic() + 60
    while answers_in(store) < 60 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = json.loads(house.run("check", "--json", "-", "-q").stdout)
    fresh = json.loads(house.run("check", "--json", "-", "-q", "--store", "other.db").stdout)
    strip = [(v["variant"]["id"], v["outcome"], v["cases"]) for v in resumed["operations"][0]["verdicts"]]
    assert strip == [(v["variant"]["id"], v["outcome"], v["cases"]) for v in fresh["operations"][0]["verdicts"]]
    assert resumed["requests"] < fresh["requests"]


def test_whoever_does_not_read_the_verdict_is_not_told_that_all_is_green(house: House) -> None:
    command = [sys.executable, "-m", "evalgate", "check", "-q"]
    with subprocess.Popen(command, cwd=house.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.wait(timeout=60) == 141


def test_nobody_listening_to_the_progress_does_not_end_a_check(house: House) -> None:
    command = [sys.executable, "-m", "evalgate", "check"]
    with subprocess.Popen(command, cwd=house.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        running.stderr.close()
        told = running.stdout.read().decode()
        assert running.wait(timeout=60) == 1
    assert "RED" in told


def test_a_finite_suite_uses_a_baseline_that_is_known_already_and_says_what_it_was_worth(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, claim: suite}")
    house.run("run", "suites/name_colour.yaml", "--variant", "full")
    assert board(house)["worse"]["control_variate"]
    assert "control variate (baseline known beforehand): needed for" in house.run("check").stdout


def test_no_answer_of_the_baseline_is_bought_to_know_it_beforehand(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, claim: suite}")
    verdict = board(house)["worse"]
    assert verdict["control_variate"] is None
    assert verdict["cases"] < 100


def test_a_check_that_began_before_the_baseline_was_known_goes_on_without(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, claim: suite}")
    first = board(house)
    house.run("run", "suites/name_colour.yaml", "--variant", "full")
    assert board(house) == first


def test_the_control_variate_can_be_switched_off(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, claim: suite, control_variate: false}")
    house.run("run", "suites/name_colour.yaml", "--variant", "full")
    assert board(house)["worse"]["control_variate"] is None
