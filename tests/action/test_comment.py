"""The script that comments, against a loopback server that keeps comments as GitHub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

SCRIPT = Path(__file__).parents[2] / "action" / "comment.py"
BODY = "<!-- evalgate -->\n### evalgate: passed · é\n"


class GitHub(ThreadingHTTPServer):
    """Comments of one pull request."""

    def __init__(self) -> None:
        self.comments: list[dict[str, object]] = []
        self.refuse = 0
        self.asked: list[tuple[str, str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def said(self, body: str, kind: str = "Bot") -> None:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"type": kind}})


class _Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        query = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
        first = (query["page"] - 1) * query["per_page"]
        self._answer(200, self.server.comments[first : first + query["per_page"]])

    def do_POST(self) -> None:
        self.server.said(self._body())
        self._answer(201, self.server.comments[-1])

    def do_PATCH(self) -> None:
        found = self.server.comments[int(self.path.rpartition("/")[2]) - 1]
        found["body"] = self._body()
        self._answer(200, found)

    def _body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _answer(self, status: int, content: object) -> None:
        self.server.asked.append((self.command, urlsplit(self.path).path, self.headers["Authorization"]))
        data = json.dumps(content).encode()
        self.send_response(self.server.refuse or status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture
def github() -> Iterator[GitHub]:
    server = GitHub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def commented(github: GitHub, folder: Path, body: str | None = BODY) -> subprocess.CompletedProcess[str]:
    path = folder / "body.md"
    if body is not None:
        path.write_text(body, encoding="utf-8")
    job = {
        "GITHUB_API_URL": f"http://127.0.0.1:{github.server_port}",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_TOKEN": "t0ken",
        "PULL_REQUEST": "7",
    }
    inherited = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    command = [sys.executable, str(SCRIPT), str(path)]
    return subprocess.run(command, env=inherited | job, capture_output=True, text=True, timeout=60)


def test_the_first_run_comments_and_the_next_brings_it_up_to_date(github: GitHub, tmp_path: Path) -> None:
    github.said("looks good", "User")
    assert commented(github, tmp_path).returncode == 0
    assert commented(github, tmp_path, BODY + "again").returncode == 0

    assert [each["body"] for each in github.comments] == ["looks good", BODY + "again"]
    assert {path for _, path, _ in github.asked} == {
        "/repos/acme/shop/issues/7/comments",
        "/repos/acme/shop/issues/comments/2",
    }
    assert {token for _, _, token in github.asked} == {"Bearer t0ken"}


def test_it_is_found_among_hundreds(github: GitHub, tmp_path: Path) -> None:
    for number in range(250):
        github.said(f"comment {number}", "User")
    github.said(BODY)
    commented(github, tmp_path, BODY + "new")
    assert github.comments[-1]["body"] == BODY + "new"
    assert len(github.comments) == 251


def test_what_somebody_else_wrote_is_never_written_over(github: GitHub, tmp_path: Path) -> None:
    github.said(BODY, "User")
    commented(github, tmp_path, BODY + "ours")
    assert [each["body"] for each in github.comments] == [BODY, BODY + "ours"]


@pytest.mark.parametrize(("status", "code"), [(403, 0), (404, 0), (500, 1)])
def test_a_fork_may_not_comment_and_its_job_does_not_fail(
    github: GitHub, tmp_path: Path, status: int, code: int
) -> None:
    github.refuse = status
    done = commented(github, tmp_path)
    assert done.returncode == code, done.stderr
    assert f"GitHub answered {status}" in done.stdout
    assert "t0ken" not in done.stdout + done.stderr


def test_where_nothing_was_judged_there_is_no_comment(github: GitHub, tmp_path: Path) -> None:
    assert commented(github, tmp_path, None).returncode == 0
    assert github.asked == []
