"""HOW an answer is scored: one small function per grader, found through one registry."""

from evalgate.graders import number, structure, text  # noqa: F401  # importing registers them
from evalgate.graders.bind import Grading, bind
from evalgate.graders.registry import grader, names

__all__ = ["Grading", "bind", "grader", "names"]
