"""`evalgate init` as somebody at a terminal uses it: what is written, what is told, and that it leads to a verdict."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from evalgate.cli import command
from evalgate.errors import EvalgateError, InfrastructureError, InputError
from tests.conftest import Asked, Loopback, Sent

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "tests" / "fixtures" / "logs"
ENDPOINTS = ("--baseline", "https://api.acme.example/v1,key=ACME_KEY", "--variant", "as=small")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False, standalone_mode=False)


def init(*arguments: object, model: str | None = "m") -> Result:
    return run("init", *(("--model", model) if model else ()), *arguments)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def solved(server: Loopback, targets: dict[str, str]) -> None:
    """The server gives each question's target, but for every other one to who asks for `bad`."""

    def answer(asked: Asked) -> Sent:
        messages: Any = asked.body["messages"]
        text = str(messages[-1]["content"])
        wrong = asked.body["model"] == "bad" and sum(text.encode()) % 2
        choice = {
            "message": {"role": "assistant", "content": "no" if wrong else targets[text]},
            "finish_reason": "stop",
        }
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        return Sent(json.dumps({"model": asked.body["model"], "choices": [choice], "usage": usage}).encode())

    server.behave = answer


def local(server: Loopback) -> tuple[str, ...]:
    return ("--baseline", f"{server.url},as=full", "--variant", "as=good", "--variant", "as=bad")


def verdicts(*arguments: str) -> dict[str, str]:
    run("check", *arguments, "-q", "--json", "board.json")
    operations = json.loads(Path("board.json").read_text())["operations"]
    return {each["variant"]["id"]: each["outcome"] for board in operations for each in board["verdicts"]}


def test_the_ten_second_form_writes_all_of_a_project(here: Path) -> None:
    done = init(*ENDPOINTS)
    assert done.exit_code == 0
    assert files(here) == [
        ".github/workflows/evalgate.yml",
        ".gitignore",
        "catalog.yaml",
        "schemas/catalog.schema.json",
        "schemas/suite.schema.json",
        "suites/classify_ticket.jsonl",
        "suites/classify_ticket.yaml",
    ]
    assert "export ACME_KEY=…" in done.stdout


def test_what_was_written_names_schemas_that_are_there(here: Path) -> None:
    init(*ENDPOINTS)
    for path in (here / "catalog.yaml", here / "suites" / "classify_ticket.yaml"):
        named = re.match(r"# yaml-language-server: \$schema=(.+)\n", path.read_text())
        assert named is not None
        assert (path.parent / named[1]).is_file()


def test_the_job_is_valid_for_github(here: Path) -> None:
    init(*ENDPOINTS)
    path = here / ".github" / "workflows" / "evalgate.yml"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "ACME_KEY: ${{ secrets.ACME_KEY }}" in path.read_text()


@pytest.mark.parametrize("asked", ["check", "plan"])
def test_no_verdict_is_given_on_the_examples(asked: str) -> None:
    init(*ENDPOINTS)
    with pytest.raises(
        InputError, match=r"^suites/classify_ticket.jsonl:1: a placeholder, on which no verdict is given"
    ):
        run(asked)


def test_no_verdict_is_given_as_long_as_one_example_is_left(here: Path) -> None:
    init(*ENDPOINTS)
    path = here / "suites" / "classify_ticket.jsonl"
    rows = [json.dumps({"id": n, "input": f"question {n}", "target": "other"}) for n in range(500)]
    path.write_text("\n".join([*rows, path.read_text().splitlines()[2]]))
    with pytest.raises(InputError, match=r"classify_ticket.jsonl:501: a placeholder"):
        run("check")


def test_the_endpoints_can_be_tried_on_the_examples(server: Loopback) -> None:
    done = init(*local(server))
    assert not Path(".github").exists()  # nobody at GitHub can reach 127.0.0.1
    rows = [json.loads(line) for line in Path("suites/classify_ticket.jsonl").read_text().splitlines()]
    solved(server, {row["input"]: row["target"] for row in rows})
    (tried,) = (line.strip() for line in done.stdout.splitlines() if "evalgate run" in line)
    assert run(*tried.partition("#")[0].split()[1:], "-q").exit_code == 0
    assert len(server.asked) == 5


