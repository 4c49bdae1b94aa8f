from __future__ import annotations

import http.client
import json
import socket
import threading

import pytest

from evalgate.lab.protocol import Serving
from evalgate.lab.server import LabServer
from tests.lab.engines import EchoEngine


@pytest.fixture
def server():
    with LabServer(0, EchoEngine(), Serving("echo")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def call(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def post(server, path, **body):
    return call(server, "POST", path, json.dumps(body))


def test_models_tells_that_it_is_ready(server):
    status, body = call(server, "GET", "/v1/models")
    assert status == 200
    assert [model["id"] for model in body["data"]] == ["echo"]


def test_both_routes_answer(server):
    assert post(server, "/v1/completions", prompt="a b")[1]["choices"][0]["text"] == " a b"
    status, body = post(server, "/v1/chat/completions", messages=[{"role": "user", "content": "hi"}])
    assert status == 200
    assert body["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize("body", ["{", "[]", "", "\xff"])
def test_a_body_that_is_not_a_json_object_is_a_400(server, body):
    status, answer = call(server, "POST", "/v1/completions", body.encode("latin-1"))
    assert status == 400
    assert answer["error"]["message"]


@pytest.mark.parametrize("length", ["", "ten", "-1", "99999999999"])
def test_a_body_without_a_usable_length_is_a_400(server, length):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    connection.putrequest("POST", "/v1/completions")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    response = connection.getresponse()
    assert (response.status, response.getheader("Connection")) == (400, "close")
    connection.close()


def test_an_unknown_route_is_a_404(server):
    assert call(server, "GET", "/v1/nothing")[0] == 404
    assert post(server, "/v1/nothing", prompt="a")[0] == 404


def test_an_unknown_model_is_a_404_that_names_it(server):
    status, body = post(server, "/v1/completions", model="other", prompt="a")
    assert status == 404
    assert "'other'" in body["error"]["message"]


def test_get_where_post_is_meant_is_a_405(server):
    assert call(server, "GET", "/v1/completions")[0] == 405


def test_an_engine_that_fails_is_a_500_and_the_next_request_is_answered(server):
    assert post(server, "/v1/completions", prompt="break")[0] == 500
    assert post(server, "/v1/completions", prompt="a")[0] == 200


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    for word in ("a", "b", "c"):
        connection.request("POST", "/v1/completions", json.dumps({"prompt": word}))
        assert json.loads(connection.getresponse().read())["choices"][0]["text"] == f" {word}"
    connection.close()


def test_requests_are_answered_one_at_a_time(server):
    server.engine.seconds = 0.02
    threads = [
        threading.Thread(target=post, args=(server, "/v1/completions"), kwargs={"prompt": "a"}) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.engine.asked) == 6
    assert server.engine.most_at_once == 1


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/comp", b"POST /v1/completions HTTP/1.1\r\nContent-Length: 90\r\n\r\n{"]
)
def test_a_client_that_goes_away_does_no_harm(server, sent):
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.sendall(sent)
    assert post(server, "/v1/completions", prompt="a")[0] == 200


def test_a_client_that_does_not_wait_for_its_answer_does_no_harm(server):
    server.engine.seconds = 0.05
    body = json.dumps({"prompt": "a"}).encode()
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not a goodbye
        client.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert post(server, "/v1/completions", prompt="b")[0] == 200


def test_only_loopback_is_bound(server):
    assert server.server_address[0] == "127.0.0.1"
