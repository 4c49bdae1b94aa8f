"""A batch brings every answer at its discount, whatever becomes of single questions and of the calls on the way."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.collect import Budget, BudgetSpentError, batch_fetch, batching
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import Question, Request
from evalgate.providers import anthropic_batch, openai_batch
from evalgate.store import Store, batches
from tests.collect.batching import BOTH, KEY, PRICE_OF_ONE, Batched, collect, collecting, hasty, keyed, server, texts
from tests.conftest import catalog, questions, variant
from tests.providers.batch_server import Asked, BatchServer, Call, Fault, Lines, Not, Outcome, Status, chats

__all__ = ["hasty", "server"]  # fixtures


@pytest.mark.parametrize("protocol", ["openai", "azure", "anthropic"])
def test_a_batch_brings_all_answers_at_half_the_price_and_is_forgotten(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint = server.endpoint(tmp_path, protocol, api_key_env="KEY")
    server.key = KEY
    budget = Budget(Decimal(1))
    batched = collect(store, endpoint, chats(30), budget=budget)
    assert batched.texts == texts(30)
    assert sorted(batched.told) == sorted((text, False) for text in texts(30))
    assert server.sizes == [30]
    assert budget.spent == PRICE_OF_ONE * 30
    assert batches.open_batches(store) == []
    found = store.find([key for key, _ in keyed(endpoint, chats(30))])
    assert [found[key] for key, _ in keyed(endpoint, chats(30))] == batched.answers
    rows = sqlite3.connect(store.name).execute("SELECT DISTINCT picodollars, latency_ms FROM answers").fetchall()
    assert rows == [(int(PRICE_OF_ONE * 10**12), 0.0)]
    assert {answer.details["batch"] for answer in batched.answers} == set(server.batches)
    assert batched.claims == 0


def test_what_is_known_is_not_asked_and_costs_nothing(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, chats(5))
    batched = collect(store, endpoint, chats(8))
    assert batched.texts == texts(8)
    assert sorted(known for _, known in batched.told) == [False] * 3 + [True] * 5
    assert server.sizes == [5, 3]


def test_plain_prompts_and_messages_go_in_batches_of_their_own(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    mixed = [*questions(3), *chats(2, first=3)]
    assert collect(store, server.endpoint(tmp_path), mixed).texts == texts(5)
    assert sorted((batch.endpoint, len(batch.requests)) for batch in server.batches.values()) == [
        ("/v1/chat/completions", 2),
        ("/v1/completions", 3),
    ]


def test_the_same_question_twice_is_asked_once(server: BatchServer, store: Store, tmp_path: Path) -> None:
    twice = [chats(1)[0], Question("other", chats(1)[0].request)]
    assert collect(store, server.endpoint(tmp_path), twice).texts == ["answer to q0"] * 2
    assert server.sizes == [1]


def test_answers_of_a_batch_count_as_given_when_it_was_handed_in(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    clock = iter(range(1000, 2000))
    old = collect(store, endpoint, chats(1), now=lambda: float(next(clock)))
    (answer,) = old.answers
    assert 1000 <= answer.answered_at < 1005
    server.behave = lambda asked: f"new answer to {asked.prompt}"
    assert collect(store, endpoint, chats(1), now=lambda: 2000.0, since=1000.0).texts == ["answer to q0"]
    assert collect(store, endpoint, chats(1), now=lambda: 2000.0, since=1900.0).texts == ["new answer to q0"]
    assert collect(store, endpoint, chats(1), now=lambda: 3000.0).texts == ["new answer to q0"]
    assert server.sizes == [1, 1]


@BOTH
def test_what_expired_or_met_a_server_error_is_handed_in_again_and_nothing_else_is(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    troubles: dict[str, Outcome] = {"q1": Not("expired"), "q3": Status(500), "q5": Status(429), "q7": Not("missing")}
    server.behave = lambda asked: (
        troubles[asked.prompt] if asked.prompt in troubles and asked.nth == 1 else f"answer to {asked.prompt}"
    )
    assert collect(store, server.endpoint(tmp_path, protocol, retries=1), chats(10)).texts == texts(10)
    assert server.sizes == [10, 4]
    assert {prompt for prompt, times in server.paid.items() if times > 1} <= {"q7"}  # it was never told that it is paid


@BOTH
def test_what_never_gets_an_answer_is_an_error_that_is_not_kept(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    endpoint = server.endpoint(tmp_path, protocol)
    server.behave = lambda asked: Status(500, "broken") if asked.prompt == "q1" else f"answer to {asked.prompt}"
    batched = collect(store, endpoint, chats(3), resubmissions=2)
    assert batched.texts == ["answer to q0", "", "answer to q2"]
    assert (batched.answers[1].finish_reason, batched.answers[1].error) == ("error", "HTTP 500: broken (3 batches)")
    assert server.sizes == [3, 1, 1]
    assert len(store.find([key for key, _ in keyed(endpoint, chats(3))])) == 2
    assert batched.claims == 0


@BOTH
def test_a_refused_question_is_an_answer_that_is_kept(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    server.behave = lambda asked: Status(400, "unsafe") if asked.prompt == "q1" else f"answer to {asked.prompt}"
    for _ in range(2):
        answer = collect(store, server.endpoint(tmp_path, protocol), chats(3)).answers[1]
        assert (answer.finish_reason, answer.error) == ("refused", "HTTP 400: unsafe")
    assert server.sizes == [3]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 503])
def test_a_status_that_says_nothing_of_the_model_is_no_refusal(
    server: BatchServer, store: Store, tmp_path: Path, status: int
) -> None:
    server.behave = lambda asked: Status(status) if asked.prompt == "q1" else f"answer to {asked.prompt}"
    batched = collect(store, server.endpoint(tmp_path), chats(3), resubmissions=0)
    assert [answer.finish_reason for answer in batched.answers] == ["stop", "error", "stop"]


def test_lines_that_cannot_be_read_or_belong_to_nobody_cost_no_other_answer(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    def line(key: object, text: str) -> bytes:
        body = f'{{"choices": [{{"message": {{"content": "{text}"}}, "finish_reason": "stop"}}]}}'
        return f'{{"custom_id": {key}, "response": {{"status_code": 200, "body": {body}}}, "error": null}}'.encode()

    def behave(asked: Asked) -> Outcome:
        key = f'"{asked.custom_id}"'
        odd: dict[str, list[bytes]] = {
            "q1": [b"{not json", b"", b"[]", b"null", b'"q"', line(7, "a number"), line("null", "nobody")],
            "q2": [line('"0123456789abcdef0123456789abcdef"', "a stranger"), line(key, "mine")],
            "q3": [line(key, "first"), line(key, "second")],
            "q4": [line(key, "x" * 9_000_000)],
            "q5": [f'{{"custom_id": {key}, "response": {{"status_code": 200, "body": {{}}}}}}'.encode()],
            "q6": [f'{{"custom_id": {key}}}'.encode(), f'{{"custom_id": {key}, "response": 5, "error": 6}}'.encode()],
            "q7": [line(key, "[" * 2000 + "]" * 2000), b'{"a":' * 3000 + b"1" + b"}" * 3000],
            "q8": [b"\xff\xfe\x00 no text at all", line(key, "after all")],
        }
        return Lines(odd[asked.prompt]) if asked.prompt in odd and asked.nth == 1 else f"answer to {asked.prompt}"

    server.behave = behave
    batched = collect(store, server.endpoint(tmp_path, retries=0), chats(10))
    assert batched.texts[2:4] == ["mine", "first"]
    assert batched.texts[7:9] == ["[" * 2000 + "]" * 2000, "after all"]
    assert [batched.texts[n] for n in (0, 1, 4, 5, 6, 9)] == [f"answer to q{n}" for n in (0, 1, 4, 5, 6, 9)]
    assert server.sizes == [10, 4]


@BOTH
@pytest.mark.parametrize("only", [100, 20_000])
def test_a_download_that_breaks_off_is_begun_again_and_nothing_is_bought_twice(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str, only: int
) -> None:
    server.fault = lambda call: Fault(only=only) if call.kind == "content" and call.nth < 3 else None
    batched = collect(store, server.endpoint(tmp_path, protocol), chats(200))
    assert batched.texts == texts(200)
    assert len(batched.told) == 200
    assert set(server.paid.values()) == {1}


def test_results_that_are_fewer_than_promised_are_read_again_before_anything_is_asked_again(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    whole: dict[str, bytes] = {}

    def fault(call: Call) -> None:  # a proxy that cuts a file off at the end of a line, and says nothing of it
        name = f"out-{next(iter(server.batches), '')}"
        if call.kind == "content" and name in server.files:
            whole.setdefault(name, server.files[name])
            lines = whole[name].splitlines(keepends=True)
            server.files[name] = b"".join(lines if call.nth > 2 else lines[:4])

    server.fault = fault  # type: ignore[assignment]
    assert collect(store, server.endpoint(tmp_path), chats(10)).texts == texts(10)
    assert server.count("content", "GET") == 3
    assert server.sizes == [10]


@BOTH
def test_calls_that_fail_are_tried_again(server: BatchServer, store: Store, tmp_path: Path, protocol: str) -> None:
    def fault(call: Call) -> Fault | None:
        wanted = {"batch": 500, "content": 503, "file": 500, "files": 500, "batches": 429}
        return Fault(status=wanted[call.kind]) if call.kind in wanted and call.nth <= 2 else None

    server.fault = fault
    assert collect(store, server.endpoint(tmp_path, protocol), chats(10)).texts == texts(10)
    assert set(server.paid.values()) == {1}


@pytest.mark.usefixtures("quick")
def test_a_provider_that_goes_on_failing_ends_the_run_and_the_next_one_fetches(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path, retries=2)
    server.fault = lambda call: Fault(status=500) if call.kind == "batch" else None
    with pytest.raises(ProviderError, match=r"fails: HTTP 500: ordered \(3 attempts\); what was handed in is kept"):
        collect(store, endpoint, chats(10))
    server.fault = lambda call: None
    batched = collect(store, endpoint, chats(10))
    assert batched.texts == texts(10)
    assert all(known for _, known in batched.told)
    assert server.sizes == [10]


@pytest.mark.usefixtures("quick")
def test_a_provider_that_is_not_there_is_told_and_leaves_nothing_open(store: Store, tmp_path: Path) -> None:
    house = catalog(tmp_path, variant(batch_discount=0.5), base_url="http://127.0.0.1:1/v1", retries=1)
    with pytest.raises(ProviderError, match="cannot be reached: no connection"):
        collect(store, house.endpoints("toy")["full"], chats(3))
    assert batches.open_batches(store) == []


@BOTH
def test_a_rejected_key_ends_the_run(server: BatchServer, store: Store, tmp_path: Path, protocol: str) -> None:
    server.key = "another"
    with pytest.raises(ProviderError, match=r"rejects the key \(HTTP 401\); check KEY"):
        collect(store, server.endpoint(tmp_path, protocol, api_key_env="KEY"), chats(3))
    assert batches.open_batches(store) == []


def test_a_batch_that_is_turned_down_ends_the_run(server: BatchServer, store: Store, tmp_path: Path) -> None:
    server.fault = lambda call: Fault(status=400) if call.kind == "batches" else None
    with pytest.raises(ProviderError, match=r"takes no batch \(HTTP 400\): ordered"):
        collect(store, server.endpoint(tmp_path), chats(3))
    assert batches.open_batches(store) == []


def test_a_batch_that_fails_its_validation_again_and_again_says_nothing_of_the_model(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    server.most = 2
    with pytest.raises(
        ProviderError, match=r"does nothing for 'full': too_many_tasks: The batch has too many requests"
    ):
        collect(store, server.endpoint(tmp_path), chats(3))
    assert server.sizes == [3, 3, 3]
    assert batches.open_batches(store) == []


def test_a_provider_that_answers_nothing_is_not_a_bad_model(server: BatchServer, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: Status(500, "down")
    with pytest.raises(ProviderError, match=r"does nothing for 'full': HTTP 500: down"):
        collect(store, server.endpoint(tmp_path), chats(20))
    assert collect(store, server.endpoint(tmp_path), chats(19)).answers[0].finish_reason == "error"


@BOTH
def test_more_than_one_batch_bears_is_split(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (openai_batch, anthropic_batch):
        monkeypatch.setattr(module, "MOST_QUESTIONS", 40)
    assert collect(store, server.endpoint(tmp_path, protocol), chats(100)).texts == texts(100)
    assert server.sizes == [40, 40, 20]
    for module in (openai_batch, anthropic_batch):
        monkeypatch.setattr(module, "MOST_BYTES", 1000)
    assert collect(store, server.endpoint(tmp_path, protocol), chats(30, first=100)).texts[-1] == "answer to q129"
    small = list(server.batches.values())[3:]
    assert len(small) > 3
    assert all(sum(len(str(body)) for _, body in batch.requests) < 1000 for batch in small)


def test_no_batch_is_so_large_that_writing_it_down_keeps_others_waiting(
    server: BatchServer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST", 8)
    assert collect(store, server.endpoint(tmp_path), chats(20)).texts == texts(20)
    assert server.sizes == [8, 8, 4]


@BOTH
def test_a_question_that_no_batch_bears_is_found_before_anything_is_paid(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (openai_batch, anthropic_batch):
        monkeypatch.setattr(module, "MOST_BYTES", 600)
    large = Question("c9", Request(chats(1)[0].request.prompt, {"max_tokens": 5, "stop": ["x" * 600]}))
    with pytest.raises(InputError, match=r"case 'c9': its request has [\d,]+ bytes"):
        collect(store, server.endpoint(tmp_path, protocol), [*chats(20), large])
    assert server.sizes == []


def test_where_too_much_is_waiting_smaller_batches_are_handed_in_until_all_is_answered(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    server.most_waiting, budget = 30, Budget(calls=100)
    assert collect(store, server.endpoint(tmp_path), chats(100), resubmissions=0, budget=budget).texts == texts(100)
    assert set(server.paid.values()) == {1}
    assert [len(batch.requests) for batch in server.batches.values() if not batch.errors] == [25] * 4


def test_where_others_fill_the_queue_for_good_the_run_ends_and_no_answer_is_made_up(
    server: BatchServer, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, chats(2))
    server.most_waiting = 0
    with pytest.raises(ProviderError, match=r"does nothing for 'full': token_limit_exceeded: Enqueued token limit"):
        collect(store, endpoint, chats(10))
    server.most_waiting = 1
    assert collect(store, endpoint, chats(10), resubmissions=0).texts == texts(10)
    assert batches.open_batches(store) == []


def test_a_budget_of_calls_limits_what_is_handed_in(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint, budget = server.endpoint(tmp_path), Budget(calls=6)
    with pytest.raises(BudgetSpentError):
        collect(store, endpoint, chats(10), budget=budget)
    assert server.sizes == [6]
    assert len(store.find([key for key, _ in keyed(endpoint, chats(10))])) == 6
    assert budget.spent == PRICE_OF_ONE * 6


@pytest.mark.parametrize("spent", [Budget(Decimal(0)), Budget(calls=0)])
def test_with_nothing_left_nothing_is_handed_in(
    server: BatchServer, store: Store, tmp_path: Path, spent: Budget
) -> None:
    with pytest.raises(BudgetSpentError):
        collect(store, server.endpoint(tmp_path), chats(3), budget=spent)
    assert server.sizes == []


def test_a_variant_without_a_batch_api_is_refused(server: BatchServer, store: Store, tmp_path: Path) -> None:
    endpoint = catalog(tmp_path, base_url="http://127.0.0.1:1/v1").endpoints("toy")["full"]
    with pytest.raises(InputError, match=r"'full' has no batch API \(batch_discount is not set\)"):
        collect(store, endpoint, chats(1))


def test_an_answer_is_in_the_store_before_it_is_told(
    server: BatchServer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_fetch, "GROUP", 3)
    endpoint, missing = server.endpoint(tmp_path), []
    batched = Batched()

    def look(text: tuple[str, bool]) -> None:
        number = int(text[0].removeprefix("answer to q"))
        if not store.find([keyed(endpoint, chats(number + 1))[-1][0]]):
            missing.append(text)

    batched.told = type("Told", (list,), {"append": lambda self, text: look(text)})()
    asyncio.run(collecting(store, endpoint, chats(20), batched))
    assert batched.texts == texts(20)
    assert missing == []


@BOTH
def test_five_thousand_questions_take_a_few_seconds(
    server: BatchServer, store: Store, tmp_path: Path, protocol: str
) -> None:
    started = time.perf_counter()
    assert collect(store, server.endpoint(tmp_path, protocol), chats(5000)).texts == texts(5000)
    assert time.perf_counter() - started < 30  # two or three on an idle machine
    assert server.sizes == [5000]


def test_a_key_that_comes_back_in_results_is_not_stored(server: BatchServer, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: f"your key is {KEY}" if asked.prompt == "q0" else Status(400, f"bad key {KEY}")
    batched = collect(store, server.endpoint(tmp_path, api_key_env="KEY"), chats(2))
    assert batched.texts[0] == "your key is [key]"
    assert KEY not in repr(batched)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("evalgate.db"))
    assert b"your key is" in written
    assert KEY.encode() not in written
