"""The proxy of the environment, with one on loopback through which calls really go."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.providers import AttemptFailed
from evalgate.providers.proxy import proxy_for
from tests.conftest import Loopback, catalog, failure
from tests.providers.asking import ask

ELSEWHERE = "http://models.example/v1"  # a name that nobody can resolve


def test_a_call_goes_through_the_proxy(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    assert ask(catalog(tmp_path, base_url=ELSEWHERE).endpoints("toy")["full"]).text == "answer to q0"
    (asked,) = server.asked
    assert asked.headers["Host"] == "models.example"


@pytest.mark.parametrize("without", ["models.example", "example", ".example", "*", "other, models.example:80"])
def test_not_where_no_proxy_says_so(without: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert proxy_for("http://models.example:80/v1") == "http://127.0.0.1:9"
    monkeypatch.setenv("NO_PROXY", without)
    assert proxy_for("http://models.example:80/v1") is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:1/", "http://a.localhost"]
)
def test_this_machine_is_never_asked_through_a_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert proxy_for(url) is None


def test_each_scheme_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_for("https://models.example/v1") == "http://proxy.example:3128"
    assert proxy_for(ELSEWHERE) is None


def test_a_proxy_that_is_not_there_or_refuses_is_unreachable_and_its_password_is_not_told(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:sesame@127.0.0.1:1")
    with pytest.raises(AttemptFailed, match=r"^no connection to the proxy: ") as gone:
        ask(catalog(tmp_path, base_url=ELSEWHERE).endpoints("toy")["full"])
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:sesame@127.0.0.1:{server.port}")
    with pytest.raises(AttemptFailed, match=r"^no connection: the proxy refuses \(HTTP 404\)$") as refused:
        ask(catalog(tmp_path, base_url="https://models.example/v1").endpoints("toy")["full"])
    assert gone.value.unreachable
    assert refused.value.unreachable
    assert "sesame" not in f"{gone.value}{refused.value}"


def test_a_proxy_that_wants_a_password_gets_it(
    server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:sesame@127.0.0.1:{server.port}")
    server.behave = lambda asked: failure(400)
    ask(catalog(tmp_path, base_url=ELSEWHERE).endpoints("toy")["full"])
    assert server.asked[0].headers["Proxy-Authorization"] == "Basic bWU6c2VzYW1l"


@pytest.mark.parametrize("proxy", ["socks5://me:sesame@127.0.0.1:9", "http://me:sesame@", "http://me:sesame@a:99999"])
def test_a_proxy_that_no_client_can_use_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(InputError, match="the proxy in the environment variable HTTP_PROXY is none") as caught:
        ask(catalog(tmp_path, base_url=ELSEWHERE).endpoints("toy")["full"])
    assert "sesame" not in str(caught.value)
