"""Streams of the OpenAI API: chunks of a chat completion or completion, usage in one of its own, then `[DONE]`."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from evalgate.exchange import JsonValue
from evalgate.providers.assembly import broken_off, event_of, is_terminal, mapping, text
from evalgate.providers.choices import least_choice, place_of
from evalgate.providers.details import storable
from evalgate.providers.reply import error_in

_LOGPROB_LISTS = ("content", "tokens", "token_logprobs", "top_logprobs")  # the first of chat, the others of completions
_OF_THE_BODY = ("model", "system_fingerprint", "provider", "usage")
REASONING = ("reasoning_content", "reasoning")  # DeepSeek and vLLM; OpenRouter and Groq
_OF_THE_CHOICE = ("finish_reason", "native_finish_reason")


@dataclass
class _Call:
    """A tool call, as far as it has arrived."""

    id: JsonValue = None
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class OpenAIStream:
    """Assembles one response; see `Assembler`."""

    def __init__(self) -> None:
        self.done = False
        self._error: JsonValue = None
        self._body: dict[str, JsonValue] = {}
        self._place: float | None = None  # of the choice that is read
        self._begin()

    def _begin(self) -> None:
        """Nothing of the choice has arrived yet."""
        self._choice: dict[str, JsonValue] = {}
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_Call] = []
        self._at: dict[JsonValue, _Call] = {}  # by index
        self._logprobs: dict[str, list[JsonValue]] = {}
        self._is_chat = False

    @property
    def complete(self) -> bool:
        """See `Assembler`."""
        return "finish_reason" in self._choice

    @property
    def counted(self) -> bool:
        """See `Assembler`."""
        return "usage" in self._body

    @property
    def arrived(self) -> int:
        """See `Assembler`."""
        calls = (piece for call in self._calls for piece in call.arguments)
        return sum(map(len, (*self._texts, *self._refusals, *self._reasoning, *calls)))

    def feed(self, name: str, data: bytes) -> bool:
        """Take one event; see `Assembler`."""
        if is_terminal(data):
            self.done = True
            return False
        event = event_of(name, data)
        choice = self._ours(event.get("choices"))
        if error := event.get("error") or choice.get("error") or (event if error_in(event) else None):
            if not (self.done or self.complete):
                self._error = error
            self.done = True
            return False
        self._body |= {key: event[key] for key in _OF_THE_BODY if event.get(key)}
        self._choice |= {key: choice[key] for key in _OF_THE_CHOICE if choice.get(key)}
        for key, values in mapping(choice.get("logprobs")).items():
            if key in _LOGPROB_LISTS and isinstance(values, list):
                self._logprobs.setdefault(key, []).extend(values)
        return self._take(choice)

    def body(self) -> JsonValue:
        """The whole body; see `Assembler`."""
        if self._error is not None:
            return {"error": self._error}
        if not (self.done or self.complete):
            raise broken_off("no finish_reason and no [DONE]")
        if self._place is None:
            raise broken_off("no choices")
        choice: dict[str, JsonValue] = {**self._choice, "logprobs": dict(self._logprobs)}
        said = "".join(self._texts)
        if not self._is_chat:
            return {**self._body, "choices": [{**choice, "text": said}]}
        message: dict[str, JsonValue] = {"content": said}
        if self._refusals:
            message["refusal"] = "".join(self._refusals)
        if any(self._reasoning):
            message["reasoning"] = "".join(self._reasoning)
        if self._calls:
            message["tool_calls"] = [_whole(call) for call in self._calls]
        return {**self._body, "choices": [{**choice, "message": message}]}

    def _ours(self, choices: JsonValue) -> dict[str, JsonValue]:
        """The piece of the choice that is read; empty when the chunk has none of it (as that with the usage)."""
        choice = least_choice(choices)
        if not choice:
            return {}
        place = place_of(choice)
        if self._place is not None and place > self._place:
            return {}
        if self._place is not None and place < self._place:
            self._begin()  # what was read was another one
        self._place = place
        return choice

    def _take(self, choice: dict[str, JsonValue]) -> bool:
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            self._texts.append(text(choice.get("text")))
            return bool(self._texts[-1])
        self._is_chat = True
        content = delta.get("content")
        if isinstance(content, list):  # content parts, as some servers send them
            content = "".join(text(mapping(part).get("text")) for part in content)
        self._texts.append(text(content))
        if refused := text(delta.get("refusal")):
            self._refusals.append(refused)
        self._reasoning.append(next((said for key in REASONING if (said := text(delta.get(key)))), ""))
        calls = delta.get("tool_calls")
        calls = calls if isinstance(calls, list) else []
        for call in calls:
            self._call(mapping(call))
        return bool(self._texts[-1] or refused or calls)

    def _call(self, delta: dict[str, JsonValue]) -> None:
        """A piece of a call belongs to the call of its index; a new id is a new call, since some count wrongly."""
        index, identity = delta.get("index"), delta.get("id") or None
        index = index if isinstance(index, int) else None
        call = self._at.get(index)
        if call is None or (identity is not None and call.id is not None and identity != call.id):
            call = self._at[index] = _Call()
            self._calls.append(call)
        call.id = call.id if identity is None else identity
        function = mapping(delta.get("function"))
        given = function.get("arguments")
        if (named := text(function.get("name"))) != call.name:  # some servers say the whole name every time
            call.name += named
        call.arguments.append(orjson.dumps(storable(given)).decode() if isinstance(given, dict) else text(given))


def _whole(call: _Call) -> JsonValue:
    function: JsonValue = {"name": call.name, "arguments": "".join(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}
