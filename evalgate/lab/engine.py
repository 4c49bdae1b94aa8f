"""One model in this process, answering one prompt at a time, and the same every time.

The server next door speaks HTTP and knows nothing of llama.cpp; this module is the other way round. `Engine` is the
seam between them, so that the protocol is tested with a fake and without weights.

**Why answers repeat.** A prompt is decoded in blocks whose ends follow from its text alone, and the cache of a former
request is reused only up to the last block that both prompts share whole. What a block computes then depends on the
prompt and on nothing else: not on the order of requests, not on what was cached. That is what keeps a recorded answer
true, and it costs little: the examples of a few-shot prompt, which every case shares, are decoded once.

The low-level API of the wheel is used, because its own `generate` samples with a Python loop over the vocabulary
(tens of milliseconds a token), clears the cache each time, and loses why a generation ended.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from evalgate.errors import LabError
from evalgate.lab.gguf import read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Completion", "Engine", "LlamaEngine", "TokenLogprob"]

#: The most tokens decoded together.
BLOCK = 64
#: A block also ends before these: what follows is usually the part in which two cases' prompts differ.
NEW_PARAGRAPH = "\n\n"
NEW_TURN = "<|im_start|>user"


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token that was chosen, its natural-log probability, and the most likely tokens in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote, and why it stopped: `stop` (end of text, or a stop string) or `length`."""

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()


class Engine(Protocol):
    """What the server needs of a model."""

    @property
    def fingerprint(self) -> str:
        """Engine version and weights, as `system_fingerprint` reports them."""

    @property
    def chat_template(self) -> str:
        """The Jinja2 chat template that belongs to these weights."""

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        seed: int = 0,
        temperature: float = 0.0,
        top_logprobs: int | None = None,
    ) -> Completion:
        """Continue `prompt` by at most `max_tokens` tokens, up to the first of the `stop` strings.

        `top_logprobs` is the number of alternatives wanted per token; None leaves the logprobs out.
        """


