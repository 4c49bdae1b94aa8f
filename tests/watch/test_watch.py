"""What becomes of a green from day to day."""

from __future__ import annotations

from tests.watch.conftest import DAY, World


def test_a_green_that_stays_as_it_was_is_prolonged(world: World) -> None:
    world.check()
    before = world.entry().valid_until
    outcome = world.watch(days=1)
    assert outcome.red == outcome.suspended == ()
    assert (world.entry().valid_until - before).total_seconds() > 0.9 * DAY
    assert world.entry().state == "green"
