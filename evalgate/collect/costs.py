"""What a call costs: by the server's own count of tokens, and by an estimate where there is none.

An endpoint that counts nothing is not free. What a model's tokens are like is learnt from all of its endpoints.
"""

from __future__ import annotations

from decimal import Decimal

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, Request
from evalgate.exchange.tokens import TokenEstimates, limit_of, prompt_bytes
from evalgate.providers import AttemptFailed


class Costs:
    """Prices calls in USD, and learns while it does so."""

    def __init__(self) -> None:
        self._models: dict[str, TokenEstimates] = {}

    def learn(self, endpoint: Endpoint, request: Request | None, answer: Answer) -> TokenEstimates:
        """Take an answer, new or known, into the estimates of its model."""
        estimates = self._models.get(endpoint.model)
        if estimates is None:
            estimates = self._models[endpoint.model] = TokenEstimates()
        estimates.learn(request, answer)
        return estimates

    def of_answer(self, endpoint: Endpoint, request: Request | None, answer: Answer) -> Decimal:
        """What an answer cost."""
        asked, said = answer.input_tokens, answer.output_tokens
        estimates = self.learn(endpoint, request, answer)
        if asked is None or said is None:
            asked, said = estimates.tokens(request, answer)
        return endpoint.cost(asked, said)

    def of_attempt(self, endpoint: Endpoint, request: Request, failure: AttemptFailed) -> Decimal:
        """What an attempt cost that brought no answer: nothing, unless the server had begun to give one."""
        if failure.arrived is None:
            return Decimal(0)
        estimates = self._models.get(endpoint.model) or TokenEstimates()
        said = estimates.output.estimate(failure.arrived)
        if (most := limit_of(request.parameters)) is not None:  # a page of HTML is no answer
            said = min(said, most)
        return endpoint.cost(estimates.input.estimate(prompt_bytes(request)), said)
