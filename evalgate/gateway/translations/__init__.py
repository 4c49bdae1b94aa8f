"""Between OpenAI's chat completions and Anthropic's Messages, in both directions, where one means exactly the other.

Pure functions over parsed JSON. What the other API has no words for is `Untranslatable`, by the name of the field: left
out silently, the model would be asked something else. What changes nothing of the answer (a hint for a cache, a label
for somebody's books) is left out. docs/gateway-speech.md has the table.
"""

from evalgate.gateway.translations.directions import between
from evalgate.gateway.translations.errors import error_body, error_event
from evalgate.gateway.translations.events import carries_content, error_in, usage_in
from evalgate.gateway.translations.usage import counted_on, tokens_of

__all__ = [
    "between",
    "carries_content",
    "counted_on",
    "error_body",
    "error_event",
    "error_in",
    "tokens_of",
    "usage_in",
]
