"""USES the signal: which variant takes a call."""

from evalgate.router.select import Candidate, Decision, select

__all__ = ["Candidate", "Decision", "select"]
