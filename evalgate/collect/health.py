"""Whether an endpoint is down, as far as its own calls tell: then it is asked no more, and its answers are not scored.

It counts as down when it has answered nothing for too long: measured from the first call that failed since its last
answer, so that a slow endpoint and a long wait for its rate limit are none. Each endpoint is told apart, since one of a
provider's models may be down while the others answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.catalog import Endpoint
from evalgate.errors import ProviderError
from evalgate.exchange import Answer
from evalgate.providers import AttemptFailed

HOPELESS = 20  # so many cases in a row that ended without an answer, or refusals, and it counts as down
NEVER_ANSWERED_SECONDS = 30.0  # of failing, where nothing was ever answered
SILENT_SECONDS = 300.0  # of failing, where something was, or the endpoint itself asks for patience (429)
LEAST_ATTEMPTS = 3  # whatever the time: two calls that were made at once may fail of one cause


@dataclass(slots=True)
class Health:
    """How one endpoint has been doing."""

    endpoint: Endpoint
    served: bool = False  # it answered something that was no refusal
    answered: bool = False
    failed_attempts: int = 0  # since its last answer
    failing_since: float = 0.0
    failed_cases: int = 0
    refusals: int = 0

    def succeeded(self, answer: Answer) -> None:
        """It answered a call."""
        self.answered, self.failed_attempts, self.failed_cases = True, 0, 0
        self.require_service(answer)

    def failed(self, failure: AttemptFailed, began: float, now: float) -> None:
        """A call failed that began then; raises `ProviderError` when that has gone on for too long."""
        if not self.failed_attempts:
            self.failing_since = began
        self.failed_attempts += 1
        patience = SILENT_SECONDS if self.answered or failure.throttled else NEVER_ANSWERED_SECONDS
        seconds = now - self.failing_since
        if seconds >= patience and self.failed_attempts >= LEAST_ATTEMPTS:
            what = "has answered nothing" if not self.answered else "answers nothing any more"
            raise self._down(f"{what} for {seconds:.0f} s ({self.failed_attempts} attempts)", failure.reason)

    def unanswered(self, failure: AttemptFailed, attempts: int, *, reached: bool) -> Answer:
        """What becomes of a question after its last attempt; raises `ProviderError` when the endpoint is down."""
        self.failed_cases += 1
        reason = f"{failure.reason} ({attempts} attempts)"
        if not reached:
            raise self._down("cannot be reached", reason)
        if self.failed_cases >= HOPELESS:
            raise self._down(f"failed for {HOPELESS} cases in a row", reason)
        return Answer("", "error", error=reason)

    def require_service(self, answer: Answer) -> None:
        """Raise `ProviderError` for an endpoint that refuses whatever it is asked: that says nothing of its quality."""
        if answer.finish_reason != "refused":
            self.served = True
            return
        self.refusals += 1
        if not self.served and self.refusals >= HOPELESS:
            message = f"{self.endpoint.id!r} refuses every call ({HOPELESS} of {HOPELESS}): {answer.error}"
            advice = "look at the suite's generation and at served_as; when that is mended, ask with --retry-failed"
            raise ProviderError(f"{self.endpoint.place}: {message}; {advice}")

    def _down(self, state: str, reason: str) -> ProviderError:
        endpoint, provider = self.endpoint, self.endpoint.provider
        where = f"{endpoint.id!r}: provider {provider.id!r} at {provider.base_url}"
        return ProviderError(f"{where} {state}: {reason}; what was answered is kept; run the same command to go on")
