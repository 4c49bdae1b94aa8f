"""OpenRouter: the OpenAI protocol, with each variant pinned to its endpoint.

OpenRouter stands before many providers, and one of them may serve a model at two precisions, told apart only by the
endpoint's tag. So a variant's tag goes along as the only one allowed, without fallbacks, and the response must name the
tag's provider: an answer of anybody else must never count for this variant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evalgate.catalog import Endpoint
from evalgate.errors import ProviderError
from evalgate.exchange import Answer, JsonValue, Request
from evalgate.providers import openai
from evalgate.providers.openai_stream import OpenAIStream
from evalgate.providers.reply import Reply
from evalgate.providers.wire import Wire

_NAMES = {"googlevertex": "google", "mancer": "mancer2"}  # that differ from their slug by more than spelling


def build(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, JsonValue]]:
    """The path below base_url, and the JSON body that asks `request` of `endpoint` and nobody else."""
    path, body = openai.build(endpoint, request)
    return path, body | pin(endpoint)


def pin(endpoint: Endpoint) -> dict[str, JsonValue]:
    """What a request says besides, so that nobody but the endpoint is asked."""
    return {"provider": {"only": [endpoint.variant.tag], "allow_fallbacks": False}}


def read(reply: Reply, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """As `openai.read`; who answered, and how its own API said why it stopped, are kept too."""
    answer = openai.read(reply, latency_ms, redact)
    body = reply.body
    if reply.status >= 300 or not isinstance(body, dict):
        return answer
    kept = dict(answer.details)
    if isinstance(provider := body.get("provider"), str):
        kept["provider"] = provider
    native = (openai.choice_of(body) or {}).get("native_finish_reason")
    if isinstance(native, str):
        kept["native_finish_reason"] = native
    return replace(answer, details=kept)


def check(endpoint: Endpoint, answer: Answer) -> None:
    """Raise `ProviderError` when another provider answered than the variant's, or nobody says which one did."""
    if answer.failed:
        return
    require_pinned(endpoint, answer.details.get("provider"))


def require_pinned(endpoint: Endpoint, said: object) -> None:
    """Raise `ProviderError` unless `said`, which names who answered, is the variant's provider."""
    pinned = endpoint.variant.tag or ""
    expected = [pinned.partition("/")[0], *endpoint.variant.aliases]
    if not isinstance(said, str):
        raise ProviderError(f"{endpoint.place}: pinned to {pinned!r}, and the response does not say who answered")
    given = _letters(said)
    if not any(given == _NAMES.get(wanted, wanted) for wanted in map(_letters, expected)):
        message = (
            f"pinned to {pinned!r}, and {said[:80]!r} answered; nothing is counted for a variant that did not answer"
        )
        advice = f"if that is the tag's provider by another name, write answers_as: {said[:80]!r} into the variant"
        raise ProviderError(f"{endpoint.place}: {message}; {advice}")


def _letters(name: str) -> str:
    """`Amazon Bedrock` and `amazon-bedrock` are the same."""
    return "".join(character for character in name.lower() if character.isalnum())


WIRE = Wire(build, read, OpenAIStream, openai.WIRE.streamed, check)
