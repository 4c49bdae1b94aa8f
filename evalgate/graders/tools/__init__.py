"""Graders for calls of tools: which function, with which arguments; and whether any was called."""

from evalgate.graders.tools import graders  # noqa: F401  # importing registers them
from evalgate.graders.tools.calls import Call, Fault, Tools, calls_of, fault_of, tools_of

__all__ = ["Call", "Fault", "Tools", "calls_of", "fault_of", "tools_of"]
