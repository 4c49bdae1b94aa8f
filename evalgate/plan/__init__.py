"""WHO is asked WHAT, and what that will take: suites and catalogue brought together before a cent is spent."""

from evalgate.plan.contest import Contest, plan

__all__ = ["Contest", "plan"]
