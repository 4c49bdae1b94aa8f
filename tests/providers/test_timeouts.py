"""Three limits of time, each with a message of its own; and what a connection needs before it is one."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalgate.providers import AttemptFailed
from tests.conftest import Loopback, Sent, catalog, completion
from tests.providers.asking import CHAT, ask, ask_all, attempt, events, stream

SAID = events({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]})


BEGUN = events({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]})


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing, not even in TLS."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_tls_is_part_of_connecting(silent: str, tmp_path: Path) -> None:
    house = catalog(tmp_path, base_url=f"https://{silent}/v1", connect_timeout=0.3, timeout=9)
    with pytest.raises(AttemptFailed, match=r"^no connection in time \(0.3 s\)$") as caught:
        ask(house.endpoints("toy")["full"])
    assert caught.value.unreachable


def test_a_server_that_says_nothing_is_too_slow_with_its_first_byte(silent: str, tmp_path: Path) -> None:
    house = catalog(tmp_path, base_url=f"http://{silent}/v1", connect_timeout=0.2, first_byte_timeout=0.3, timeout=9)
    with pytest.raises(AttemptFailed, match=r"^no first byte within 0.3 s$") as caught:
        ask(house.endpoints("toy")["full"])
    assert not caught.value.unreachable


def test_the_rest_of_an_answer_may_take_longer_than_its_first_byte(server: Loopback, tmp_path: Path) -> None:
    body = completion("slow but whole").body
    server.behave = lambda asked: Sent(b"", pieces=(body[:9], 0.5, body[9:]))
    assert ask(server.endpoint(tmp_path, first_byte_timeout=0.3)).text == "slow but whole"
    failed = attempt(server, tmp_path, Sent(b"", pieces=(body[:9], 2.0, body[9:])), first_byte_timeout=1, timeout=0.3)
    assert failed.reason == "no answer within 0.3 s"


def test_a_streams_first_byte_is_its_first_event_and_not_a_comment(server: Loopback, tmp_path: Path) -> None:
    waiting = stream(b": OPENROUTER PROCESSING\n\n", 2.0, SAID)
    failed = attempt(server, tmp_path, waiting, CHAT, stream=True, first_byte_timeout=0.3)
    assert failed.reason == "no first byte within 0.3 s"


def test_a_stream_that_has_begun_has_the_whole_time(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: stream(SAID, 0.5, b"data: [DONE]\n\n")
    endpoint = server.endpoint(tmp_path, stream=True, first_byte_timeout=0.3)
    assert ask(endpoint, CHAT).text == "a"
    failed = attempt(server, tmp_path, stream(BEGUN, 2.0), CHAT, stream=True, first_byte_timeout=9, timeout=0.4)
    assert failed.reason == "no answer within 0.4 s"


def test_a_stream_that_is_none_after_all_has_the_whole_time_too(server: Loopback, tmp_path: Path) -> None:
    body = completion("slow but whole").body
    server.behave = lambda asked: Sent(
        b"", headers={"Content-Type": "application/json"}, pieces=(body[:9], 0.5, body[9:])
    )
    assert ask(server.endpoint(tmp_path, stream=True, first_byte_timeout=0.3)).text == "slow but whole"


def test_a_stream_that_has_said_everything_is_not_lost_while_its_end_is_waited_for(
    server: Loopback, tmp_path: Path
) -> None:
    server.behave = lambda asked: stream(SAID, 0.4, b"data: [DONE]\n\n", 1.0)
    assert ask(server.endpoint(tmp_path, stream=True, timeout=0.5), CHAT).text == "a"


def test_a_connection_is_used_again_after_a_stream(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: stream(SAID, b"data: [DONE]\n\n", 0.02)
    ask_all(server.endpoint(tmp_path, stream=True), [CHAT, CHAT])
    first, second = server.asked
    assert first.peer == second.peer


def test_a_certificate_that_nobody_vouches_for_is_no_connection(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate]
    subprocess.run([*made, "-days", "1", "-subj", "/CN=127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with pytest.raises(OSError), context.wrap_socket(connection, server_side=True) as wrapped:  # noqa: PT011
                wrapped.read(1)

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        house = catalog(tmp_path, base_url=f"https://127.0.0.1:{listening.getsockname()[1]}/v1")
        with pytest.raises(AttemptFailed, match=r"^no connection: .*(certificate|CERTIFICATE)") as caught:
            ask(house.endpoints("toy")["full"])
        thread.join(5)
    assert caught.value.unreachable
