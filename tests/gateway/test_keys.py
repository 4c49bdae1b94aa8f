"""Who is let in, at which rate and for how much money, over one process and several, with the store there or away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.errors import InputError, StoreError
from evalgate.gateway.caller import Caller
from evalgate.gateway.keys import Keys, digest, mint
from evalgate.gateway.keys.usage import usages
from evalgate.gateway.refusal import Refused
from evalgate.store import Store, open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from tests.store.conftest import Database, database, postgresql  # noqa: F401  # fixtures

NOON = 1_796_040_000.0  # 2026-11-30 12:00 UTC
SECRET = mint()
KEY = VirtualKey("ci", digest(SECRET), NOON)
BEARER = {"authorization": f"Bearer {SECRET}"}


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "keys.db")) as opened:
        yield opened


Process = Callable[[], Keys]


@pytest.fixture
def process(store: Store, clock: Clock) -> Process:
    """Another gateway process on the store, which has read what is there."""

    def started() -> Keys:
        keys = Keys(store, clock=clock)
        keys.sync()
        return keys

    return started


def refusal(keys: Keys, headers: dict[str, str] = BEARER) -> Refused | None:
    try:
        keys.admit(headers)
    except Refused as refused:
        return refused
    return None


def status(keys: Keys, headers: dict[str, str] = BEARER) -> int:
    refused = refusal(keys, headers)
    return 200 if refused is None else refused.status


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": f"bearer  {SECRET} "},
        {"x-api-key": SECRET},
        {"authorization": "Basic YTpi", "x-api-key": SECRET},
    ],
)
def test_a_key_is_known_by_either_header(store: Store, process: Process, headers: dict[str, str]) -> None:
    VirtualKeys(store).add(replace(KEY, operation="sort", tier="batch", capture="on"))
    assert process().admit(headers) == Caller("ci", "sort", "batch", "on")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": SECRET},
        {"authorization": f"Bearer {SECRET}x"},
        {"authorization": f"Bearer {mint()}", "x-api-key": SECRET},
        {"x-api-key": "x" * 1_000_000},
        {"x-api-key": "\udcff\0é"},
        {"x-api-key": digest(SECRET)},
    ],
)
def test_without_a_known_key_nobody_is_let_in(store: Store, process: Process, headers: dict[str, str]) -> None:
    VirtualKeys(store).add(KEY)
    refused = refusal(process(), headers)
    assert refused is not None
    assert (refused.status, refused.kind) == (401, "authentication_error")


def test_what_is_told_of_a_refusal_has_no_key_in_it(store: Store, process: Process) -> None:
    VirtualKeys(store).add(replace(KEY, revoked_at=NOON))
    wrong = mint()
    for headers in (BEARER, {"x-api-key": wrong}):
        refused = refusal(process(), headers)
        assert refused is not None
        assert SECRET not in refused.message
        assert wrong not in refused.message


def test_the_store_has_a_hash_and_never_the_key(store: Store, tmp_path: Path, process: Process) -> None:
    VirtualKeys(store).add(KEY)
    keys = process()
    keys.admit(BEARER)
    keys.sync()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert KEY.digest.encode() in written
    assert SECRET.encode() not in written


def test_a_key_that_was_revoked_or_has_expired_lets_in_no_more(store: Store, process: Process, clock: Clock) -> None:
    VirtualKeys(store).add(replace(KEY, expires_at=NOON + 60))
    keys = process()
    assert status(keys) == 200
    clock.now += 60
    assert status(keys) == 401
    clock.now -= 60
    assert status(keys) == 200
    VirtualKeys(store).revoke("ci", NOON)
    keys.sync()
    assert status(keys) == 401
    assert status(process()) == 401


def test_a_name_is_never_given_twice(store: Store) -> None:
    keys = VirtualKeys(store)
    keys.add(KEY)
    with pytest.raises(InputError, match="in use"):
        keys.add(replace(KEY, digest=digest(mint())))
    keys.revoke("ci", NOON)
    with pytest.raises(InputError, match="was revoked"):
        keys.add(replace(KEY, digest=digest(mint())))


def test_too_many_requests_wait_as_long_as_they_are_told(store: Store, process: Process, clock: Clock) -> None:
    VirtualKeys(store).add(replace(KEY, requests_per_minute=10))
    keys = process()
    clock.now += 20
    assert [status(keys) for _ in range(12)] == [200] * 10 + [429] * 2
    refused = refusal(keys)
    assert refused is not None
    assert refused.retry_after is not None
    clock.now += refused.retry_after - 2
    assert status(keys) == 429
    clock.now += 2
    assert status(keys) == 200


def test_at_the_turn_of_a_minute_nobody_gets_twice_the_limit(store: Store, process: Process, clock: Clock) -> None:
    VirtualKeys(store).add(replace(KEY, requests_per_minute=60))
    keys = process()
    clock.now += 59
    assert sum(status(keys) == 200 for _ in range(100)) == 60
    clock.now += 2
    assert sum(status(keys) == 200 for _ in range(100)) <= 2


def test_tokens_limit_the_rate_once_they_are_booked(store: Store, process: Process) -> None:
    VirtualKeys(store).add(replace(KEY, tokens_per_minute=1000))
    keys = process()
    caller = keys.admit(BEARER)
    keys.book(caller, Decimal(0), 999)
    assert status(keys) == 200
    keys.book(caller, Decimal(0), 1)
    assert status(keys) == 429


@pytest.mark.parametrize(("period", "then"), [("month", 200), ("total", 403)])
def test_who_starts_anew_knows_what_still_limits_a_key(
    store: Store, process: Process, clock: Clock, period: str, then: int
) -> None:
    VirtualKeys(store).add(replace(KEY, dollars=Decimal("0.30"), period=period))
    before = process()
    before.book(before.admit(BEARER), Decimal("0.30"), 1)
    before.sync()
    assert status(process()) == 403
    clock.now += 40 * 86_400
    assert status(process()) == then


@pytest.mark.parametrize(
    ("period", "later", "then"),
    [("day", 12 * 3600, 200), ("month", 12 * 3600, 200), ("day", 11 * 3600, 403), ("total", 400 * 86_400, 403)],
)
def test_who_has_spent_the_money_waits_for_the_next_period(
    store: Store, process: Process, clock: Clock, period: str, later: int, then: int
) -> None:
    VirtualKeys(store).add(replace(KEY, dollars=Decimal("0.30"), period=period))
    keys = process()
    caller = keys.admit(BEARER)
    for _ in range(2):
        keys.book(caller, Decimal("0.149999999999"), 10)
    assert status(keys) == 200
    keys.book(caller, Decimal("0.000000000002"), 1)
    refused = refusal(keys)
    assert refused is not None
    assert (refused.status, refused.kind) == (403, "permission_error")
    assert "0.3 USD" in refused.message
    clock.now += later
    assert status(keys) == then


def test_processes_share_what_was_spent_and_at_which_rate(store: Store, process: Process) -> None:
    VirtualKeys(store).add(replace(KEY, requests_per_minute=10, dollars=Decimal(1), period="day"))
    one, other = process(), process()
    for _ in range(6):
        one.book(one.admit(BEARER), Decimal("0.10"), 5)
    one.sync()
    other.sync()
    assert [status(other) for _ in range(5)] == [200] * 4 + [429]
    other.book(Caller("ci"), Decimal("0.40"), 5)
    other.sync()
    one.sync()
    assert status(one) == 403


def test_what_was_spent_outlives_the_process(store: Store, process: Process) -> None:
    VirtualKeys(store).add(replace(KEY, dollars=Decimal(1), period="total"))
    with process() as keys:
        keys.book(keys.admit(BEARER), Decimal(1), 7)
    assert status(process()) == 403
    (usage,) = usages(store, NOON)
    assert (usage.today.requests, usage.month.tokens, usage.total.dollars) == (1, 7, Decimal(1))


def test_while_the_store_is_away_keys_work_and_books_are_kept(
    store: Store, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    VirtualKeys(store).add(KEY)
    keys = process()

    def away(*_: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", away)
        patch.setattr(store, "read", away)
        for _ in range(3):
            keys.book(keys.admit(BEARER), Decimal("0.25"), 1)
            with pytest.raises(StoreError):
                keys.sync()
        unread = Keys(store)
        with pytest.raises(StoreError):
            unread.sync()
        refused = refusal(unread)
        assert refused is not None
        assert (refused.status, refused.retry_after) == (503, 2.0)
    keys.sync()
    unread.sync()
    assert status(unread) == 200
    assert usages(store, NOON)[0].total.dollars == Decimal("0.75")


def test_who_cannot_write_still_learns_who_was_revoked(
    store: Store, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    VirtualKeys(store).add(KEY)
    keys = process()
    keys.admit(BEARER)
    VirtualKeys(store).revoke("ci", NOON)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(StoreError):
        keys.sync()
    assert status(keys) == 401


def test_booking_twice_what_was_not_known_to_be_written_counts_once(store: Store, process: Process) -> None:
    VirtualKeys(store).add(KEY)
    keys = process()
    keys.book(keys.admit(BEARER), Decimal("0.5"), 1)
    account = keys._accounts["ci"]
    rows = account.take_unsent(keys._spending.worker)
    keys._spending.put(rows)  # committed, but the answer of the server was lost
    for row in rows:
        account.give_back(row)
    keys.sync()
    assert usages(store, NOON)[0].total.dollars == Decimal("0.5")


def test_books_of_nobody_are_not_kept(store: Store, process: Process) -> None:
    keys = process()
    keys.book(Caller(), Decimal(1), 1)
    keys.sync()
    assert usages(store, NOON) == []


def test_the_same_on_either_database(database: Database, clock: Clock) -> None:  # noqa: F811
    with open_store(database.name) as store:
        VirtualKeys(store).add(replace(KEY, dollars=Decimal(9000000), period="month", requests_per_minute=10**12))
        one, other = Keys(store, clock=clock), Keys(store, clock=clock)
        one.sync()
        other.sync()
        one.book(one.admit(BEARER), Decimal("8999999.999999999999"), 10**9)
        one.sync()
        other.sync()
        assert status(other) == 200
        other.book(Caller("ci"), Decimal("0.000000000001"), 0)
        other.sync()
        one.sync()
        assert status(one) == 403
        assert VirtualKeys(store).revoke("nobody", NOON) is None
        revoked = VirtualKeys(store).revoke("ci", NOON)
        assert VirtualKeys(store).all() == [revoked] == [VirtualKeys(store).revoke("ci", NOON + 1)]
        assert usages(store, NOON)[0].counted.dollars == 9_000_000


def test_started_it_follows_the_store_by_itself(store: Store) -> None:
    VirtualKeys(store).add(KEY)
    with Keys(store) as keys:
        assert keys.admit(BEARER).id == "ci"
    assert usages(store, NOON)[0].total.requests == 1
