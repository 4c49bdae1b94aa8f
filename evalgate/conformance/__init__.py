"""ASKS a router, as a stranger would, whether it keeps the contract of the signal (docs/conformance.md).

The router runs as in production, and knows nothing of the test but the addresses of three model servers on loopback
and of the signal. What it did is not read from its answers, which could say anything: the model servers tell who was
asked.
"""

from evalgate.conformance.findings import Finding, Outcome
from evalgate.conformance.rules import RULES, Rule
from evalgate.conformance.run import Settings, run
from evalgate.conformance.stage import Pace
from evalgate.conformance.world import MODEL, UPSTREAMS, World

__all__ = ["MODEL", "RULES", "UPSTREAMS", "Finding", "Outcome", "Pace", "Rule", "Settings", "World", "run"]
