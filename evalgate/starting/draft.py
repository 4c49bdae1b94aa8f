"""What is asked, before it is a file: the same for whichever source it was made of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.formats.rewriting import Lines, plain

CASES = 200_000  # of one suite that is made of something else
SHOWN = 300  # characters of what could not be said here
PLACEHOLDERS: Sequence[tuple[str, str]] = (
    ("Where is my parcel? It was due on Monday.", "shipping"),
    ("You charged my card twice for one order.", "billing"),
    ("How do I send back shoes that are too small?", "returns"),
    ("Do you also sell gift cards?", "other"),
    ("The tracking number you sent me does not exist.", "shipping"),
)
SECRET = re.compile(r"(?<![A-Za-z0-9])(?:sk|gsk|hf|xai|key|api|ghp|Bearer)[-_ ][A-Za-z0-9._-]{16,}")
_SECRET_KEY = re.compile(r"key|token|secret|password|authori[sz]ation|credential|cookie", re.IGNORECASE)
_LEFT_OUT = "[left out]"
LABELS = "billing, shipping, returns or other"


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What the source says and a suite cannot say: as it stands there (anybody may have written it), and why.

    `partly`: it is said, and means something else.
    """

    what: str
    why: str
    partly: bool = False

    @classmethod
    def of(cls, data: Any, why: str, name: str = "", *, partly: bool = False) -> Unsaid:
        """Of `data` as it stands there, without what may be a key."""
        text = json.dumps(_without_secrets(plain(data)), default=str)
        return cls(f"{name}: {text}" if name else text, why, partly)

    @property
    def line(self) -> str:
        """Both on one line of ASCII, so that nothing in it can end the comment that it is put into."""
        kind = "not the same" if self.partly else "not translated"
        text = f"{kind}: {self.what[:SHOWN]}{'...' if len(self.what) > SHOWN else ''} ({self.why[:SHOWN]})"
        return "".join(sign if " " <= sign <= "~" else ascii(sign)[1:-1] for sign in text)


def _without_secrets(value: Any) -> Any:
    """These lines end in files that are committed."""
    if isinstance(value, dict):
        return {
            key: _LEFT_OUT if _SECRET_KEY.search(str(key)) else _without_secrets(each) for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return SECRET.sub(_LEFT_OUT, value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Draft:
    """One suite. `unsaid` is what has no place of its own; of the assertions, each stands where it would have stood.

    `told` is what else whoever runs the command should know. `files` go beside the suite; one of them is `cases` where
    they are not `rows`, and `source` where it stood. Of a suite that is `copied`, only the names of operation, model
    and baseline are changed.
    """

    operation: str
    prompt: str | Sequence[Mapping[str, Any]]
    assertions: Sequence[Mapping[str, Any] | Unsaid]
    rows: Sequence[Mapping[str, Any]] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    unsaid: Sequence[Unsaid] = ()
    told: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    cases: str | None = None
    source: Path | None = None
    copied: str | None = None
    margin: float = 0.05

    @property
    def file(self) -> str:
        """Where the suite goes: a copy brings a folder of its own."""
        return f"{self.name}/suite.yaml" if self.copied is not None else f"{self.name}.yaml"

    @property
    def name(self) -> str:
        """The operation, as a file may be called."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", self.operation).strip(".") or "suite"

    @property
    def everything_unsaid(self) -> list[Unsaid]:
        """All that is lost, in the order of the file."""
        return [*self.unsaid, *(each for each in self.assertions if isinstance(each, Unsaid))]


def example(operation: str, assertions: Sequence[Mapping[str, Any]], margin: float) -> Draft:
    """A handful of cases to be replaced: they are marked, and no verdict is given on what is marked."""
    asked = f"Which queue does this message belong to? Answer with one word: {LABELS}."
    rows = [
        {"id": f"example-{number}", "input": text, "target": queue, "metadata": {"placeholder": True}}
        for number, (text, queue) in enumerate(PLACEHOLDERS, start=1)
    ]
    prompt = [{"role": "system", "content": asked}, {"role": "user", "content": "{{ input }}"}]
    generation = {"temperature": 0, "max_tokens": 16}
    return Draft(operation, prompt, assertions, rows, generation, margin=margin)


def as_lines(prompt: str | Sequence[Mapping[str, Any]]) -> object:
    """The prompt, with texts of several lines as such."""
    if isinstance(prompt, str):
        return Lines(prompt) if "\n" in prompt else prompt
    return [
        {key: Lines(value) if isinstance(value, str) and "\n" in value else value for key, value in message.items()}
        for message in prompt
    ]