def test_own_cases_lead_to_verdicts(server: Loopback, here: Path) -> None:
    rows = [{"id": n, "input": f"What comes after {n} and {n * 7}?", "target": f"it is {n}"} for n in range(120)]
    (here / "mine.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    solved(server, {f"Say: {row['input']}": str(row["target"]) for row in rows})
    init(*local(server), "--cases", "mine.jsonl", "--prompt", "Say: {{ input }}", "--margin", "0.2")
    assert verdicts() == {"good": "green", "bad": "red"}


def test_a_promptfoo_configuration_leads_to_verdicts(server: Loopback, here: Path) -> None:
    tests = [{"vars": {"q": f"Item {n * 7919}?"}, "assert": [{"type": "equals", "value": f"X{n}"}]} for n in range(120)]
    config = {"prompts": ["{{q}}"], "providers": ["openai:m"], "tests": tests}
    (here / "promptfooconfig.yaml").write_text(json.dumps(config))
    solved(server, {f"Item {n * 7919}?": f"X{n}" for n in range(120)})
    init(*local(server), "--from-promptfoo", "promptfooconfig.yaml", "--operation", "items", "--margin", "0.2")
    assert verdicts() == {"good": "green", "bad": "red"}


@pytest.mark.parametrize("log", ["inspect-0.3.285/baseline.eval", "lm-eval-0.4.13/baseline.jsonl"])
def test_a_real_log_asks_and_expects_the_same_again(server: Loopback, log: str) -> None:
    rows = (json.loads(line) for line in (LOGS / "lm-eval-0.4.13" / "baseline.jsonl").read_text().splitlines())
    solved(server, {row["doc"]["input"]: row["target"] for row in rows})
    init(*local(server), "--from-log", LOGS / log, "--operation", "codes", "--margin", "0.4")
    assert verdicts() == {"good": "green", "bad": "red"}
    assert {asked.body["model"] for asked in server.asked} == {"full", "good", "bad"}


def test_a_suite_is_copied_with_its_files_for_another_model(here: Path) -> None:
    base = here / "theirs"
    (base / "data").mkdir(parents=True)
    (base / "suite.yaml").write_text(
        "# a remark\noperation: theirs\nmodel: other\nbaseline: big\nvariants: [big, tiny]\ncases: data/c.jsonl\n"
        "prompt: file://p.txt\nassert: [{type: exact}]   # as before\ngate: {margin: 0.05}\n"
    )
    (base / "p.txt").write_text("Say {{ input }}")
    (base / "README.md").write_text("Source: me. Licence: MIT.")
    (base / "data" / "c.jsonl").write_text('{"id": 1, "input": "a", "target": "b"}\n')
    done = init("out", *ENDPOINTS, "--from-suite", "theirs", "--operation", "ours")
    assert done.exit_code == 0
    copied = (here / "out" / "suites" / "ours" / "suite.yaml").read_text()
    assert "# a remark\n" in copied
    assert "assert: [{type: exact}]   # as before" in copied
    assert "operation: ours\nmodel: m\nbaseline: acme\n" in copied
    assert "variants" not in copied
    assert (here / "out" / "suites" / "ours" / "README.md").is_file()
    assert "evalgate check suites/ours/suite.yaml" in done.stdout


def test_a_catalogue_that_is_there_gets_a_further_suite(here: Path) -> None:
    init(*ENDPOINTS)
    before = (here / "catalog.yaml").read_bytes()
    done = init("--catalog", "catalog.yaml", "--operation", "second", model=None)
    assert done.exit_code == 0
    assert (here / "catalog.yaml").read_bytes() == before
    assert "baseline: acme\n" in (here / "suites" / "second.yaml").read_text()
    assert ".gitignore" not in done.stderr


def test_a_list_of_what_git_leaves_out_is_kept_and_told_of(here: Path) -> None:
    (here / ".gitignore").write_text(".evalgate\n")
    done = init(*ENDPOINTS)
    assert (here / ".gitignore").read_text() == ".evalgate\n"
    assert "add to it: signal.key" in done.stderr


def test_nothing_is_overwritten(here: Path) -> None:
    init(*ENDPOINTS)
    before = {name: (here / name).read_bytes() for name in files(here)}
    (here / "suites" / "other.jsonl").write_text("mine")
    told = r"never overwritten; nothing was written:\n  suites/other.jsonl\n  catalog.yaml"
    with pytest.raises(InputError, match=told):
        init(*ENDPOINTS, "--operation", "other")
    assert {name: (here / name).read_bytes() for name in files(here) if name in before} == before
    assert not (here / "suites" / "other.yaml").exists()


def test_cases_that_lie_where_they_belong_are_used_as_they_are(here: Path) -> None:
    path = here / "suites" / "t.jsonl"
    path.parent.mkdir()
    path.write_text('{"id": 1, "input": "a", "target": "b"}\n')
    assert init(*ENDPOINTS, "--cases", "suites/t.jsonl").exit_code == 0
    assert path.read_text() == '{"id": 1, "input": "a", "target": "b"}\n'


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--baseline: missing"),
        (("--baseline", "https://a.example/v1"), "--variant: missing"),
        (("--cases", "a.jsonl", "--from-log", "b"), "both say what is asked"),
        ((*ENDPOINTS, "--prompt", "x"), "--prompt goes with --cases"),
        ((*ENDPOINTS, "--prompt-number", "2"), "--prompt-number goes with --from-promptfoo"),
        ((*ENDPOINTS, "--from-suite", "x", "--margin", ".1"), "--margin goes with"),
        ((*ENDPOINTS, "--operation", "../x"), "--operation '../x'"),
        ((*ENDPOINTS, "--grader", "exakt"), "no grader 'exakt'; did you mean 'exact'?"),
        ((*ENDPOINTS, "--cases", "nothing.jsonl"), "cannot be read"),
        ((*ENDPOINTS, "--cases", "/dev/zero"), "expected a .jsonl"),
        ((*ENDPOINTS, "--from-suite", "/dev"), "has no suite"),
        ((*ENDPOINTS, "--from-endpoint", "https://b.example/v1"), "--baseline or --from-endpoint"),
        ((*ENDPOINTS, "--judge", "as=x"), "--judge goes with --from-promptfoo"),
        (("--catalog", "nothing.yaml"), "cannot be read"),
        (("--catalog", "x", *ENDPOINTS), "leave --variant away"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(here: Path, arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(EvalgateError) as failure:
        init(*arguments)
    assert told in str(failure.value)
    assert failure.value.exit_code == 2
    assert files(here) == []


def test_what_cannot_be_said_is_counted_on_stderr(here: Path) -> None:
    asserted = [{"type": "equals", "value": "a"}, {"type": "python", "value": "print('\u001b[31m')"}]
    config = {"prompts": ["{{q}}"], "tests": [{"vars": {"q": "x"}, "assert": asserted}]}
    (here / "p.yaml").write_text(json.dumps(config))
    done = init(*ENDPOINTS, "--from-promptfoo", "p.yaml")
    assert "evalgate: 1 thing of p.yaml cannot be said in a suite" in done.stderr
    assert "\x1b" not in done.stderr
    (suite,) = (here / "suites").glob("*.yaml")
    assert '# - not translated: {"type": "python"' in suite.read_text()


@pytest.mark.parametrize("rubrics", [("be polite", "be polite"), ("be polite", "be brief")])
def test_rubrics_are_put_to_the_judge_that_was_named(here: Path, rubrics: tuple[str, str]) -> None:
    tests = [
        {"vars": {"q": f"q{n}"}, "assert": [{"type": "llm-rubric", "value": text}]} for n, text in enumerate(rubrics)
    ]
    (here / "p.yaml").write_text(json.dumps({"prompts": ["{{q}}"], "tests": tests}))
    judge = ("--judge", "https://judge.example/v1,key=JUDGE_KEY,as=Wise One")
    init(*ENDPOINTS, *judge, "--from-promptfoo", "p.yaml", "--operation", "op")
    suite = (here / "suites" / "op.yaml").read_text()
    assert "judge: judge-Wise-One\n" in suite
    assert ("rubric: be polite\n" in suite) == (len(set(rubrics)) == 1)
    assert "- id: Wise-One\n  variants:" in (here / "catalog.yaml").read_text()
    assert "JUDGE_KEY" in (here / ".github" / "workflows" / "evalgate.yml").read_text()


class _Models(BaseHTTPRequestHandler):
    body, status = b"", 200
    seen: str | None = None

    def do_GET(self) -> None:
        type(self).seen = self.headers.get("Authorization")
        self.send_response(self.status if self.path == "/v1/models" else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def models() -> Iterator[tuple[str, type[_Models]]]:
    handler = type("Models", (_Models,), {})
    handler.body = json.dumps({"data": [{"id": "Big One"}, {"id": "small"}]}).encode()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", handler
        server.shutdown()
        thread.join()


def test_the_models_of_an_endpoint_are_asked_for_with_its_key(
    models: tuple[str, type[_Models]], monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    url, handler = models
    monkeypatch.setenv("SOME_KEY", "secret-key")
    init("--from-endpoint", f"{url},key=SOME_KEY,as=Big One", "--variant", "as=small", model=None)
    assert handler.seen == "Bearer secret-key"
    written = "".join((here / name).read_text() for name in files(here))
    assert "secret-key" not in written
    assert "served_as: Big One" in written
    assert "- id: Big-One\n" in written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--variant", "as=small"), "--model: missing; .* serves Big One, small"),
        (("--model", "smal", "--variant", "as=Big One"), "serves no 'smal'; did you mean 'small'?"),
        (("--model", "small", "--variant", "as=tiny"), "serves no 'tiny'"),
    ],
)
def test_a_name_that_the_endpoint_does_not_serve_is_refused(
    models: tuple[str, type[_Models]], arguments: tuple[str, ...], told: str
) -> None:
    with pytest.raises(InputError, match=told.replace("?", r"\?")):
        init("--from-endpoint", models[0], *arguments, model=None)


def test_a_key_that_is_not_set_is_asked_for_by_its_name(models: tuple[str, type[_Models]]) -> None:
    with pytest.raises(InputError, match="export NO_SUCH_KEY=…"):
        init("--from-endpoint", f"{models[0]},key=NO_SUCH_KEY", "--variant", "as=small", model="small")
    assert models[1].seen is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"data": 3}', b'{"data": []}', b'{"data": [{"id": 3}, "x"]}']
)
def test_a_list_that_is_none_is_refused(models: tuple[str, type[_Models]], body: bytes) -> None:
    models[1].body = body
    with pytest.raises(InputError):
        init("--from-endpoint", models[0], "--variant", "as=small")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_endpoint_that_turns_the_question_away_is_told_apart_from_bad_input(
    models: tuple[str, type[_Models]], status: int
) -> None:
    models[1].status = status
    with pytest.raises(InfrastructureError, match=f"HTTP {status}"):
        init("--from-endpoint", models[0], "--variant", "as=small")


def test_in_a_terminal_it_asks(models: tuple[str, type[_Models]], here: Path) -> None:
    answers = [models[0], "", "", "smal", "small", "", "", "fp8", "Big One", "sort_mail"]
    said, code = _talk(here, answers)
    assert code == 0, said
    assert "did you mean 'small'?" in said
    catalog = (here / "catalog.yaml").read_text()
    assert "quantization: bf16" in catalog
    assert "quantization: fp8" in catalog
    assert "served_as: Big One" in catalog
    assert (here / "suites" / "sort_mail.yaml").is_file()


def _talk(folder: Path, answers: list[str]) -> tuple[str, int]:
    """The command in a terminal of its own; each question is answered when it has been asked."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    started = [sys.executable, "-m", "evalgate", "init"]
    process = subprocess.Popen(started, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said, ends = "", time.monotonic() + 60
    waiting = list(answers)
    unanswered = 0
    while time.monotonic() < ends:
        if not select.select([ours], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(ours, 4096).decode(errors="replace")
        except OSError:  # the other side was closed
            break
        said += piece
        if waiting and said[unanswered:].endswith(": "):
            os.write(ours, f"{waiting.pop(0)}\n".encode())
            unanswered = len(said)
    os.close(ours)
    return said, process.wait(30)
