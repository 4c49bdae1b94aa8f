"""Few-shot examples: solved cases that are put before what is asked, the same ones before every case.

They come from the suite's own cases, which are then not asked, or from elsewhere. Written as lm-evaluation-harness and
others write them: the prompt as of a case, a blank, its target, and an empty line before the next; in a chat the target
is what the assistant said.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from evalgate.errors import InputError
from evalgate.exchange import Message, as_text
from evalgate.formats.documents import Document, Strict, did_you_mean
from evalgate.formats.written import as_json
from evalgate.suite.bounds import MAX_CHARACTERS
from evalgate.suite.cases import Case, build_cases
from evalgate.suite.dataset import rows_of
from evalgate.suite.paths import named_file
from evalgate.suite.prompt import Prompt
from evalgate.suite.turns import ChatMessage
from evalgate.suite.written import Written

MOST = 1_000


class Examples(Strict):
    """Which examples, and how they are written."""

    cases: str | Annotated[list[dict[str, Written]], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None,
        description="a JSONL, CSV or Parquet file, or the examples; default: of the suite's own cases",
    )
    count: Annotated[int, Field(ge=1, le=MOST)] | None = Field(default=None, description="so many, chosen by the seed")
    ids: Annotated[list[str], Field(min_length=1, max_length=MOST)] | None = Field(
        default=None, description="exactly these, in this order"
    )
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=1, description="of the choice by count")
    template: str | Annotated[list[ChatMessage], Field(min_length=1)] | None = Field(
        default=None, description="of one example, with its target; default: the prompt, and the target behind it"
    )
    separator: Annotated[str, Field(max_length=1000)] = Field(default="\n\n", description="between two, in a text")

    @model_validator(mode="after")
    def _chosen_in_one_way(self) -> Examples:
        message = None
        if self.count is not None and self.ids is not None:
            message = "count and ids are two ways to choose; give one of them"
        elif self.cases is None and self.count is None and self.ids is None:
            message = "say how many of the suite's cases are examples (count) or which (ids), or give them as cases"
        if message is not None:
            raise ValueError(message)
        return self

    def given(self, document: Document) -> list[Case] | None:
        """The cases that examples are chosen from; None: those of the suite."""
        if self.cases is None:
            return None
        if isinstance(self.cases, str):
            path = named_file(document, self.cases, "examples", "cases")
            if path.suffix not in (".jsonl", ".csv", ".parquet"):
                raise document.error("expected a .jsonl, .csv or .parquet file", "examples", "cases")
            return build_cases(rows_of(path, document.at("examples", "cases")), str(path))
        places = [document.at("examples", "cases", index) for index in range(len(self.cases))]
        return build_cases(zip(places, self.cases, strict=True), document.at("examples", "cases"))

    def chosen(self, cases: Iterable[Case], document: Document) -> list[Case]:
        """The examples among `cases`; the same on every machine, whatever other cases there are."""
        if self.ids is not None:
            found = {case.id: case for case in cases if case.id in self.ids}
            if missing := [name for name in self.ids if name not in found]:
                raise document.error(f"no case {missing[0]!r}{did_you_mean(missing[0], set(found))}", "examples", "ids")
            return [found[name] for name in self.ids]
        if self.count is None:
            return list(cases)
        ranked = heapq.nsmallest(self.count, ((_rank(self.seed, case.id), case.id, case) for case in cases))
        if len(ranked) < self.count:
            raise document.error(f"there are only {len(ranked)} cases to choose from", "examples", "count")
        return [case for _, _, case in ranked]

    def written(self, examples: Sequence[Case], prompt: Prompt, document: Document) -> str | tuple[Message, ...]:
        """What is put before every case's own question."""
        template = None
        if self.template is not None:
            template = Prompt(self.template, document, "examples", "template")
            if template.is_chat != prompt.is_chat:
                kind = "a list of messages" if prompt.is_chat else "a text"
                raise document.error(f"expected {kind}, as the prompt is one", "examples", "template")
        if prompt.is_chat:
            return tuple(message for case in examples for message in _turns(case, prompt, template))
        text = "".join(_text(case, prompt, template) + self.separator for case in examples)
        if len(text) > MAX_CHARACTERS:
            raise document.error(f"more than {MAX_CHARACTERS} characters", "examples")
        return text


def gives_away(examples: Sequence[Case]) -> dict[str, str]:
    """The examples' ids by what they ask: a case that asks the same has been told its answer."""
    return {as_json([case.input, case.messages]): case.id for case in examples}


def _turns(case: Case, prompt: Prompt, template: Prompt | None) -> list[Message]:
    if template is not None:
        return template.closing(case, target=case.target)
    return [*prompt.closing(case), Message("assistant", _target(case))]


def _text(case: Case, prompt: Prompt, template: Prompt | None) -> str:
    if template is not None:
        return template.text(case, target=case.target)
    asked = prompt.text(case)
    return f"{asked}{'' if asked[-1:].isspace() else ' '}{_target(case)}"


def _target(case: Case) -> str:
    if case.target is None:
        raise InputError(f"{case.place}: example {case.id!r} has no target to show; give one, or a template")
    return as_text(case.target)


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
