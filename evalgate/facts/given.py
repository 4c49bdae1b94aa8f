"""What is kept of an answer once it is graded: numbers, and who gave it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, AnswerKind, split_reasoning
from evalgate.exchange.answer import is_blank
from evalgate.exchange.tokens import answer_bytes
from evalgate.providers.served import answered_by, known_as


@dataclass(frozen=True, slots=True)
class Given:
    """An answer in numbers; `without_texts` is what may be kept by the hundred thousand.

    `size` is that of all that was said, `reasoning` that of the reasoning in it, `prompt_size` that of what was asked,
    in bytes. `served` is the name that the server gave its model, `known_as` what tells that name from others, and
    `identity` is the name again when it is another than asked. `hidden`: reasoning was counted and not shown, so that
    the count of its tokens says nothing of a text. `silent`: it came, says nothing, and got nothing for it.
    """

    answer: Answer
    kind: AnswerKind
    size: int
    reasoning: int
    prompt_size: int
    served: str | None
    identity: str | None
    known_as: str | None = None
    hidden: bool = False
    silent: bool = False

    @classmethod
    def of(cls, answer: Answer, endpoint: Endpoint, prompt_size: int = 0, *, credited: bool = False) -> Given:
        """What is kept of `answer`; `credited`: it scores more than 0 on something, though it may say nothing."""
        within, rest = split_reasoning(answer.text)
        apart, served = answer.details.get("reasoning"), answer.details.get("served_model")
        return cls(
            answer=answer,
            kind=answer.kind_of(within, rest),
            size=answer_bytes(answer),
            reasoning=len(within.encode()) + (len(apart.encode()) if isinstance(apart, str) else 0),
            prompt_size=prompt_size,
            served=served if isinstance(served, str) and served else None,
            identity=answered_by(endpoint, answer),
            known_as=known_as(endpoint, answer),
            silent=not answer.failed and not credited and is_blank(rest),
            hidden="reasoning_tokens" in answer.details and not (within or apart),
        )

    def without_texts(self) -> Given:
        """The same in little memory: the store has the rest."""
        return replace(self, answer=replace(self.answer, text="", details={}))
