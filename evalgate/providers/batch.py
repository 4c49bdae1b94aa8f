"""What every provider's batch API offers: hand in many questions at once, at a discount; the answers come within a day.

As in `base`, a client makes one attempt and says plainly what came of it; `evalgate.collect` decides on retries. A
batch is known by the provider's id, a question in it by its answer key. Whoever is killed in the moment in which the
provider takes a batch has not heard its id: where the API lets a token go along (`traceable`), `find` tells it; where
it does not, the batch is lost to us, though not to the bill, and whoever submits must say so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.exchange import Answer, Question
from evalgate.providers.reply import Reply

KeyedQuestion = tuple[str, Question]
KeyedAnswer = tuple[str, Answer]
KeyedBody = tuple[str, bytes]  # a request's body in the protocol's own JSON
Result = Reply | str  # the response to one request, or why it has none


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is: `finished` of its `total` questions have a result, and all that will have one when `done`.

    `refused` says why the provider took the batch as a whole but did nothing of it; `crowded` that it would when less
    is waiting there. `cancelled` that somebody wanted no more of it.
    """

    done: bool
    total: int
    finished: int
    status: str
    cancelled: bool = False
    refused: str | None = None
    crowded: bool = False


class BatchUnknown(Exception):
    """The provider knows no such batch: its results were thrown away, or another key handed it in."""


class BatchClient(Protocol):
    """The batch API of one provider, ready to be used.

    All but `split` raise `AttemptFailed` when trying again may help and `ProviderError` when it cannot, as
    `ProviderClient.ask` does.
    """

    traceable: bool  # as far as is known: `find` may find out that it is not

    def split(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], most: int) -> Iterator[list[KeyedQuestion]]:
        """Parts that one batch can take each, in their order, of at most `most` questions.

        Raises `InputError` for a question that the protocol cannot ask, or that is too large for any batch.
        """

    async def submit(self, endpoint: Endpoint, items: Sequence[KeyedQuestion], token: str) -> str:
        """Hand in one part, under a token of ours; returns the provider's id of the batch.

        After an `AttemptFailed` that is neither `unreachable` nor `throttled` the provider may have taken it.
        """

    async def hand_in(self, path: str, bodies: Sequence[KeyedBody], token: str) -> str:
        """As `submit`, for requests as they go over the wire to `path` (such as `/chat/completions`)."""

    async def find(self, tokens: Collection[str], since: float) -> Mapping[str, str]:
        """Ids of the batches that were handed in under these tokens since then (seconds since the epoch)."""

    async def poll(self, batch: str) -> BatchState:
        """How far it is; raises `BatchUnknown` when the provider does not know it."""

    def results(self, batch: str) -> AsyncGenerator[tuple[str, Result], None]:
        """Every result that can be read, as it came over the wire, in the provider's order; without our key."""

    def fetch(self, batch: str) -> AsyncGenerator[KeyedAnswer, None]:
        """The results as answers.

        One that may turn out better in another batch (it expired, was cancelled, met an error of the server) is an
        answer with the finish reason `error`. The latency of all of them is 0: a batch tells nothing of the endpoint's.
        """

    async def cancel(self, batch: str) -> None:
        """Let the provider do no more of it; what is answered until it has ended is paid, and can be fetched."""

    async def close(self) -> None:
        """Let go of connections."""


def split(
    items: Sequence[KeyedQuestion], size: Callable[[KeyedQuestion], int], most: int, most_bytes: int
) -> Iterator[list[KeyedQuestion]]:
    """Parts of at most `most` questions and `most_bytes` bytes, as `size` counts them."""
    part: list[KeyedQuestion] = []
    room = most_bytes
    for item in items:
        taken = size(item)
        if taken > most_bytes:
            message = f"case {item[1].case_id!r}: its request has {taken:,} bytes; a batch takes {most_bytes:,} at most"
            raise InputError(message)
        if part and (len(part) == most or taken > room):
            yield part
            part, room = [], most_bytes
        part.append(item)
        room -= taken
    if part:
        yield part
