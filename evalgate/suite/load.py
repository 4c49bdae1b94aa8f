"""From a suite file to a `Suite`: everything that can be wrong is found here, before a cent is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message, Request
from evalgate.formats.canonical import digest, digest_list
from evalgate.formats.documents import Document
from evalgate.suite.case_file import CaseFile, read_cases
from evalgate.suite.cases import Case, build_cases, no_cases, with_defaults
from evalgate.suite.dataset import Dataset
from evalgate.suite.digests import Positions
from evalgate.suite.files import named
from evalgate.suite.generation import tools_as_sent
from evalgate.suite.models import Assertion, Gate, SuiteFile
from evalgate.suite.order import AskOrder
from evalgate.suite.paths import named_file
from evalgate.suite.prompt import Prompt
from evalgate.suite.source import read_suite
from evalgate.suite.survey import Survey

_NOT_SCORED = {
    *("extends", "dataset", "defaults", "examples", "slices", "tools"),
    *("cases", "description", "tags", "gate", "budget", "answer_ttl", "baseline_ttl"),
    *("cluster_weight", "near_duplicates"),
}


@dataclass(frozen=True)
class Suite:
    """How one operation is evaluated; `cases` stand in the random order in which they are asked.

    The order is fixed by `gate.seed` and the case ids alone, so it is the same on every machine, and a case keeps its
    place among the others when new ones are added. Cases of a file (`source`, in its order) stay in the file until they
    are asked for, so whatever reads one raises `InputError` when the file has changed in between. `remarks` are what
    the reader of a verdict should know about the cases. `shapes` are the positions in `source` of cases whose requests
    are of different kinds: with pictures, calls of tools or tools of their own, or without. `placeholder` is the place
    of the first case that is only there to be replaced (`metadata: {placeholder: true}`): it may be asked, and no
    verdict rests on it.
    """

    file: SuiteFile
    document: Document
    source: Sequence[Case]
    order: AskOrder
    positions: Positions
    prompt: Prompt
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    examples: str | tuple[Message, ...] = ()
    shapes: Sequence[int] = (0,)
    placeholder: str | None = None

    @property
    def operation(self) -> str:
        """Name of the operation."""
        return self.file.operation

    @property
    def gate(self) -> Gate:
        """What has to be proven."""
        return self.file.gate

    @property
    def assertions(self) -> list[Assertion]:
        """The graders and what they are held against."""
        return self.file.assertions

    @property
    def path(self) -> Path:
        """The suite's file."""
        return self.document.path

    @cached_property
    def cases(self) -> Sequence[Case]:
        """All cases, in the order in which they are asked."""
        return _arranged(self.source, self.positions)

    @cached_property
    def units(self) -> Sequence[int]:
        """How many consecutive cases make one unit of the statistics: 1 each, or the size of each cluster."""
        return self.order.units(self.positions)

    def order_digests(self) -> bytes:
        """The order of asking, to be kept for `in_order_after`: 16 bytes for each case, of its id and the seed."""
        return self.order.digests(self.positions)

    def in_order_after(self, known: bytes | Sequence[bytes]) -> Suite:
        """The suite as one that was asked before in the order `known` (its `order_digests`) and has changed since.

        Cases that were in it keep their order, those that are gone drop out, and new ones follow, so that what was
        certified and what is now asked remain one test. A unit that has gained cases keeps its place. With another
        seed, all cases are new.
        """
        digests = known if isinstance(known, bytes) else b"".join(known)
        return replace(self, positions=self.order.after(digests))

    @cached_property
    def hash(self) -> str:
        """Changes with anything that could change a score: prompt, parameters, graders, cases."""
        # in an order that neither an earlier certification nor near-duplicates have a part in
        cases = _arranged(self.source, self.order.positions(joined=False))
        return digest_list(self._content(), map(self._content_of, cases))

    @cached_property
    def rules(self) -> str:
        """Changes with what is asked of each case and how it is scored, whichever the cases and the variants are."""
        return digest(self._content(left_out={"variants"}))

    def _content(self, left_out: AbstractSet[str] = frozenset()) -> dict[str, JsonValue]:
        """All that the file says of how cases are asked and scored."""
        content = self.file.model_dump(mode="json", by_alias=True, exclude={*_NOT_SCORED, *left_out})
        if self.examples:  # what was put before every case, wherever it came from
            shown = self.examples
            content["examples"] = shown if isinstance(shown, str) else [message.to_json() for message in shown]
        if self.file.tools is not None:
            content["generation"] = self.file.generation.model_dump(mode="json", by_alias=True)
        return {**content, "assert": [assertion.identity for assertion in self.assertions]}

    def watched_with(self, cases_per_day: int) -> Suite:
        """The same suite, watched with another number of cases a day."""
        watch = self.gate.watch.model_copy(update={"cases_per_day": cases_per_day})
        gate = self.gate.model_copy(update={"watch": watch})
        return replace(self, file=self.file.model_copy(update={"gate": gate}))

    def _content_of(self, case: Case) -> list[JsonValue]:
        """All of a case that could change a score; what most cases have not is not hashed for them."""
        more: list[JsonValue] = [list(case.messages)] if case.messages else []
        pictures: list[JsonValue] = [*self.prompt.images(case)]
        tools: list[JsonValue] = [{"tools": case.tools}] if case.tools else []
        return [case.id, case.input, case.target, case.metadata, *more, *([pictures] if pictures else []), *tools]

    def request(self, case: Case) -> Request:
        """What is asked for `case`, of baseline and variants alike."""
        own = {**self.parameters, "tools": tools_as_sent(case.tools)} if case.tools else self.parameters
        return self.prompt.request(case, own)

    @property
    def offers_tools(self) -> bool:
        """Whether there is anything to call: tools of the suite, or of any case."""
        return "tools" in self.parameters or self.offers_own_tools

    @cached_property
    def offers_own_tools(self) -> bool:
        """Whether any case brings tools of its own."""
        return any(self.source[position].tools for position in self.shapes)

    def kinds_of_requests(self) -> list[Request]:
        """A request of each kind: who can be asked these can be asked all."""
        return [self.request(self.source[position]) for position in self.shapes]

    def error(self, message: str, *location: int | str) -> InputError:
        """An `InputError` that names the place in the suite's file."""
        return self.document.error(message, *location)


