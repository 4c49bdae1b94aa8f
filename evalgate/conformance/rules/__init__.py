"""The contract as rules, each a short story: how it begins, what is done, what must not be seen.

Told in the order of the signal's own table: what is used, what is not, which documents are refused, what happens when
the publisher or a model server is gone.
"""

from evalgate.conformance.rules import documents, failures, publisher, states, use
from evalgate.conformance.rules.rule import Rule

RULES: tuple[Rule, ...] = (*use.RULES, *states.RULES, *documents.RULES, *publisher.RULES, *failures.RULES)

__all__ = ["RULES", "Rule"]
