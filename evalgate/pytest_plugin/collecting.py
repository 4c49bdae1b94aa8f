"""The tests: a suite's file, its operation, and one item for each variant.

Ids and their order come from the suite and the catalogue alone, so that all workers of xdist collect the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalgate.errors import EvalgateError, InputError, Interrupted
from evalgate.plan import Contest
from evalgate.pytest_plugin import SETTINGS
from evalgate.pytest_plugin.findings import Finding, Told, found_once
from evalgate.pytest_plugin.judging import judge, message, planned

_OPERATIONS = pytest.StashKey[dict[str, Path]]()  # which file an operation was found in
_FINDINGS = pytest.StashKey[dict[Path, Finding]]()


class SuiteFile(pytest.File):
    """A suite."""

    def collect(self) -> Iterator[Operation]:
        """Its operation; whatever is wrong with the suite or the catalogue is an error of the collection."""
        try:
            contest = planned(self.config.stash[SETTINGS], self.path, whole=False)
            self._require_only_one(contest)
        except EvalgateError as failure:
            raise self.CollectError(message(failure)) from None
        operation: Operation = Operation.from_parent(self, name=contest.suite.operation, contest=contest)
        yield operation

    def _require_only_one(self, contest: Contest) -> None:
        other = self.config.stash.setdefault(_OPERATIONS, {}).setdefault(contest.suite.operation, self.path)
        if other != self.path:
            what = f"operation {contest.suite.operation!r} has a suite already"
            raise InputError(f"{contest.suite.path}: {what}: {self.config.stash[SETTINGS].shown(other)}")


class Operation(pytest.Collector):
    """An operation, whose variants are judged together."""

    def __init__(self, *, contest: Contest, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._contest = contest
        self.add_marker("evalgate")
        if self.config.pluginmanager.hasplugin("xdist"):  # for --dist loadgroup; elsewhere the marker is not known
            self.add_marker(pytest.mark.xdist_group(f"evalgate-{contest.suite.operation}"))

    def collect(self) -> Iterator[VariantItem]:
        """One test for each variant; `-k` knows a variant by its quantization too, and by the suite's tags."""
        tags = self._contest.suite.file.tags
        for name, endpoint in sorted(self._contest.variants.items()):
            item: VariantItem = VariantItem.from_parent(self, name=name)
            item.extra_keyword_matches.update([endpoint.variant.quantization.label, *tags])
            yield item


class VariantItem(pytest.Item):
    """The verdict on one variant. A check that cannot be done is an error, and only a verdict is a failure."""

    told: Told

    def setup(self) -> None:
        """See to it that the operation is judged, once for all its tests."""
        finding = self._finding()
        if finding.failure:
            pytest.fail(finding.failure, pytrace=False)
        self.told = finding.verdicts[self.name]
        self.user_properties.extend(self.told.properties)
        if self.told.unreachable:
            pytest.fail(self.told.text, pytrace=False)

    def runtest(self) -> None:
        """Green passes; inconclusive is what the option says, or else the suite."""
        told = self.told
        if told.outcome == "green":
            return
        inconclusive = self.config.stash[SETTINGS].inconclusive or ("fail" if told.failing else "skip")
        if told.outcome == "inconclusive" and inconclusive == "skip":
            pytest.skip(f"inconclusive: {self._title}: {told.reason}")
        pytest.fail(told.text, pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """What heads a failure."""
        return self.path, None, self._title

    @property
    def _title(self) -> str:
        return f"{self.parent.name if self.parent else ''} · {self.name}"

    def _finding(self) -> Finding:
        known, settings = self.config.stash.setdefault(_FINDINGS, {}), self.config.stash[SETTINGS]
        if self.path not in known:
            # the same in every worker, which selects and deselects as the others do
            only = [
                item.name for item in self.session.items if isinstance(item, VariantItem) and item.path == self.path
            ]
            try:
                if settings.shared is None:
                    known[self.path] = judge(settings, self.path, only)
                else:
                    known[self.path] = found_once(
                        settings.shared, str(self.path), lambda: judge(settings, self.path, only)
                    )
            except Interrupted:
                pytest.exit("evalgate: interrupted; what was answered is kept, the same command goes on from there")
        return known[self.path]
