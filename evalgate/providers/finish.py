"""Why a model stopped, in the words of many servers."""

from __future__ import annotations

from evalgate.exchange import FinishReason, JsonValue

# in small letters; OpenAI's own first, then Anthropic's, Mistral's, Google's, Cohere's, Bedrock's, Ollama's
_KNOWN: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence"), "stop"),
    **dict.fromkeys(
        (
            "length",
            "max_tokens",
            "max_output_tokens",
            "max_completion_tokens",
            "max_length",
            "model_length",
            "model_context_window_exceeded",
            "context_length_exceeded",
            "token_limit",
            "error_limit",
        ),
        "length",
    ),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "content-filter",
            "refusal",  # "when streaming classifiers intervene to handle potential policy violations"
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "error_toxic",
            "guardrail_intervened",
        ),
        "content_filter",
    ),
}


def finish_reason(said: JsonValue) -> FinishReason:
    """Our word for it; `unknown` for what nobody knows, such as Anthropic's `pause_turn`."""
    return _KNOWN.get(said.lower(), "unknown") if isinstance(said, str) else "unknown"
