"""First tokens of many short prompts, as each of the lab's servings ranks them: the material of the drift detectors.

A prompt whose two best first tokens nearly tie is a *border prompt*: at temperature 0 a small change of the weights
turns its answer over, where an ordinary answer stays what it was. The file that is written here holds, for each of
some thousand candidates and for each serving, the best first tokens with their log-probabilities. Benchmarks and
tests draw calls from it, so that they need no engine.

**Noise.** Servers decode a prompt together with others, in batches of ever other sizes, and sums are taken in another
order. So the full precision answers some prompts a second time, decoded token by token instead of in blocks. On this
engine and prompts this short the two agree to the last digit that is kept: the lab has no noise of its own, and the
benchmarks add noise of a stated size.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import orjson

from evalgate.errors import InputError
from evalgate.formats.files import write_atomically
from evalgate.lab.engine import BLOCK, Engine, LlamaEngine
from evalgate.lab.weights import Weights

__all__ = ["KEPT", "FirstTokens", "candidates", "read_first_tokens", "record_first_tokens"]

FORMAT = "evalgate.first_tokens/v1"
KEPT = 4  # tokens a prompt: the border lies between the first two
TOKEN_BY_TOKEN = "-token-by-token"  # noqa: S105  (the ending of a serving's name)
COMPARED = 200  # prompts that are decoded in both ways
_REPORTED_EVERY = 200

_TEXT = """
time year way day thing man world life hand part child eye woman place work week case point company number group
problem fact money month night house water room mother area book story power country city road line end member law
car street door face war history party result change morning reason research girl guy moment air teacher force boy
food foot age policy music market sense nation plan college interest death course term report church sea garden
window winter summer river stone bread paper letter doctor horse bird tree cloud star moon north south king queen
small large early late young old long short high low new good bad green blue red white black open warm cold strong
and or but the a of in to with from before after under over without because if when while as than about
run walk see find give tell ask feel leave call keep begin show hear play move live believe bring happen write sit
"""
_WORDS = _TEXT.split()


@dataclass(frozen=True, slots=True)
class FirstTokens:
    """`tokens` and `logprobs` by serving: for each of `prompts` the KEPT likeliest first tokens, best first."""

    prompts: tuple[str, ...]
    tokens: dict[str, tuple[tuple[str, ...], ...]]
    logprobs: dict[str, tuple[tuple[float, ...], ...]]


def candidates(count: int, *, seed: int = 1) -> list[str]:
    """`count` different short prompts of two to four common words: the same for the same seed, whatever the machine."""
    random = Random(seed)  # noqa: S311  (nothing secret; its integers are the same in every release of Python)
    found: dict[str, None] = {}
    while len(found) < count:
        words = [_WORDS[int(random.random() * len(_WORDS))] for _ in range(2 + int(random.random() * 3))]
        found[" ".join(words)] = None
    return list(found)


def record_first_tokens(
    path: Path, weights: Sequence[Weights], prompts: Sequence[str], on_progress: Callable[[str, int, int], None]
) -> None:
    """Ask every serving of `weights` for the first token after each of `prompts`, and write what came to `path`.

    The first of `weights` answers COMPARED of them token by token, too. The file is written anew after each serving, so
    that what was recorded is there should it end early. Raises `LabError` when the engine is not installed.
    """
    names: dict[str, int] = {}
    document: dict[str, object] = {
        "format": FORMAT,
        "weights": {each.label.lower(): f"sha256:{each.sha256}" for each in weights},
        "prompts": list(prompts),
    }
    servings: dict[str, object] = {}
    for name, engine, some in _servings(weights, prompts):
        rows = []
        for done, prompt in enumerate(some, 1):
            top = engine.generate(prompt, max_tokens=1, top_logprobs=KEPT)
            # An end of text as first token carries no list; a prompt where that happens ranks nothing.
            best = top.logprobs[0].top if top.logprobs else ()
            rows.append(
                ([names.setdefault(token, len(names)) for token, _ in best], [round(value, 4) for _, value in best])
            )
            if done % _REPORTED_EVERY == 0:
                on_progress(name, done, len(some))
        servings[name] = {"tokens": [ids for ids, _ in rows], "logprobs": [values for _, values in rows]}
        packed = orjson.dumps({**document, "names": list(names), "servings": servings})
        write_atomically(path, gzip.compress(packed, compresslevel=9, mtime=0))


def read_first_tokens(path: Path) -> FirstTokens:
    """Read a file of `record_first_tokens`. Raises `InputError` if it is none."""
    try:
        document = orjson.loads(gzip.decompress(path.read_bytes()))
        if document["format"] != FORMAT:
            raise InputError(f"{path}: format {document['format']!r}, expected {FORMAT!r}")
        names, servings = document["names"], document["servings"]
        return FirstTokens(
            tuple(document["prompts"]),
            {name: tuple(tuple(names[i] for i in row) for row in each["tokens"]) for name, each in servings.items()},
            {name: tuple(map(tuple, each["logprobs"])) for name, each in servings.items()},
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError) as damage:
        raise InputError(f"{path}: not a file of first tokens: {damage}; next: evalgate lab record-border") from damage


def _servings(weights: Sequence[Weights], prompts: Sequence[str]) -> Iterator[tuple[str, Engine, Sequence[str]]]:
    """Each serving's name, its engine (closed afterwards), and what it is asked."""
    for place, each in enumerate(weights):
        name = each.label.lower()
        ways = {name: (BLOCK, prompts)}
        if place == 0:
            ways[name + TOKEN_BY_TOKEN] = (1, prompts[:COMPARED])
        for serving, (block, some) in ways.items():
            engine = LlamaEngine(each.path, sha256=each.sha256, block=block)
            try:
                yield serving, engine, some
            finally:
                engine.close()
