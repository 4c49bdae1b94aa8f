"""What a model that is always right answers to a ready-made suite, and a server on loopback that is one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from evalgate.exchange import Answer, as_text
from evalgate.suite import Case, Suite
from tests.conftest import Asked, Sent

WRONG = 0.3  # of the cases, those that the bad variant answers as if it had been asked another one


def ideal(suite: Suite, case: Case) -> Answer:
    """An answer that has to score 1: the case's own solution, or what its first grader makes of the target."""
    target: Any = case.target
    solution = target.get("solution") if isinstance(target, dict) else case.metadata.get("solution")
    if isinstance(solution, str):
        return Answer(solution, "stop")
    makers: Mapping[str, Callable[[], str]] = {
        "sql": lambda: target["query"],
        "refusal": lambda: "I'm sorry, but I can't help with that." if target else "Here is how.",
        "instructions": lambda: ". ".join(_keywords(target)),
    }
    kind = suite.assertions[0].type
    if kind == "tool_calls":
        return _calling(target)
    if kind in makers:
        return Answer(makers[kind](), "stop")
    if kind.startswith("json"):
        return Answer(json.dumps(target, ensure_ascii=False), "stop")
    text = as_text(target[0] if isinstance(target, list) else target)
    return Answer(f"{marker} {text}" if (marker := suite.assertions[0].options.get("marker")) else text, "stop")


def _keywords(checks: Any) -> list[str]:
    """All that has to occur, where a text is held to nothing else that it could fail."""
    found = [(name, given) for each in checks for name, given in each.items()]
    return [word for name, given in found if name == "keywords:existence" for word in given["keywords"]]


def _calling(target: Any) -> Answer:
    if not target:
        return Answer("No tool is needed.", "stop")
    calls = [
        {"name": call["name"], "arguments": json.dumps(_example(call.get("arguments", {})), ensure_ascii=False)}
        for call in target
    ]
    made: Any = [{"id": f"call_{n}", "type": "function", "function": call} for n, call in enumerate(calls)]
    return Answer("", "tool_calls", details={"tool_calls": made})


def _example(value: Any) -> Any:
    """A value that the words of a target allow."""
    if isinstance(value, dict):
        if "$one_of" in value:
            return value["$one_of"][0]
        kept = {key: each for key, each in value.items() if not (isinstance(each, dict) and "$optional" in each)}
        return {key: _example(each) for key, each in kept.items()}
    return [_example(each) for each in value] if isinstance(value, list) else value


class Oracle:
    """Behaves as a server whose model `bad` answers three cases in ten as if another one had been asked."""

    def __init__(self, suite: Suite, *, wrong: float = WRONG) -> None:
        self._suite, self._wrong = suite, wrong
        cases = list(suite.source)
        self._cases = {_key(suite, case): case for case in cases}
        self._others = dict(zip((case.id for case in cases), _with_other_targets(cases), strict=True))

    def __call__(self, asked: Asked) -> Sent:
        case = self._cases[_body_key(asked.body)]
        if asked.body["model"] == "bad" and zlib.crc32(case.id.encode()) % 1000 < 1000 * self._wrong:
            case = self._others[case.id]
        return _sent(ideal(self._suite, case), chat="messages" in asked.body)


def _with_other_targets(cases: list[Case]) -> list[Case]:
    """For each case one with another target, from the other end of the suite where possible."""
    turned = cases[len(cases) // 2 :] + cases[: len(cases) // 2]
    return [
        next(other for other in (each, *cases) if other.target != case.target)
        for case, each in zip(cases, turned, strict=True)
    ]


def _key(suite: Suite, case: Case) -> str:
    prompt = suite.request(case).prompt
    return prompt if isinstance(prompt, str) else _said([message.to_json() for message in prompt])


def _body_key(body: Mapping[str, Any]) -> str:
    return str(body["prompt"]) if "prompt" in body else _said(body["messages"])


def _said(messages: Any) -> str:
    return json.dumps([[each["role"], each["content"]] for each in messages])


def _sent(answer: Answer, *, chat: bool) -> Sent:
    message = {"role": "assistant", "content": answer.text, **answer.details}
    choice = {"message": message} if chat else {"text": answer.text}
    usage = {"prompt_tokens": 9, "completion_tokens": 9}
    return Sent(json.dumps({"choices": [{**choice, "finish_reason": answer.finish_reason}], "usage": usage}).encode())
