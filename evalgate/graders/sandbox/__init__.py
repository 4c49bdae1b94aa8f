"""Runs code that a model wrote, where it can do no harm: see `isolation` for what holds it, `runner` for its limits."""

from evalgate.graders.sandbox import grader  # noqa: F401  # importing registers it
from evalgate.graders.sandbox.isolation import Isolation, SandboxError, isolation
from evalgate.graders.sandbox.runner import Limits, Outcome, run

__all__ = ["Isolation", "Limits", "Outcome", "SandboxError", "isolation", "run"]
