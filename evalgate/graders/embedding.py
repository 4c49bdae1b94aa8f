"""The grader for nearness of meaning, by a small static model that is part of a package and needs no download."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate.exchange import JsonValue
from evalgate.graders import ideal
from evalgate.graders.expectations import texts
from evalgate.graders.overlap import best
from evalgate.graders.registry import Prepared, grader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def _has_model(options: Mapping[str, object], folder: Path) -> Prepared | None:
    del options, folder
    if find_spec("wordllama") is None:
        raise ValueError("type", "grader 'embedding_similarity' needs: pip install 'evalgate-harness[embeddings]'")
    return None


@functools.cache
def _model() -> Any:  # the package has no types
    import wordllama

    # the package looks for its own tokenizer in a folder that it does not have, unless it is told
    folder = Path(str(wordllama.__file__)).parent
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


def _vector(text: str) -> NDArray[np.float32]:
    """Of length 1, or 0 for a text without a word piece."""
    import numpy as np

    vector: NDArray[np.float32] = _model().embed([text])[0]
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else np.zeros_like(vector)


_of_reference = functools.lru_cache(maxsize=4096)(_vector)


@grader("embedding_similarity", expects=texts, prepare=_has_model, ideal=ideal.first_of, cpus=1.0)
def embedding_similarity(text: str, expected: JsonValue) -> float:
    """Cosine of the embeddings of answer and target, from 0 to 1; of several targets, the nearest counts.

    The model (wordllama, 256 dimensions, MIT) averages vectors of word pieces and knows no order: `dog bites man` is
    `man bites dog`, and `is` is near to `is not`. It tells topics apart, and not right from wrong. Negative cosines
    are 0. Needs `pip install 'evalgate-harness[embeddings]'`; nothing is downloaded when it runs.
    """
    import numpy as np

    def nearness(text: str, reference: str) -> float:
        if text == reference:
            return 1.0
        return float(np.clip(np.dot(_vector(text), _of_reference(reference)), 0.0, 1.0))

    # half a surrogate pair is no text that can be encoded
    return best(text.encode("utf-8", "replace").decode(), expected, nearness)
