"""What becomes of a green from day to day."""

from __future__ import annotations

from evalgate.catalog import load_catalog
from tests.conftest import Asked, Sent, failure
from tests.watch.conftest import DAILY, DAY, World


def swap(world: World, name: str = "cheap") -> None:
    """From now on a variant gives two of three answers wrong, under the name that it had."""
    world.wrong[name] = lambda number: number % 3 > 0


def test_a_green_that_stays_as_it_was_is_prolonged(world: World) -> None:
    world.check()
    before = world.entry().valid_until
    outcome = world.watch(days=1)
    assert outcome.red == outcome.suspended == ()
    assert (world.entry().valid_until - before).total_seconds() > 0.9 * DAY
    assert world.entry().state == "green"


def test_a_day_asks_each_side_as_many_cases_as_the_suite_says(world: World) -> None:
    world.check()
    before = world.calls()
    world.watch(days=1)
    assert world.calls() - before == {"full": DAILY, "cheap": DAILY, "other": DAILY}


def test_a_second_call_on_the_same_day_asks_nothing_and_says_so(world: World) -> None:
    world.check()
    world.watch(days=1)
    before = world.calls()
    assert world.watch(days=0.2).asked == 0
    assert world.calls() == before
    assert "asked already" in world.told[-1]


def test_every_day_other_cases_are_asked(world: World) -> None:
    world.check()
    world.server.asked.clear()
    world.watch(days=1)
    first = {asked.prompt for asked in world.server.asked}
    world.server.asked.clear()
    world.watch(days=1)
    assert len(first & {asked.prompt for asked in world.server.asked}) < DAILY / 2


