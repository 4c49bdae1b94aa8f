"""Stand-ins for a model, so that the protocol can be tested without weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalgate.lab.engine import Completion, TokenLogprob

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass
class EchoEngine:
    """Repeats the last words of the prompt, one word a token; remembers what it was asked."""

    fingerprint: str = "echo-1-abc"
    chat_template: str = CHATML
    seconds: float = 0.0
    asked: list[dict[str, object]] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _count: threading.Lock = field(default_factory=threading.Lock)

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        seed: int = 0,
        temperature: float = 0.0,
        top_logprobs: int | None = None,
    ) -> Completion:
        with self._count:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.seconds)
        with self._count:
            self._at_once -= 1
        self.asked.append(
            {"prompt": prompt, "max_tokens": max_tokens, "stop": stop, "seed": seed, "temperature": temperature}
        )
        if prompt == "break":
            raise RuntimeError("the engine fell over")
        words = prompt.split()
        said = [f" {word}" for word in words[:max_tokens]]
        logprobs = tuple(
            TokenLogprob(word, -0.5, tuple((f"{word}{n}", -1.0 - n) for n in range(top_logprobs or 0)))
            for word in (said if top_logprobs is not None else [])
        )
        reason = "length" if len(words) > max_tokens else "stop"
        return Completion("".join(said), reason, len(words), len(said), logprobs)
