"""Azure OpenAI: the OpenAI protocol at two kinds of URL.

Without an `api_version`, or with `v1` or `preview`, it is `/openai/v1/chat/completions` and the deployment is the
body's model; with a date it is `/openai/deployments/DEPLOYMENT/chat/completions?api-version=DATE`. A variant's
`served_as` is the name of its deployment.
"""

from __future__ import annotations

from urllib.parse import quote

from evalgate.catalog import Endpoint
from evalgate.exchange import JsonValue, Request
from evalgate.providers import openai
from evalgate.providers.access import by_deployment
from evalgate.providers.openai_stream import OpenAIStream
from evalgate.providers.wire import Wire


def build(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, JsonValue]]:
    """The path below the API's root, and the JSON body that asks `request` of `endpoint`."""
    path, body = openai.build(endpoint, request)
    if by_deployment(endpoint.provider):
        path = f"/deployments/{quote(endpoint.served_as, safe='')}{path}"
    return path, body


WIRE = Wire(build, openai.read, OpenAIStream, openai.WIRE.streamed)
