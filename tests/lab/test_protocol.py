from __future__ import annotations

import pytest

from evalgate.lab.protocol import RequestError, Serving, chat_completions, completions, render_chat
from tests.lab.engines import CHATML, EchoEngine

SERVING = Serving("echo")


def ask(**body):
    engine = EchoEngine()
    return completions({"prompt": "one two three", **body}, engine, SERVING, created=7), engine


def chat(**body):
    engine = EchoEngine()
    messages = [{"role": "user", "content": "hello"}]
    return chat_completions({"messages": messages, **body}, engine, SERVING, created=7), engine


def test_a_completion_carries_text_usage_and_fingerprint():
    answer, _ = ask()
    assert answer["choices"][0]["text"] == " one two three"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    assert answer["system_fingerprint"] == "echo-1-abc"
    assert answer["created"] == 7


def test_an_answer_that_was_cut_says_so():
    answer, _ = ask(max_tokens=2)
    assert answer["choices"][0]["finish_reason"] == "length"


def test_the_cap_cuts_whatever_the_request_asks_for():
    engine = EchoEngine()
    answer = completions({"prompt": "a b c d", "max_tokens": 9}, engine, Serving("echo", 2), created=0)
    assert engine.asked[0]["max_tokens"] == 2
    assert answer["choices"][0]["text"] == " a b"


def test_the_cap_leaves_shorter_requests_alone():
    engine = EchoEngine()
    completions({"prompt": "a", "max_tokens": 3}, engine, Serving("echo", 12), created=0)
    assert engine.asked[0]["max_tokens"] == 3


@pytest.mark.parametrize(("given", "expected"), [(None, ()), ("\n", ("\n",)), (["a", "b"], ("a", "b"))])
def test_stop_may_be_a_string_or_a_list(given, expected):
    _, engine = ask(stop=given)
    assert engine.asked[0]["stop"] == expected


def test_sampling_is_greedy_unless_asked_otherwise():
    _, engine = ask()
    assert engine.asked[0]["temperature"] == 0.0
    _, engine = ask(temperature=0.7, seed=5)
    assert (engine.asked[0]["temperature"], engine.asked[0]["seed"]) == (0.7, 5)


def test_logprobs_come_token_by_token_with_their_offsets():
    answer, _ = ask(logprobs=1)
    logprobs = answer["choices"][0]["logprobs"]
    assert logprobs["tokens"] == [" one", " two", " three"]
    assert logprobs["token_logprobs"] == [-0.5] * 3
    assert logprobs["top_logprobs"][0] == {" one0": -1.0}
    assert logprobs["text_offset"] == [0, 4, 8]


def test_no_logprobs_unless_asked_for():
    assert ask()[0]["choices"][0]["logprobs"] is None
    assert chat()[0]["choices"][0]["logprobs"] is None


def test_chat_renders_the_template_of_the_weights():
    _, engine = chat()
    assert engine.asked[0]["prompt"] == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"


def test_chat_logprobs_have_bytes_and_alternatives():
    answer, _ = chat(logprobs=True, top_logprobs=2)
    first = answer["choices"][0]["logprobs"]["content"][0]
    assert bytes(first["bytes"]).decode() == first["token"]
    assert len(first["top_logprobs"]) == 2


def test_max_completion_tokens_goes_before_max_tokens():
    _, engine = chat(max_completion_tokens=3, max_tokens=9)
    assert engine.asked[0]["max_tokens"] == 3


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"stop": [""]}, "stop"),
        ({"stop": 3}, "stop"),
        ({"seed": 1.5}, "seed"),
        ({"logprobs": 99}, "logprobs"),
        ({"stream": True}, "stream"),
        ({"n": 2}, "n"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(body, named):
    with pytest.raises(RequestError, match=f"'{named}'"):
        ask(**body)


@pytest.mark.parametrize("messages", [None, [], "hi", [{"role": "user"}], [{"role": "user", "content": [1]}], ["hi"]])
def test_messages_must_be_messages(messages):
    with pytest.raises(RequestError, match="messages"):
        render_chat(CHATML, messages)


@pytest.mark.parametrize("key", ["tools", "response_format"])
def test_chat_refuses_what_it_would_have_to_ignore(key):
    with pytest.raises(RequestError, match=key):
        chat(**{key: {"type": "json_object"}})


def test_a_template_cannot_reach_into_python():
    with pytest.raises(RequestError, match="template"):
        render_chat("{{ ''.__class__.__mro__[1].__subclasses__() }}", [{"role": "user", "content": "x"}])
