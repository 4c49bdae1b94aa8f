"""Files of any length, up and down, with bounds on time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalgate.providers import AttemptFailed, transfer
from evalgate.providers.transfer import Transfer
from tests.providers.batch_server import BatchServer, Call, Fault


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.stop()


def lines(server: BatchServer, folder: Path, content: bytes, **provider: object) -> list[bytes]:
    async def read() -> list[bytes]:
        http = Transfer(server.endpoint(folder, **provider).provider, None)
        try:
            return [line async for line in http.lines("/files/results/content")]
        finally:
            await http.close()

    server.files["results"] = content
    return asyncio.run(read())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"\n\na\n", [b"", b"", b"a"]),
        (b"0123456789\n0123456789a\nb\n", [b"0123456789", b"", b"b"]),
        (b"a\n0123456789ab", [b"a", b""]),
        ("é\u2028\n".encode(), ["é\u2028".encode()]),
    ],
)
def test_lines_end_in_a_newline_and_nothing_else_and_one_that_is_too_long_is_empty(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[bytes]
) -> None:
    monkeypatch.setattr(transfer, "MAX_LINE_BYTES", 10)
    assert lines(server, tmp_path, content) == expected


def test_lines_come_whole_however_the_network_cuts_them(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MAX_LINE_BYTES", 300_000)
    content = [b"x" * size for size in (1, 299_999, 300_000, 300_001, 5, 2_000_000, 7, 300_000, 300_001)]
    expected = [b"" if len(line) > 300_000 else line for line in content]
    assert lines(server, tmp_path, b"\n".join(content)) == expected


def test_a_file_that_is_not_there_has_no_lines(server: BatchServer, tmp_path: Path) -> None:
    server.fault = lambda call: server.files.clear()  # type: ignore[func-returns-value]
    assert lines(server, tmp_path, b"gone") == []


def test_a_download_may_take_longer_than_an_answer_but_not_stand_still(server: BatchServer, tmp_path: Path) -> None:
    def stalls(call: Call) -> Fault:
        return Fault(only=3, wait=0.0, stall=2.0)

    server.fault = stalls
    with pytest.raises(AttemptFailed, match=r"no answer within 0\.3 s"):
        lines(server, tmp_path, b"a\nb\nc\n", timeout=0.3)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:{port}/v1/messages/batches/b/results", "/messages/batches/b/results"),
        ("http://127.0.0.1:{port}/v1/r?a=b", "/r?a=b"),
        ("https://127.0.0.1:{port}/v1/r", None),
        ("http://127.0.0.1:1/v1/r", None),
        ("http://127.0.0.1:{port}@evil.test/v1/r", None),
        ("http://evil.test/v1/r", None),
        ("http://127.0.0.1:{port}/v2/r", None),
        ("http://127.0.0.1:{port}/v1evil", None),
        ("//evil.test/v1/r", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_only_what_is_at_the_provider_has_a_path(
    server: BatchServer, tmp_path: Path, url: str, path: str | None
) -> None:
    async def look() -> str | None:
        http = Transfer(server.endpoint(tmp_path).provider, None)
        try:
            return http.path_of(url.format(port=server.port))
        finally:
            await http.close()

    assert asyncio.run(look()) == path
