"""What a rule is: an id, the sentence that a router promises, and the story that shows whether it keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evalgate.conformance.stage import Stage

Story = Callable[[Stage], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`story` returns what was seen when the rule is kept, and raises how else it ended."""

    id: str
    text: str
    story: Story


class Chapter(list[Rule]):
    """Collects the rules of one module, in the order in which they are told."""

    def rule(self, rule_id: str, text: str) -> Callable[[Story], Story]:
        """Take the decorated story as the one of a new rule."""

        def add(story: Story) -> Story:
            self.append(Rule(rule_id, text, story))
            return story

        return add
