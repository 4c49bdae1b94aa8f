"""The reader against `evalgate signal serve`, as it is started by its command."""

from __future__ import annotations

from pathlib import Path

from tests.signal.reader.documents import signed
from tests.signal.reader.test_reader import FIRST, SECOND, Reading, names, until
from tests.signal.test_server import put, serving


def test_a_withdrawal_comes_through_the_server(tmp_path: Path, reading: Reading) -> None:
    path = tmp_path / "signal.json"
    put(path, signed(FIRST))
    with serving(path, "--token-env", "TOKEN", TOKEN="s3cret") as client:
        url = str(client.base_url.join("signal"))
        assert "HTTP 401" in str(reading(url).refresh().problem)
        reader = reading(url, token="s3cret", wait=20)
        assert reader.refresh().ok
        assert names(reader) == ["first"]
        put(path, signed(SECOND))
        until(lambda: names(reader) == ["second"])
