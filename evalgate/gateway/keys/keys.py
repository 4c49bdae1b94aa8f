"""Lets callers in by virtual keys, and keeps their books: in memory, and through the store with all other processes.

The hot path looks up a hash in a dictionary. In the background, every few seconds, new and revoked keys and what others
used are read, and what was used here is written. While the store is away everybody who was known stays known, and what
is booked waits; nobody is turned away because of it, but where no key could be read yet at all (503, not 401).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from evalgate.errors import EvalgateError
from evalgate.gateway.caller import Caller
from evalgate.gateway.keys.account import Account, ends_at, month_of, period_at
from evalgate.gateway.keys.minting import LONGEST, digest
from evalgate.gateway.refusal import Refused
from evalgate.router import TIERS
from evalgate.store.keys import VirtualKey, VirtualKeys
from evalgate.store.spending import MINUTE, Spending, Spent

if TYPE_CHECKING:
    from evalgate.store import Store

log = logging.getLogger("evalgate.keys")
SYNC_SECONDS = 2.0
_FIRST_SECONDS = 2.0  # that a start waits for the store
_TIDY_SECONDS = 600.0
_PICO = Decimal(10) ** 12
_HOW = "expected a virtual key (eg-…) in `authorization: Bearer …` or `x-api-key`"


@dataclass(frozen=True, slots=True)
class _Held:
    key: VirtualKey
    caller: Caller
    account: Account
    picodollars: int | None

    def is_spent(self, now: float) -> bool:
        """Whether all that it may spend in this period is spent."""
        limit = self.picodollars
        return limit is not None and self.account.spent.get(period_at(self.key.period, now), 0) >= limit


class Keys:
    """A doorkeeper. Use as a context manager, or call `start` and `stop`.

    with Keys(store) as keys:
        caller = keys.admit(headers)
        keys.book(caller, dollars, tokens)
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._keys, self._spending, self._clock = VirtualKeys(store), Spending(store), clock
        self._held: dict[str, _Held] = {}  # by digest
        self._accounts: dict[str, Account] = {}  # by name
        self._lock = threading.Lock()  # of the accounts
        self._syncing = threading.Lock()
        self._seen = 0
        self._loaded, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = ""  # why the store is not followed for now
        self._tidied_at = float("-inf")

    def __enter__(self) -> Keys:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """Who calls, and count the call; see `Doorkeeper`. 401, 403 (the money is spent), 429 (too fast), or 503.

        A key whose money is spent gets 403: OpenAI's SDKs try a 429 twice more by themselves, each time for nothing.
        """
        given = _given(headers)
        if not self._loaded.is_set():
            raise Refused(503, "overloaded_error", "the keys cannot be read at the moment; try again", retry_after=2.0)
        if not given:
            raise Refused(401, "authentication_error", f"no key was given; {_HOW}")
        held = self._held.get(digest(given)) if len(given) <= LONGEST else None
        if held is None:
            raise Refused(401, "authentication_error", f"the key that was given is not known; {_HOW}")
        key, now = held.key, self._clock()
        if key.revoked_at is not None:
            raise Refused(401, "authentication_error", f"the key {key.name!r} was revoked")
        if key.expires_at is not None and now >= key.expires_at:
            raise Refused(401, "authentication_error", f"the key {key.name!r} has expired")
        account = held.account
        with self._lock:
            if held.is_spent(now):
                raise Refused(403, "permission_error", _is_spent(key, now))
            wait = account.seconds_to_wait(now, key.requests_per_minute, key.tokens_per_minute)
            if wait:
                raise Refused(429, "rate_limit_error", _is_too_fast(key, wait), retry_after=wait)
            account.book(now, 1, 0, 0)
        return held.caller

    def affords(self, caller: Caller) -> bool:
        """Whether a caller who was let in before may still spend; a key that was revoked or has expired may not."""
        now = self._clock()
        for held in list(self._held.values()):
            key = held.key
            if key.name == caller.id:
                with self._lock:
                    ended = key.revoked_at is not None or (key.expires_at is not None and now >= key.expires_at)
                    if not ended and not held.is_spent(now):
                        return True
        return False

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        """Note what a call used, also one that broke or that its client left. Durable within `SYNC_SECONDS`."""
        account = self._accounts.get(caller.id)
        if account is not None:
            with self._lock:
                account.book(self._clock(), 0, tokens, int(dollars * _PICO))

    def start(self) -> None:
        """Read the keys, and follow the store in a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._follow, name="keys", daemon=True)
        self._thread.start()
        self._loaded.wait(_FIRST_SECONDS)

    def stop(self, patience: float = 5.0) -> None:
        """Write what is not written yet, and end; what the store does not take in `patience` seconds is lost."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)
            self._thread = None

    def sync(self) -> None:
        """Read what is new and write what is new of ours.

        Raises `EvalgateError` (of the store) after trying both: who cannot write can still learn who was revoked.
        """
        failure: EvalgateError | None = None
        with self._syncing:
            try:
                self._read_keys()
                self._read_spending()
                self._loaded.set()
            except EvalgateError as unread:
                failure = unread
            self._write_spending()
        if failure is not None:
            raise failure

    def _read_keys(self) -> None:
        self._seen, changed = self._keys.newer(self._seen)
        for key in changed:
            with self._lock:
                account = self._account(key.name)
            tier = next((each for each in TIERS if each == key.tier), None)
            caller = Caller(key.name, key.operation, tier, "on" if key.capture == "on" else "off")
            limit = None if key.dollars is None else int(key.dollars * _PICO)
            self._held[key.digest] = _Held(key, caller, account, limit)

    def _read_spending(self) -> None:
        for told in self._spending.news(month_of(self._clock())):
            with self._lock:  # for each anew: after a restart they are thousands
                self._account(told.name).hear(told)

    def _write_spending(self) -> None:
        worker, now = self._spending.worker, self._clock()
        rows: list[Spent] = []
        for account in list(self._accounts.values()):
            with self._lock:
                rows += account.take_unsent(worker)
        try:
            self._spending.put(rows)
        except BaseException:
            with self._lock:
                for row in rows:
                    self._accounts[row.name].give_back(row)
            raise
        if time.monotonic() - self._tidied_at > _TIDY_SECONDS:
            self._tidied_at = time.monotonic()
            self._spending.forget_minutes(int(now) - 10 * MINUTE)
            for account in list(self._accounts.values()):
                with self._lock:
                    account.forget(now)

    def _account(self, name: str) -> Account:
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = Account(name)
        return found

    def _follow(self) -> None:
        while True:
            last = self._stopping.is_set()
            try:
                self.sync()
                self.trouble = ""
            except EvalgateError as failure:
                if self.trouble != str(failure):
                    log.warning("keys and spending are not shared for now: %s", failure)
                self.trouble = str(failure)
            if last:
                return
            self._stopping.wait(SYNC_SECONDS)


def _given(headers: Mapping[str, str]) -> str:
    """The key in the headers; empty when there is none."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key", "").strip()


def _is_spent(key: VirtualKey, now: float) -> str:
    ends = ends_at(key.period, now)
    spent = f"the key {key.name!r} has spent its {key.dollars.normalize() if key.dollars else 0:f} USD"
    if ends is None:
        return f"{spent}; it needs another key"
    return f"{spent} of this {key.period}; it is let in again at {ends:%Y-%m-%dT%H:%MZ}"


def _is_too_fast(key: VirtualKey, wait: float) -> str:
    limits = ((key.requests_per_minute, "requests"), (key.tokens_per_minute, "tokens"))
    told = " and ".join(f"{limit:,} {what}" for limit, what in limits if limit is not None)
    return f"the key {key.name!r} may use {told} a minute; try again in {wait:.0f} s"