class LlamaEngine:
    """A GGUF file served by the ik_llama.cpp wheel. Not thread-safe: the caller takes turns.

    `context` is the number of tokens that prompt and answer share. As many servers do, a longer prompt loses its
    beginning without a word: that is one of the serving faults the lab exists to show. `block` is the most tokens
    decoded together: another number gives the same answers but for rounding, as another batch does on a real server.
    """

    def __init__(
        self, weights: Path, *, sha256: str, threads: int = 1, context: int = 2048, block: int = BLOCK
    ) -> None:
        try:
            # Imported here: an optional extra that takes its time, and only a lab server needs it. By name: untyped.
            api: Any = import_module("ik_llama_cpp._ctypes_api")
        except ImportError as missing:
            msg = "the lab's engine is not installed; next: pip install 'evalgate-harness[lab]'"
            raise LabError(msg) from missing
        header = read_header(weights)
        self._api = api
        self._context_tokens = context
        self._block = block
        self._template = str(header.metadata.get("tokenizer.chat_template", ""))
        self._fingerprint = f"ik_llama_cpp-{version('ik-llama-cpp-python')}-{sha256[:12]}"
        self._remove = _bind_cache_removal(api)
        api.llama_backend_init()
        self._model: int = api.llama_model_load_from_file(str(weights).encode(), api.llama_model_default_params())
        if not self._model:
            msg = f"{weights}: the engine could not load these weights; delete the file and quantize again"
            raise LabError(msg)
        parameters = api.llama_context_default_params()
        # The cache's capacity is not what the variant promises: a few blocks more keep its last token in place.
        parameters.n_ctx = context + 2 * BLOCK
        parameters.n_batch = parameters.n_ubatch = BLOCK
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = threads
        # Without AVX-VNNI this engine's flash attention aborts on longer prompts; off everywhere, so that answers
        # do not depend on the processor's generation more than they must.
        parameters.flash_attn = False
        self._context: int = api.llama_init_from_model(self._model, parameters)
        if not self._context:
            msg = f"{weights}: the engine could not allocate a context of {context} tokens"
            raise LabError(msg)
        self._vocabulary: int = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self._model))
        self._batch: Any = api.llama_batch_init(BLOCK, 0, 1)
        self._pieces: dict[int, bytes] = {}
        self._turn = self._tokenize(NEW_TURN)
        self._cached: list[list[int]] = []

    @property
    def fingerprint(self) -> str:
        """Engine version and the first digits of the weights' SHA-256."""
        return self._fingerprint

    @property
    def chat_template(self) -> str:
        """The template that the GGUF file itself carries."""
        return self._template

    def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        seed: int = 0,
        temperature: float = 0.0,
        top_logprobs: int | None = None,
    ) -> Completion:
        """Continue `prompt`; greedy at temperature 0, else sampled from a generator seeded for this request alone."""
        import numpy as np

        generator = np.random.default_rng(seed)
        max_tokens = min(max_tokens, self._context_tokens - 1)
        tokens = self._tokenize(prompt)[-(self._context_tokens - max_tokens) :]
        logits = self._prefill(tokens)
        written = bytearray()
        logprobs: list[TokenLogprob] = []
        finish_reason: Literal["stop", "length"] = "length"
        count = 0
        while count < max_tokens:
            token = _choose(logits, temperature, generator)
            count += 1
            if self._api.llama_token_is_eog(self._model, token):
                finish_reason = "stop"
                break
            if top_logprobs is not None:
                logprobs.append(self._logprob(logits, token, top_logprobs))
            written += self._piece(token)
            if _stop_at(written, stop) is not None:
                finish_reason = "stop"
                break
            if count < max_tokens:
                logits = self._decode([token], len(tokens) + count - 1)
        cut = _stop_at(written, stop)
        text = written[:cut].decode(errors="replace")
        return Completion(text, finish_reason, len(tokens), count, tuple(logprobs))

    def close(self) -> None:
        """Give the memory back."""
        self._api.llama_batch_free(self._batch)
        self._api.llama_free(self._context)
        self._api.llama_free_model(self._model)

    def _tokenize(self, text: str) -> list[int]:
        encoded = text.encode()
        room = len(encoded) + 8
        buffer = (ctypes.c_int32 * room)()
        count = self._api.llama_tokenize(self._model, encoded, len(encoded), buffer, room, False, True)
        if count <= 0:
            msg = "the prompt is empty"
            raise ValueError(msg)
        return buffer[:count]

    def _piece(self, token: int) -> bytes:
        if token not in self._pieces:
            buffer = ctypes.create_string_buffer(256)
            size = self._api.llama_token_to_piece(self._model, token, buffer, 256, 0, False)
            self._pieces[token] = buffer.raw[: max(size, 0)]
        return self._pieces[token]

    def _blocks(self, tokens: list[int]) -> list[list[int]]:
        """Cut a prompt into blocks: at most `block` tokens, a new one after a blank line and before a user turn."""
        blocks: list[list[int]] = [[]]
        before = b""
        for index, token in enumerate(tokens):
            new_turn = tokens[index : index + len(self._turn)] == self._turn
            if blocks[-1] and (len(blocks[-1]) == self._block or new_turn or before.endswith(NEW_PARAGRAPH.encode())):
                blocks.append([])
            blocks[-1].append(token)
            before = before[-1:] + self._piece(token)
        return blocks

    def _prefill(self, tokens: list[int]) -> NDArray[np.float32]:
        """Decode a prompt block by block, from the first block that the cache does not share with it.

        The last block is always decoded, for its logits.
        """
        *blocks, last = self._blocks(tokens)
        shared = 0
        while shared < min(len(blocks), len(self._cached)) and self._cached[shared] == blocks[shared]:
            shared += 1
        position = sum(map(len, blocks[:shared]))
        self._remove(self._context, 0, position, -1)
        # Only whole blocks of a prompt count as cached: what was decoded token by token was computed otherwise.
        self._cached = blocks
        for block in blocks[shared:]:
            self._run(block, position, wants_logits=False)
            position += len(block)
        return self._decode(last, position)

    def _decode(self, tokens: list[int], position: int) -> NDArray[np.float32]:
        """Run the model over `tokens`; returns a view of the last one's logits, valid until the next call."""
        import numpy as np

        self._run(tokens, position, wants_logits=True)
        pointer = self._api.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, (self._vocabulary,))

    def _run(self, tokens: list[int], position: int, *, wants_logits: bool) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for offset, token in enumerate(tokens):
            batch.token[offset] = token
            batch.pos[offset] = position + offset
            batch.n_seq_id[offset] = 1
            batch.seq_id[offset][0] = 0
            batch.logits[offset] = wants_logits and offset == len(tokens) - 1
        status = self._api.llama_decode(self._context, batch)
        if status != 0:
            self._cached = []
            msg = f"the engine failed to decode {len(tokens)} tokens at position {position} (status {status})"
            raise RuntimeError(msg)

    def _logprob(self, logits: NDArray[np.float32], token: int, alternatives: int) -> TokenLogprob:
        import numpy as np

        shifted = logits.astype(np.float64) - float(logits.max())
        logprobs = shifted - np.log(np.exp(shifted).sum())
        best = np.argsort(-logprobs, kind="stable")[:alternatives] if alternatives else np.empty(0, dtype=np.intp)
        top = tuple((self._piece(int(one)).decode(errors="replace"), float(logprobs[one])) for one in best)
        return TokenLogprob(self._piece(token).decode(errors="replace"), float(logprobs[token]), top)


def _choose(logits: NDArray[np.float32], temperature: float, generator: np.random.Generator) -> int:
    import numpy as np

    if temperature <= 0:
        return int(logits.argmax())
    # Gumbel's trick: the argmax of log-weights plus Gumbel noise is a draw from their softmax.
    noise = generator.gumbel(size=logits.shape)
    return int((logits.astype(np.float64) / temperature + noise).argmax())


def _stop_at(written: bytearray, stop: Sequence[str]) -> int | None:
    """Offset of the first stop string in what was written, None when there is none."""
    found = [offset for offset in (written.find(one.encode()) for one in stop) if offset >= 0]
    return min(found, default=None)


def _bind_cache_removal(api: Any) -> Callable[[int, int, int, int], bool]:
    """Bind `llama_kv_cache_seq_rm(context, sequence, from, to)`, which the wheel's Python part leaves out."""
    remove = api._lib.llama_kv_cache_seq_rm
    remove.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]
    remove.restype = ctypes.c_bool
    bound: Callable[[int, int, int, int], bool] = remove
    return bound
