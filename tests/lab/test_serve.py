from __future__ import annotations

import socket
import time

import pytest

from evalgate.errors import LabError
from evalgate.lab.roster import LabVariant
from evalgate.lab.serve import serve
from evalgate.lab.weights import Weights


def variant(tmp_path, port):
    return LabVariant("lab-none", Weights("F16", tmp_path / "none.gguf", "0" * 64, 1, 16.0), port)


@pytest.fixture
def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(LabError, match=f"lab-none: cannot use port {port}"),
            serve([variant(tmp_path, port)], log_directory=tmp_path),
        ):
            pytest.fail("served on a port that somebody else holds")


def test_a_server_that_dies_is_reported_with_its_last_words(tmp_path, free_port):
    started = time.monotonic()
    with (
        pytest.raises(LabError, match=r"lab-none: its server ended with code 4: .*none\.gguf"),
        serve([variant(tmp_path, free_port)], log_directory=tmp_path),
    ):
        pytest.fail("served weights that do not exist")
    assert time.monotonic() - started < 30
