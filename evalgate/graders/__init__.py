"""HOW an answer is scored: one small function per grader, found through one registry."""

from evalgate.graders import (  # noqa: F401  # importing registers them
    budgets,
    choice,
    conduct,
    embedding,
    instructions,
    judge,
    maths,
    number,
    overlap,
    sandbox,
    sql,
    structure,
    text,
    tools,
    user_code,
)
from evalgate.graders.bind import Grading, bind
from evalgate.graders.registry import Seen, grader, names
from evalgate.graders.waves import graded

__all__ = ["Grading", "Seen", "bind", "graded", "grader", "names"]
