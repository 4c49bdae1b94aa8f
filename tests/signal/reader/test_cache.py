"""What outlives the process: after any restart the reader knows what it knew, and never less."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from evalgate.errors import SignalError
from evalgate.formats.canonical import digest
from evalgate.signal.envelope import Keyring, SigningKey
from evalgate.signal.reader import cache as cache_module
from tests.signal.reader.documents import KEY, NOW, Hands, chain, document, entry, signed
from tests.signal.reader.test_rules import holder, names, refusal

FIRST, SECOND, THIRD = chain([entry("first")], [entry("second")], [entry("third")])


def test_a_restarted_reader_has_the_last_good_document_although_it_has_expired_meanwhile(tmp_path: Path) -> None:
    hands = Hands()
    holder(hands, tmp_path).offer(signed(FIRST))
    hands.pass_by(3600)
    restarted = holder(hands, tmp_path)
    assert names(restarted) == ["first"]
    assert restarted.health().stale


def test_a_restarted_reader_refuses_what_it_refused_before(tmp_path: Path) -> None:
    before = holder(cache=tmp_path)
    before.offer(signed(FIRST))
    before.offer(signed(SECOND))
    restarted = holder(cache=tmp_path)
    assert "rolled back" in refusal(restarted, signed(FIRST))
    assert "two different" in refusal(restarted, signed(document(2, entry("fork"), prev=digest(FIRST))))
    assert "does not follow" in refusal(restarted, signed(document(3, prev=digest(FIRST + b" "))))
    assert restarted.offer(signed(THIRD))


def test_an_older_document_put_into_the_cache_is_not_used(tmp_path: Path) -> None:
    before = holder(cache=tmp_path)
    before.offer(signed(FIRST))
    before.offer(signed(SECOND))
    (tmp_path / "last-good.json").write_bytes(signed(FIRST))
    restarted = holder(cache=tmp_path)
    assert names(restarted) == []
    assert "seq 1 of 'acme/prod', but last seen was seq 2" in str(restarted.health().refused)


def test_a_cached_document_whose_key_was_withdrawn_is_not_used(tmp_path: Path) -> None:
    holder(cache=tmp_path).offer(signed(FIRST))
    restarted = holder(cache=tmp_path, keyring=Keyring.of([SigningKey.generate().public]))
    assert names(restarted) == []


@pytest.mark.parametrize("name", ["seen", "last-good.json"])
@pytest.mark.parametrize("content", [b"", b"\0" * 8192, b"x", b"{}" * 9000])
def test_a_damaged_cache_makes_nothing_eligible_and_is_mended_by_the_next_document(
    tmp_path: Path, name: str, content: bytes
) -> None:
    holder(cache=tmp_path).offer(signed(FIRST))
    (tmp_path / name).write_bytes(content)
    restarted = holder(cache=tmp_path)
    assert names(restarted) == []
    restarted.offer(signed(SECOND))
    assert names(holder(cache=tmp_path)) == ["second"]


@pytest.mark.parametrize("cut", [0, 1, 100, 200])
def test_a_write_that_is_cut_off_forgets_no_more_than_itself(tmp_path: Path, cut: int) -> None:
    held = holder(cache=tmp_path)
    held.offer(signed(FIRST))
    before = (tmp_path / "seen").read_bytes()
    held.offer(signed(SECOND))
    after = (tmp_path / "seen").read_bytes()
    slot = next(at for at in (0, 4096) if before[at : at + 4096] != after[at : at + 4096])
    torn = before[:slot] + after[slot : slot + cut] + before[slot + cut :]
    (tmp_path / "seen").write_bytes(torn)
    restarted = holder(cache=tmp_path)
    assert names(restarted) == []  # the document is newer than what is known to have been seen
    assert restarted.offer(signed(SECOND))


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_a_withdrawal_counts_and_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = holder(cache=tmp_path)
    held.offer(signed(FIRST))
    monkeypatch.setattr(cache_module, "write_atomically", no_space)
    red = signed(document(2, entry(state="red"), prev=digest(FIRST)))
    assert held.offer(red)
    assert names(held) == []
    assert "No space left" in str(held.health().cache)
    restarted = holder(cache=tmp_path)
    assert names(restarted) == []
    assert "rolled back" in refusal(restarted, signed(FIRST))


def test_a_cache_that_cannot_be_written_does_not_stop_the_reader(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    held = holder(cache=tmp_path / "file" / "folder")
    assert held.offer(signed(FIRST))
    assert names(held) == ["first"]
    assert "cannot be" in str(held.health().problem)


def test_processes_that_share_a_cache_do_not_go_back_behind_each_other(tmp_path: Path) -> None:
    one, other = holder(cache=tmp_path), holder(cache=tmp_path)
    one.offer(signed(FIRST))
    one.offer(signed(SECOND))
    with pytest.raises(SignalError, match="another process has seen seq 2"):
        other.offer(signed(FIRST))
    assert names(holder(cache=tmp_path)) == ["second"]
    assert other.offer(signed(SECOND))


def test_time_that_passed_while_the_reader_was_down_is_known_within_one_boot(tmp_path: Path) -> None:
    hands = Hands()
    holder(hands, tmp_path).offer(signed(document(1, entry(valid_until=NOW + 3600))))
    hands.pass_by(7200)
    hands.wall -= 86_400
    restarted = holder(hands, tmp_path)
    assert names(restarted) == []
    assert restarted.health().clock_wrong


def test_after_the_machine_was_started_anew_it_is_no_earlier_than_it_was(tmp_path: Path) -> None:
    hands = Hands()
    held = holder(hands, tmp_path)
    held.offer(signed(document(1, entry("a", valid_until=NOW + 3600), entry("b", valid_until=NOW + 86_400))))
    hands.pass_by(7200)
    held.tick()
    hands.wall, hands.steady, hands.boot = NOW + 60, 5.0, "boot-2"
    assert names(holder(hands, tmp_path)) == ["b"]


def test_what_expired_while_the_machine_was_off_is_not_believed_by_the_time_it_was_switched_off(tmp_path: Path) -> None:
    hands = Hands()
    holder(hands, tmp_path).offer(signed(FIRST))
    hands.wall, hands.steady, hands.boot = NOW + 86_400, 5.0, "boot-2"
    assert "expired" in refusal(holder(hands, tmp_path), signed(SECOND))


def test_a_cache_of_another_stream_is_left_alone(tmp_path: Path) -> None:
    holder(cache=tmp_path).offer(signed(FIRST))
    restarted = holder(cache=tmp_path)
    assert "expected 'acme/prod'" in refusal(restarted, signed(document(9, stream="other", prev=digest(b""))))
    assert names(holder(cache=tmp_path)) == ["first"]


def test_the_key_of_the_cache_is_the_publishers_not_the_writers(tmp_path: Path) -> None:
    holder(cache=tmp_path).offer(signed(FIRST))
    (tmp_path / "last-good.json").write_bytes(signed(FIRST, SigningKey.generate()))
    assert names(holder(cache=tmp_path)) == []
    (tmp_path / "last-good.json").write_bytes(signed(FIRST, KEY))
    assert names(holder(cache=tmp_path)) == ["first"]