def test_a_swap_withdraws_before_the_day_is_over_and_the_others_stay(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    outcome = world.watch(days=1, certify=False)
    assert (*outcome.suspended, *outcome.red) == ("cheap",)
    assert world.entry().state in ("unknown", "red")
    assert world.entry().withdrawn is not None
    assert world.entry("other").state == "green"


def test_a_swap_that_is_proven_worse_is_red_at_once(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    world.watch(days=1)
    assert world.entry().state == "red"
    assert world.entry().verdict == "red"
    assert world.entry().withdrawn is not None


def test_a_false_alarm_is_made_good_by_the_certification_that_it_ordered(world: World) -> None:
    world.check()
    world.more["cheap"] = {"system_fingerprint": "fp_1"}
    world.watch(days=1)
    world.more["cheap"] = {"system_fingerprint": "fp_2"}  # another server, as good as the one before
    world.watch(days=1)
    kinds = [event.kind for event in world.events() if event.variant == "cheap"]
    assert kinds[-4:] == ["watched", "suspended", "ordered", "recertified"]
    assert world.entry().state == "green"
    assert world.entry().withdrawn is None


def test_whoever_was_proven_worse_comes_back_by_two_certifications_on_fresh_answers(world: World) -> None:
    world.check()
    swap(world)
    world.watch(days=1)
    world.wrong.clear()  # the provider takes it back
    states = [world.entry().state]
    for _ in range(10):
        world.watch(days=1)
        if world.entry().state != states[-1]:
            states.append(world.entry().state)
    assert states == ["red", "unknown", "green"]


def test_a_withdrawn_variant_is_asked_nothing_until_it_is_certified(world: World) -> None:
    world.check()
    swap(world)
    world.watch(days=1)
    before = world.calls()
    world.watch(days=1)
    assert world.calls()["cheap"] == before["cheap"]


def test_checking_what_is_in_the_store_does_not_bring_a_suspended_variant_back(world: World) -> None:
    world.check()
    world.more["cheap"] = {"system_fingerprint": "fp_1"}
    world.watch(days=1)
    world.more["cheap"] = {"system_fingerprint": "fp_2"}
    world.watch(days=1, certify=False)
    assert world.entry().state == "unknown"
    before = world.calls()
    world.check()
    assert world.calls() == before
    assert world.entry().state == "unknown"
    assert world.entry("other").state == "green"


def test_an_outage_of_a_day_is_no_loss_and_prolongs_nothing(world: World) -> None:
    world.check()
    world.watch(days=1)
    before = world.entry()
    world.down = {"cheap"}
    outcome = world.watch(days=1)
    assert set(outcome.down) == {"cheap"}
    assert world.entry() == before
    assert world.entry("other").watched is not None
    assert world.entry("other").valid_until > before.valid_until
    world.down = set()
    world.watch(days=0.1)
    assert world.entry().valid_until > before.valid_until
    assert world.entry().state == "green"


def test_when_the_baseline_is_down_nobody_has_evidence(world: World) -> None:
    world.check()
    world.watch(days=1)
    before = world.document().entries
    world.down = {"full"}
    assert set(world.watch(days=1).down) == {"cheap", "other"}
    assert world.document().entries == before


def test_a_green_that_ran_out_during_a_long_outage_is_certified_anew_and_not_revived(world: World) -> None:
    world.check()
    world.watch(days=1)
    world.down = {"full", "cheap", "other"}
    world.watch(days=9)
    world.down = set()
    world.watch(days=1, certify=False)
    assert world.entry().valid_until < world.time()
    world.watch(certify=True)
    assert world.entry().valid_until > world.time()
    assert world.entry().green_runs == 2


def test_errors_of_the_variant_alone_suspend_and_never_convict(world: World) -> None:
    world.check()
    world.watch(days=1)
    healthy = world.server.behave

    def flaky(asked: Asked) -> Sent:
        number = int(asked.prompt.split()[2].rstrip(":"))
        return failure(500) if asked.body["model"] == "cheap" and number % 2 else healthy(asked)

    world.server.behave = flaky
    outcome = world.watch(days=1, certify=False)
    assert outcome.suspended == ("cheap",)
    assert outcome.red == ()


def test_another_model_under_the_name_is_a_change_at_once(world: World) -> None:
    world.more["cheap"] = {"model": "cheap"}
    world.check()
    world.watch(days=1)
    world.more["cheap"] = {"model": "mistral-7b"}
    assert world.watch(days=1, certify=False).suspended == ("cheap",)
    assert "'mistral7b' now" in world.entry().reason


def test_a_clock_that_was_ahead_neither_skips_a_day_nor_asks_one_twice(world: World) -> None:
    world.check()
    world.watch(days=1)
    world.watch(days=3)  # it was wrong by two days …
    assert world.watch(days=-3).asked == 0  # … and is set right, on the day that was asked already
    asked = [world.watch(days=1).asked > 0 for _ in range(4)]
    assert asked == [True, True, True, True]


def test_a_clock_that_falls_back_by_an_hour_around_midnight_makes_no_second_day(world: World) -> None:
    world.check()
    world.watch(days=0.6)
    world.watch(days=0.4)
    before = world.calls()
    world.at -= world.at % DAY - 60  # one minute past midnight, of the day that was asked
    world.watch()
    world.watch(days=-2 / 24)  # and an hour before, on the day before
    assert world.calls() == before


def test_a_long_watched_certification_is_renewed_before_it_runs_out(world: World) -> None:
    text = world.suite.read_text().replace('"cases_per_day"', '"certify_every": "6d", "cases_per_day"')
    world.suite.write_text(text)
    world.check()
    first = world.entry().certified
    for _ in range(7):
        world.watch(days=1)
        assert world.entry().state == "green"
        assert world.entry().valid_until > world.time()
    assert world.entry().certified != first


def test_what_is_told_is_the_same_whether_told_once_or_twice(world: World) -> None:
    world.check()
    swap(world)
    world.watch(days=1, certify=False)
    seq = world.document().seq
    world.watch(certify=False)
    assert world.document().seq == seq


def test_a_place_that_lost_the_alarm_is_given_it_by_the_next_look(world: World) -> None:
    world.check()
    green = (world.folder / "signal.json").read_bytes()
    swap(world)
    world.watch(days=1, certify=False)
    (world.folder / "signal.json").write_bytes(green)
    world.watch(certify=False)
    assert world.entry().state != "green"


def test_a_variant_that_is_configured_otherwise_is_another_one_and_keeps_its_own_detectors(world: World) -> None:
    world.check()
    world.watch(days=1)
    path = world.folder / "catalog.yaml"
    path.write_text(path.read_text().replace('"served_as": "cheap"', '"served_as": "cheap", "tag": "new"'))
    world.catalog = load_catalog(path)
    world.watch(days=1)
    assert "cheap is not watched: its configuration was changed since it was certified" in "\n".join(world.told)
    world.check()
    for _ in range(3):
        world.watch(days=1)
    begun = [each.config for each in world.events() if each.variant == "cheap" and each.kind == "certified"]
    assert len(begun) == len(set(begun)) == 2


def test_a_suite_that_was_changed_is_not_watched_before_it_is_certified(world: World) -> None:
    world.check()
    world.watch(days=1)
    world.suite.write_text(world.suite.read_text().replace("Colour {{ input }}:", "Colour {{ input }}: "))
    outcome = world.watch(days=1)
    assert outcome.asked == 0
    assert "the suite was changed since" in "\n".join(world.told)


def test_each_further_alarm_makes_the_next_certification_wait_longer(world: World) -> None:
    world.more["cheap"] = {"system_fingerprint": "fp_0"}
    world.check()
    waited = []
    for number in range(1, 4):
        world.more["cheap"] = {"system_fingerprint": f"fp_{number}"}
        world.watch(days=1)
        days = 0
        while world.entry().state != "green":
            world.watch(days=1)
            days += 1
        waited.append(days)
    assert waited[:2] == [0, 7]
    assert waited[2] == 21
