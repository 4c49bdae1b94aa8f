"""Between OpenAI's chat completions and Anthropic's Messages, in both directions, where one means exactly the other.

Pure functions over parsed JSON. What the other API has no words for is `Untranslatable`, by the name of the field: left
out silently, the model would be asked something else. What changes nothing of the answer (a hint for a cache, a label
for somebody's books) is left out. docs/gateway-speech.md has the table.
"""

from evalgate.gateway.translations.directions import between

__all__ = ["between"]