def load_suite(path: Path | str, *, near_duplicates: bool = True) -> Suite:
    """Load and check one suite file; raises `InputError` with file, line and what to do.

    Whoever asks all cases and rules on none may do without `near_duplicates`: it takes much of the time to find
    those that count as one. Where the suite refuses them they are looked for in any case.
    """
    document = read_suite(Path(path))
    file = document.validate(SuiteFile)
    if file.prompt == "":
        raise document.error("empty; there is nothing to ask", "prompt")
    prompt, parameters = Prompt(file.prompt, document), file.generation.model_dump(mode="json", exclude_none=True)
    shown, left_out = _examples(file, document, prompt)
    survey = Survey(file, prompt, shown, near=near_duplicates)
    cases = _cases(file, document, survey.look, left_out)
    remarks = survey.settle(cases)
    order = survey.order
    shapes = tuple(survey.shapes.values())
    examples = file.examples.written(shown, prompt, document) if file.examples else ()
    prompt.with_examples(examples or ())
    parts = (file, document, cases, order, order.positions(), prompt, parameters, remarks, examples, shapes)
    return Suite(*parts, survey.placeholder)


def load_suites(paths: Sequence[Path]) -> list[Suite]:
    """Load several suites; a folder stands for those in it (`files`). Refuses two suites for one operation."""
    suites: dict[str, Suite] = {}
    for path in named(paths):
        suite = load_suite(path)
        if other := suites.get(suite.operation):
            message = f"operation {suite.operation!r} has a suite already: {other.path}"
            raise suite.error(message, "operation")
        suites[suite.operation] = suite
    return list(suites.values())


def _examples(file: SuiteFile, document: Document, prompt: Prompt) -> tuple[Sequence[Case], AbstractSet[str]]:
    """The examples, and the ids of those of them that are cases of the suite, to be asked no more."""
    if file.examples is None:
        return [], frozenset()
    given = file.examples.given(document)
    shown = file.examples.chosen(_cases(file, document) if given is None else given, document)
    return shown, frozenset(case.id for case in shown if given is None)


def _nothing(case: Case) -> None:
    """Of a case that is only looked for."""


def _cases(
    file: SuiteFile,
    document: Document,
    look: Callable[[Case], None] = _nothing,
    left_out: AbstractSet[str] = frozenset(),
) -> list[Case] | CaseFile:
    """The cases in the order of the file, but for those `left_out`, each of them shown to `look`."""
    source, key = file.source, "cases" if file.cases is not None else "dataset"
    defaults = file.defaults.model_dump(exclude_unset=True) if file.defaults else {}
    if isinstance(source, str):
        path = named_file(document, source, key)
        if path.suffix != ".parquet":
            return read_cases(path, look, defaults=defaults, left_out=left_out)
        source = Dataset(path=source)
        rows = source.rows(document)
    elif isinstance(source, Dataset):
        rows = source.rows(document)
    else:
        rows = ((document.at(key, index), row) for index, row in enumerate(source))
    cases = build_cases(((place, with_defaults(row, defaults)) for place, row in rows), document.at(key))
    cases = [case for case in cases if case.id not in left_out]
    if not cases:
        raise no_cases(document.at(key))
    for case in cases:
        look(case)
    return cases


def _arranged(cases: Sequence[Case], positions: Positions) -> Sequence[Case]:
    return cases.in_order(positions) if isinstance(cases, CaseFile) else [cases[position] for position in positions]
