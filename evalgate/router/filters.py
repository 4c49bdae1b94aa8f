"""Who cannot take a call: the hard filters, each with the sentence that explains it.

Two kinds. What a caller set as a limit (price, data policy) binds everybody, the baseline too: better no answer than
one that costs or tells too much. What a variant must be able to do (tools, JSON schema, images, context) or be
(eligible, fast, not failing) binds all but the baseline, to which every doubt falls, and whose errors are passed on.
"""

from __future__ import annotations

from evalgate.router.breaker import admits
from evalgate.router.call import Call
from evalgate.router.standing import Standing, is_slow
from evalgate.router.table import Option

LONGER_THAN_PROVEN = 4  # times the mean prompt that it was judged on, where the catalogue does not tell the context

CHAT = "no chat completions"
COMPLETIONS = "no plain completions"
TOOLS = "its tools are not known to work"
TOOL_CHOICE = "it does not obey the call's tool_choice"
JSON_SCHEMA = "no JSON schema known to be kept"
IMAGES = "it is not known to see images"
MEDIA = "it is not known to take sound, films or files"
CONTEXT = "its context is too short for the call"
UNPROVEN_LENGTH = "its context is not in the catalogue, and the call is much longer than what it was judged on"
MAX_OUTPUT = "its answers are shorter than the call asks for"
MAX_PRICE = "dearer than the call's max_price"
DATA_POLICY = "does not promise the call's data policy"
BREAKER = "its breaker is open after failures"
SLOW = "its p95 is above the latency target"
NO_COST = "its cost is not known"
NO_SUCCESS = "none of its calls succeeds"
SAVES_NOTHING = "it costs no less than the baseline"


def breaks_limit(option: Option, call: Call) -> str | None:
    """Why the caller's own limits forbid a variant, or None."""
    limit = call.max_price
    if limit is not None and (
        (limit.input is not None and option.price_input > limit.input)
        or (limit.output is not None and option.price_output > limit.output)
    ):
        return MAX_PRICE
    wanted = call.data_policy
    if wanted is not None and option.data_policy not in (wanted, "zero_retention"):
        return DATA_POLICY
    return None


def cannot_serve(option: Option, call: Call) -> str | None:
    """What of the call a variant is not known to be capable of, or None."""
    if call.tools and not option.tools:
        return TOOLS
    if call.tools and option.tool_choice is not None and call.tool_choice not in option.tool_choice:
        return TOOL_CHOICE
    if call.json_schema and not option.json_schema:
        return JSON_SCHEMA
    if call.completions and not option.completions:
        return COMPLETIONS
    if not call.completions and not option.chat:
        return CHAT
    return _unseen(option, call) or _too_long(option, call)


def _unseen(option: Option, call: Call) -> str | None:
    if call.media:
        return MEDIA
    return IMAGES if call.images and not option.images else None


def _too_long(option: Option, call: Call) -> str | None:
    if call.max_output is not None and option.max_output is not None and call.max_output > option.max_output:
        return MAX_OUTPUT
    if call.input_tokens is None:
        return None
    if option.context is not None:
        return CONTEXT if call.input_tokens + (call.max_output or 0) > option.context else None
    proven = option.proven_input
    return UNPROVEN_LENGTH if proven is None or call.input_tokens > LONGER_THAN_PROVEN * proven else None


def held_up(standing: Standing, at: float, target_ms: float | None) -> str | None:
    """Why a variant, or the baseline, had better not be asked now, or None."""
    if standing.breaker.open_until and not admits(standing.breaker, at):  # 0.0 is closed, as it nearly always is
        return BREAKER
    if target_ms is not None and is_slow(standing, target_ms):
        return SLOW
    return None
