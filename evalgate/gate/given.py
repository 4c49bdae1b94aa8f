"""What is kept of an answer once it is graded: numbers, and who gave it. The store has the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, split_reasoning
from evalgate.providers.served import answered_by


@dataclass(frozen=True, slots=True)
class Given:
    """An answer without its texts.

    `characters` and `reasoning_characters` are lengths of the answer after and of the reasoning before it,
    `prompt_characters` that of what was asked. `served` is the name that the server gave its model, `identity` the same
    when that is not what was asked for.
    """

    answer: Answer
    kind: str
    characters: int
    reasoning_characters: int
    prompt_characters: int
    served: str | None
    identity: str | None

    @classmethod
    def of(cls, answer: Answer, endpoint: Endpoint, prompt_characters: int = 0) -> Given:
        """What is kept of `answer`."""
        reasoning, text = split_reasoning(answer.text)
        apart = answer.details.get("reasoning")
        thought = len(reasoning) + (len(apart) if isinstance(apart, str) else 0)
        stripped = replace(answer, text="", details={})
        served = answer.details.get("served_model")
        return cls(
            answer=stripped,
            kind=answer.kind,
            characters=len(text),
            reasoning_characters=thought,
            prompt_characters=prompt_characters,
            served=served if isinstance(served, str) and served else None,
            identity=answered_by(endpoint, answer),
        )
