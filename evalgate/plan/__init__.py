"""WHO is asked WHAT, and what that will take: suites and catalogue brought together before a cent is spent."""

from evalgate.plan.contest import Contest, Memory, grading_of, plan
from evalgate.plan.memory import StoreMemory

__all__ = ["Contest", "Memory", "StoreMemory", "grading_of", "plan"]
