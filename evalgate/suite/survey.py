"""What has to be known of all cases before the first of them is asked, found out in one look at each.

No case is kept: a suite may have more of them than fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.errors import InputError
from evalgate.formats.canonical import canonical
from evalgate.formats.written import as_json
from evalgate.suite.cases import Case
from evalgate.suite.digests import Digests
from evalgate.suite.examples import gives_away
from evalgate.suite.generation import NamedTool, tool_names
from evalgate.suite.models import SuiteFile
from evalgate.suite.near import NearDuplicates
from evalgate.suite.order import AskOrder
from evalgate.suite.prompt import Prompt


class Survey:
    """Looks at every case in turn: its place in the order, its cluster, and what it asks.

    Rendering every prompt also finds undefined variables before the first call is paid. Without `near`, near-duplicates
    are not looked for, unless the suite refuses them.
    """

    def __init__(self, file: SuiteFile, prompt: Prompt, shown: Sequence[Case] = (), *, near: bool = True) -> None:
        self.order = AskOrder(file.gate.seed)
        self._file, self._prompt = file, prompt
        self._given_away = gives_away(shown)
        self.shapes: dict[tuple[bool, ...], int] = {}  # of requests, by the first case that has it
        self.placeholder: str | None = None  # the place of the first case that is only there to be replaced
        self._looked_at = 0
        self._questions = Digests()
        wanted = file.near_duplicates == "refuse" or (near and file.near_duplicates != "allow")
        self._near = NearDuplicates(prompt) if wanted else None

    def look(self, case: Case) -> None:
        """Take the next case in; raises `InputError` when it cannot be asked or has no cluster."""
        self.order.add(case.id, self._cluster(case))
        if self.placeholder is None and case.metadata.get("placeholder") is True:
            self.placeholder = case.place
        if self._given_away and (example := self._given_away.get(as_json([case.input, case.messages]))):
            message = f"case {case.id!r} asks what the example {example!r} answers already; take one of them out"
            raise InputError(f"{case.place}: {message}")
        self._require_choice(case)
        for name in self._file.slices:
            self._require(case, name, "slices")
        self.shapes.setdefault(self._prompt.shape(case), self._looked_at)
        self._looked_at += 1
        texts = self._prompt.texts(case)
        self._questions.add(texts[0].encode() if len(texts) == 1 else canonical(texts))
        if self._near is not None:
            self._near.add(texts, case.target)

    def settle(self, cases: Sequence[Case]) -> list[str]:
        """Find the `cases`, which stand as they were looked at, that ask the same or nearly so.

        Near-duplicates are joined in `order`, and what there is to say of it returned. Raises `InputError` for two that
        ask the same, and for near-duplicates where the suite refuses them.
        """
        if repeat := self._questions.first_repeat():
            other, case = (cases[position] for position in repeat)
            message = f"asks exactly what {other.id!r} asks ({other.place}); one answer would count twice"
            raise InputError(f"{case.place}: case {case.id!r} {message}")
        if self._near is None:
            return []
        pairs = self._near.pairs(cases)
        if self._file.near_duplicates == "refuse":
            if first := min(((after, before) for before, after in pairs), default=None):
                raise _near_duplicate(*(cases[position] for position in first))
            return []
        joined, example = 0, (len(cases), len(cases))
        for pair in pairs:
            joined, example = joined + self.order.join(*pair), min(example, pair)
        if not joined:
            return []
        one, again = (cases[position].id for position in example)
        if joined == 1:
            return [f"{again!r} asks nearly what {one!r} asks: the two count as one"]
        return [f"{joined} cases ask nearly what another asks, and count with it as one: {again!r} with {one!r}, …"]

    def _require_choice(self, case: Case) -> None:
        """Where the suite says which function is called, a case that brings its own tools has to have that one."""
        choice = self._file.generation.tool_choice
        if not case.tools or not isinstance(choice, NamedTool):
            return
        name = choice.function.name
        if name not in tool_names(case.tools):
            message = f"case {case.id!r} has no {name!r}, which the suite's generation.tool_choice names"
            raise InputError(f"{case.place} tools: {message}")

    def _cluster(self, case: Case) -> str | None:
        if self._file.cluster_by is None:
            return None
        return "=".join(self._require(case, self._file.cluster_by, "cluster_by"))

    @staticmethod
    def _require(case: Case, name: str, who: str) -> tuple[str, str]:
        key = name.removeprefix("metadata.")
        if not isinstance(case.metadata.get(key), str | int | float):
            message = f"case {case.id!r} has no {name} (a text or number), which {who} needs"
            raise InputError(f"{case.place}: {message}")
        return key, str(case.metadata[key])


def _near_duplicate(case: Case, other: Case) -> InputError:
    message = f"asks nearly what {other.id!r} asks ({other.place}), so it is hardly further evidence"
    ways = "take one out, or write near_duplicates: cluster (they count as one) or allow"
    return InputError(f"{case.place}: case {case.id!r} {message}; {ways}")
