"""First tokens, asked of a provider on loopback: what they find, what they cost, and what becomes of odd endpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalgate.plan.watching import PROMPTS, OneToken
from evalgate.watch import first_tokens
from tests.conftest import Asked, Loopback, Sent, completion, failure
from tests.watch.conftest import DAILY, World, world_in

SEARCHED = 40
BY_TOKEN = OneToken(tries=1, reference=12, turns=5)
BY_LOGPROB = OneToken(tries=1, reference=22, turns=3)


def share(*of: object) -> float:
    """A number in [0, 1) that is the same for the same thing."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:6], "big") / 2**48


@dataclass
class Model:
    """What answers one-token calls; `mix`: the share that other weights answer, which turn `changed` of the prompts."""

    world: World
    mix: float = 0.0
    changed: float = 0.4
    logprobs: bool = False
    refuses: bool = False
    shift: float = 0.0
    asked: int = 0
    cases: Callable[[Asked], Sent] = field(init=False)

    def __post_init__(self) -> None:
        self.cases, self.world.server.behave = self.world.server.behave, self.answer

    def answer(self, asked: Asked) -> Sent:
        if asked.body.get("max_tokens") != 1:
            return self.cases(asked)
        self.asked += 1
        if self.refuses:
            return failure(400, "max_tokens: at least 16")
        if "logprobs" in asked.body and not self.logprobs:
            return failure(400, "logprobs are not supported")
        other = share("who", asked.prompt, asked.nth) < self.mix and share("turns", asked.prompt) < self.changed
        token = f"{'other' if other else 'usual'} {len(asked.prompt)}"
        if not self.logprobs:
            return completion(token)
        best = -share("logprob", asked.prompt) - 0.1 - 0.01 * share(asked.prompt, asked.nth) - self.shift
        top = {token: best, "second": best - share("gap", asked.prompt)}
        logprobs = {"tokens": [token], "token_logprobs": [best], "top_logprobs": [top]}
        choice = {"text": token, "finish_reason": "length", "logprobs": logprobs}
        return completion(token, choices=[choice])


@pytest.fixture
def model(tmp_path: Path, server: Loopback, quick: None, monkeypatch: pytest.MonkeyPatch) -> Model:
    """`cheap` alone is watched, by scores and first tokens; a watch begins with fewer calls than in earnest."""
    monkeypatch.setattr(first_tokens, "SEARCHED", SEARCHED)
    monkeypatch.setattr(first_tokens, "BY_TOKEN", BY_TOKEN)
    monkeypatch.setattr(first_tokens, "BY_LOGPROB", BY_LOGPROB)
    watched = {"cases_per_day": DAILY, "detectors": ["scores", "first_tokens"]}
    model = Model(world_in(tmp_path, server, watch=watched))
    model.world.check("cheap")
    return model


def begun(model: Model) -> World:
    """A day on which the reference was asked, and a quiet one."""
    for _ in range(2):
        outcome = model.world.watch(days=1)
        assert outcome.suspended == ()
    return model.world


def test_a_watch_begins_with_a_reference_and_asks_a_few_tokens_a_day_from_then_on(model: Model) -> None:
    model.world.watch(days=1)
    assert model.asked == 1 + SEARCHED * BY_TOKEN.tries + PROMPTS * BY_TOKEN.reference
    model.asked = 0
    outcome = model.world.watch(days=1)
    assert model.asked == PROMPTS * BY_TOKEN.turns
    assert outcome.asked == 2 * DAILY + model.asked


def test_other_weights_without_any_loss_suspend_on_their_first_day(model: Model) -> None:
    world = begun(model)
    model.mix = 1.0
    assert world.watch(days=1, certify=False).suspended == ("cheap",)
    assert "first tokens are not as before, changed as a whole" in world.entry().reason
    assert world.entry().state == "unknown"


def test_the_certification_that_an_alarm_orders_begins_a_new_reference(model: Model) -> None:
    world = begun(model)
    model.mix = 1.0
    world.watch(days=1)
    assert world.entry().state == "green"
    for _ in range(3):
        assert world.watch(days=1).suspended == ()


def test_replicas_that_differ_are_named_unstable(model: Model) -> None:
    world = begun(model)
    model.mix = 0.5
    assert world.watch(days=1, certify=False).suspended == ("cheap",)
    assert "unstable: old and new answers side by side" in world.entry().reason


def test_who_never_agreed_with_itself_is_not_watched_so_and_stays_green(model: Model) -> None:
    model.mix, model.changed = 0.5, 1.0
    world = begun(model)
    assert "first tokens are not watched: unstable" in "\n".join(world.told)
    model.asked = 0
    world.watch(days=1)
    assert model.asked == 0
    assert world.entry().state == "green"


def test_an_endpoint_that_refuses_one_token_stays_green_and_is_asked_no_more_after_some_days(model: Model) -> None:
    model.refuses = True
    for _ in range(first_tokens.PATIENCE + 1):
        model.asked = 0
        model.world.watch(days=1)
    assert model.asked == 0
    assert model.world.entry().state == "green"
    assert [event.kind for event in model.world.events()].count("noted") == first_tokens.PATIENCE


def test_where_log_probabilities_are_told_a_shift_is_seen_that_turns_no_token(model: Model) -> None:
    model.logprobs = True
    world = begun(model)
    model.asked, model.shift = 0, 0.05
    assert world.watch(days=1, certify=False).suspended == ("cheap",)
    assert model.asked == PROMPTS * (BY_LOGPROB.turns + first_tokens.BURST)


def test_a_look_that_is_repeated_asks_nothing_twice_and_finds_the_same(model: Model) -> None:
    world = begun(model)
    model.mix = 1.0
    world.down.add("full")  # so that the day is asked again
    world.watch(days=1, certify=False)
    world.down.clear()
    assert world.watch(certify=False).suspended == ("cheap",)
    model.asked = 0
    assert world.watch(certify=False).asked == model.asked == 0


def test_a_budget_that_does_not_reach_for_the_reference_goes_on_with_it_the_next_day(model: Model) -> None:
    world = model.world
    world.suite.write_text(world.suite.read_text().replace('"gate":', '"budget": {"calls": 200}, "gate":'))
    for _ in range(4):
        world.watch(days=1)
    assert model.asked == 1 + SEARCHED * BY_TOKEN.tries + PROMPTS * (BY_TOKEN.reference + BY_TOKEN.turns)
    assert "the budget of 200 calls is spent" in "\n".join(world.told)
    assert world.entry().state == "green"
