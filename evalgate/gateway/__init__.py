"""The router as a server: OpenAI- and Anthropic-shaped calls in, the tier's choice out, and books of what it cost."""
