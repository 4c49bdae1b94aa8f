"""The detectors of a variant: what they find, what they must not find, and on what they may convict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import orjson
import pytest

from evalgate.gate import Policy
from evalgate.plan.watching import run_lengths
from evalgate.suite import load_suite
from evalgate.suite.models import Watch
from evalgate.watch.detection import Detection, Reference, State
from evalgate.watch.look import Look, Scale
from tests.conftest import suite_file

FLIPS = np.array([-1.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return Policy.of(load_suite(suite_file(tmp_path_factory.mktemp("detection"))), ["score"])


def rules(policy: Policy, *detectors: str, run_length: float = 1000.0) -> Detection:
    watched = Watch.model_validate({"detectors": list(detectors or ["scores"]), "run_length": run_length})
    return Detection(policy, Scale(1, 1.0, by_size=False), watched.detectors or (), run_lengths(policy, watched))


def certified(values: np.ndarray, *fingerprints: str) -> Reference:
    return Reference({"score": values}, {}, frozenset(), frozenset(fingerprints))


def look(
    values: np.ndarray, answered: np.ndarray | None = None, weights: np.ndarray | None = None, fingerprint: str = ""
) -> Look:
    return Look(
        differences={"score": values},
        shortfalls={},
        weights=np.ones(values.size) if weights is None else weights,
        heaviest=1.0 if weights is None else 2.0,
        answered=np.ones(values.size, dtype=np.bool_) if answered is None else answered,
        labels={},
        known_as=frozenset(),
        fingerprints=frozenset([fingerprint] if fingerprint else []),
        drawn=values.size,
        oldest=1.0,
    )


def stored(state: State) -> State:
    """As it comes back from the store."""
    return cast("State", orjson.loads(orjson.dumps(state)))


def test_false_alarms_are_no_more_than_promised_with_weights_too(policy: Policy) -> None:
    random, detection, days, runs = np.random.default_rng(7), rules(policy, run_length=20), 8, 60
    alarms = 0
    for _ in range(runs):
        fragile = random.random(300) < 0.2  # half of a draw, of which each stands for less; the others for more
        state = detection.begin(certified(random.choice(FLIPS, 200, p=[0.05, 0.9, 0.05])))
        for _ in range(days):
            drawn = random.random(40) < 0.5
            values = np.where(drawn, random.choice(FLIPS, 40, p=[0.2, 0.6, 0.2]), 0.0)
            weights = np.where(drawn, fragile.mean() / 0.5, (1 - fragile.mean()) / 0.5)
            state, found = detection.after(stored(state), look(values, weights=weights))
            if found:
                alarms += 1
                break
    bound = runs * days / 20
    assert alarms <= bound + 3 * np.sqrt(bound)


def test_a_loss_beyond_the_margin_is_proven_in_time(policy: Policy) -> None:
    random, detection = np.random.default_rng(1), rules(policy)
    state = detection.begin(certified(np.zeros(200)))
    states = []
    for _ in range(5):
        state, found = detection.after(stored(state), look(random.choice(FLIPS, 50, p=[0.4, 0.6, 0.0])))
        states += [alarm.state for alarm in found]
    assert "red" in states


def test_failures_of_calls_suspend_and_never_convict(policy: Policy) -> None:
    detection, answered = rules(policy), np.arange(50) % 2 == 0
    state, states = detection.begin(certified(np.zeros(200))), set()
    for _ in range(10):
        state, found = detection.after(stored(state), look(np.where(answered, 0.0, -1.0), answered))
        states |= {alarm.state for alarm in found}
    assert states == {"suspended"}


def test_a_day_after_day_equal_to_the_baseline_is_never_suspended(policy: Policy) -> None:
    detection = rules(policy)
    state = detection.begin(certified(np.zeros(60)))
    for _ in range(60):
        state, found = detection.after(state, look(np.zeros(50)))
        assert not found


def test_another_fingerprint_is_a_change_where_there_was_one_and_none_where_there_were_several(policy: Policy) -> None:
    detection = rules(policy, "scores", "fingerprint")
    for before, expected in ((("a",), 1), (("a", "b"), 0), ((), 0)):
        state = detection.begin(certified(np.zeros(60), *before))
        assert len(detection.after(state, look(np.zeros(50), fingerprint="c"))[1]) == expected


def test_all_detectors_together_keep_what_is_stated(policy: Policy) -> None:
    for detectors in (["scores"], ["flips", "length"], ["scores", "flips", "refusal", "fingerprint"]):
        lengths: Mapping[str, float] = run_lengths(policy, Watch.model_validate({"detectors": detectors}))
        assert sum(1 / length for length in lengths.values()) == pytest.approx(1 / 1000)


def test_without_the_answers_of_its_certification_the_margin_is_what_is_watched(policy: Policy) -> None:
    detection = rules(policy)
    state = detection.begin(None)
    for _ in range(20):
        state, found = detection.after(stored(state), look(np.array([-1.0, *np.zeros(49)])))
        assert not found  # within the margin of 5 points
