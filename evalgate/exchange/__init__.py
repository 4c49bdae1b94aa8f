"""WHAT passes between the rooms: a question, and the answer that came back. Plain data; imports nothing above it."""

from evalgate.exchange.answer import Answer, AnswerKind, FinishReason
from evalgate.exchange.reasoning import split_reasoning
from evalgate.exchange.request import MAX_TOKENS, ROUND, JsonValue, Message, Question, Request
from evalgate.exchange.scalars import as_text

__all__ = [
    "MAX_TOKENS",
    "ROUND",
    "Answer",
    "AnswerKind",
    "FinishReason",
    "JsonValue",
    "Message",
    "Question",
    "Request",
    "as_text",
    "split_reasoning",
]
