"""Captured calls as cases-to-be of a suite: only those that were asked as the suite asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from evalgate.exchange import JsonValue, Message
from evalgate.store.captures import Captured
from evalgate.suite import Case, Suite


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case without a target, and what could be one: the answer that was given, or its correction."""

    captured: Captured
    case: Case
    answer: str
    correction: JsonValue

    def case_with(self, target: JsonValue) -> Case:
        """The case, with what is right."""
        return replace(self.case, target=target)


def candidates(suite: Suite, captured: Sequence[Captured]) -> tuple[list[Candidate], int]:
    """Those that some case of the suite would have asked exactly so, and how many others there are."""
    found = []
    for each in captured:
        asked = asked_in(each)
        case = suite.prompt.case_of(asked) if asked is not None else None
        if case is not None:
            day = datetime.fromtimestamp(each.at, UTC).strftime("%Y-%m-%d")
            named = replace(
                case,
                id=case.id or f"traffic-{each.capture[:12]}",
                metadata={**case.metadata, "source": "traffic", "captured": day},
            )
            found.append(Candidate(each, named, answer_in(each.answer), each.correction))
    return found, len(captured) - len(found)


def asked_in(captured: Captured) -> str | tuple[Message, ...] | None:
    """The prompt or the messages of a call; None where they are more than texts."""
    prompt, messages = captured.body.get("prompt"), captured.body.get("messages")
    if isinstance(prompt, str):
        return prompt
    if not isinstance(messages, list) or not messages:
        return None
    made = []
    for each in messages:
        if not isinstance(each, dict) or not set(each) <= {"role", "content", "name"}:
            return None
        role, content = each.get("role"), each.get("content")
        if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
            content = content[0].get("text")
        if not isinstance(role, str) or not isinstance(content, str):
            return None
        made.append(Message(role, content))
    return tuple(made)


def answer_in(answer: JsonValue) -> str:
    """The text of a response, of either API; empty where there is none."""
    if not isinstance(answer, dict):
        return ""
    for holder in (answer.get("choices"), answer.get("content")):
        first = holder[0] if isinstance(holder, list) and holder else None
        if isinstance(first, dict):
            message = first.get("message")
            text = message.get("content") if isinstance(message, dict) else first.get("text")
            return text if isinstance(text, str) else ""
    return ""
