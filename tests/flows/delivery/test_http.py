"""Messages over HTTP to a system that fails, is slow, and loses replies (RELIABILITY O1, O2, O3, O7)."""

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.delivery.systems import OutgoingMessage, Receipt
from flows.delivery.systems.http import HttpSystem
from flows.delivery.targets import HttpTarget, Target
from tests.certificates import self_signed
from tests.conftest import free_port
from tests.flows.delivery.stand_in import Answer, Downstream, Request, downstream
from tests.flows.delivery.utility import NOW, Utility, target

pytestmark = pytest.mark.slow


@pytest.fixture
def eam() -> Iterator[Downstream]:
    with downstream() as server:
        yield server


def over_http(url: str, *, timeout_seconds: float = 5.0, parallel: int = 8, **changes: object) -> Target:
    system = {"kind": "http", "url": url, "timeout_seconds": timeout_seconds, "parallel": parallel}
    return target("eam", system=system, **changes)


def drain(grid: Utility, described: Target, *, minutes: int = 600) -> int:
    """Deliver once a minute until nothing is queued; return the minutes."""
    for minute in range(minutes):
        grid.deliver(described)
        if not grid.sql("select 1 from lineage.outbox_message where state = 'QUEUED' limit 1"):
            return minute
        grid.clock.pass_(minutes=1)
    pytest.fail(f"not drained in {minutes} minutes: {grid.messages('state', 'state_reason', 'attempts')[:3]}")


def test_a_message_is_posted_with_its_key_and_acknowledged(grid: Utility, eam: Downstream) -> None:
    grid.orders("T1")
    grid.make(over_http(eam.url))

    (done,) = grid.deliver(over_http(eam.url))

    assert done.counts == {"ACKNOWLEDGED": 1}
    (request,) = eam.requests
    assert request.headers["Idempotency-Key"] == request.body["Header"]["IdempotencyKey"]
    assert request.body["Payload"]["WorkRequest"]["mRID"] == "N/T1"
    assert grid.messages("state", "attempts") == [("SENT", 1)]
    assert grid.sql("select outcome, attempt from lineage.outbox_attempt") == [("ACKNOWLEDGED", 1)]
    grid.assert_chain_holds()


def test_a_reply_that_was_lost_costs_a_second_request_and_no_second_effect(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda request: "lost" if request.number == 1 else 200
    described = over_http(eam.url)
    grid.orders("T1")
    grid.make(described)

    drain(grid, described)

    assert [each.key for each in eam.requests] == [eam.requests[0].key] * 2
    assert list(eam.effects.values()) == [1]
    assert grid.messages("state", "attempts") == [("SENT", 2)]


def test_what_acts_after_nobody_waited_any_more_acts_once(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda request: "late" if request.number <= 3 else 200
    described = over_http(eam.url, timeout_seconds=0.2, retry={"circuit_failures": 50})
    grid.orders("T1", "T2", "T3")
    grid.make(described)

    drain(grid, described)
    for _ in range(3):
        assert eam.acted_late.acquire(timeout=30)

    reasons = grid.sql("select reason from lineage.outbox_attempt where outcome = 'RETRY'")
    assert [str(reason).partition(":")[0] for (reason,) in reasons] == ["ReadTimeout"] * 3
    assert sorted(eam.effects.values()) == [1, 1, 1]
    assert grid.messages("state", "attempts") == [("SENT", 2)] * 3


@pytest.mark.parametrize("status", [400, 410, 413, 422])
def test_what_is_refused_for_good_is_dead_at_once_and_an_operator_decides(
    status: int, grid: Utility, eam: Downstream
) -> None:
    eam.behaviour = lambda request: (
        (status, {}, "unknown asset T1") if "T1" in str(request.body["Payload"]) and request.number <= 3 else 200
    )
    described = over_http(eam.url)
    grid.orders("T1", "T2")
    grid.make(described)

    grid.deliver(described)

    assert grid.messages("business_key", "state", "state_reason") == [
        ("N/T1", "DEAD", f"refused: HTTP {status} unknown asset T1"),
        ("N/T2", "SENT", None),
    ]
    (message_id,) = grid.messages("message_id::varchar")[0]
    assert grid.decide("maria").retry([message_id[:8]]) == (1, [])
    eam.behaviour = lambda _: 200
    grid.deliver(described)
    assert grid.messages("state") == [("SENT",), ("SENT",)]
    told = grid.sql(
        "select actor, action from lineage.audit_event where subject = ? order by seq", f"outbox_message:{message_id}"
    )
    assert told == [
        ("gridweave", "outbox_message.queued"),
        ("gridweave", "outbox_message.queued"),
        ("gridweave", "outbox_message.dead"),
        ("maria", "outbox_message.queued"),
        ("gridweave", "outbox_message.queued"),
        ("gridweave", "outbox_message.sent"),
    ]
    grid.assert_chain_holds()


@pytest.mark.parametrize("status", [302, 408, 409, 425, 429, 500, 503])
def test_what_may_pass_by_itself_is_tried_again(status: int, grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda request: status if request.number == 1 else 200
    described = over_http(eam.url)
    grid.orders("T1")
    grid.make(described)

    drain(grid, described)

    assert [outcome for (outcome,) in grid.sql("select outcome from lineage.outbox_attempt order by seq")] == [
        "RETRY",
        "ACKNOWLEDGED",
    ]


@pytest.mark.parametrize("header", ["600", "Thu, 05 Mar 2026 06:40:00 GMT"], ids=["seconds", "date"])
def test_a_system_that_asks_to_be_left_alone_is_left_alone(header: str, grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda request: (503, {"Retry-After": header}, "") if request.number == 1 else 200
    described = over_http(eam.url, parallel=1)
    grid.orders("T1", "T2")
    grid.make(described)

    grid.deliver(described)
    grid.clock.pass_(minutes=9, seconds=59)
    (early,) = grid.deliver(described)
    grid.clock.pass_(seconds=1)
    grid.deliver(described)

    assert early.problem.startswith("left alone until 06:40:00 UTC")
    assert len(eam.requests) == 3, "nothing was sent meanwhile, not even what had not been tried"
    assert grid.messages("state") == [("SENT",), ("SENT",)]


def test_a_wrong_token_does_not_kill_the_queue(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda _: 401
    described = over_http(eam.url, parallel=1, retry={"circuit_failures": 2})
    grid.many_orders(50)
    grid.make(described)

    grid.deliver(described)

    assert grid.sql("select state, count(*) from lineage.outbox_message group by all order by all") == [
        ("DEAD", 2),
        ("QUEUED", 48),
    ]


TOKEN = f"eyJ.canary.{'x' * 400}"


@pytest.mark.parametrize("words", ["bad token {}", "{} or {}", "{} " * 9])
def test_a_token_that_a_system_repeats_is_not_kept_also_where_its_words_are_cut(words: str, eam: Downstream) -> None:
    eam.behaviour = lambda _: (401, {}, words.replace("{}", TOKEN))

    (receipt,) = sent_by(http_system(eam.url, token=TOKEN))

    assert receipt.status_code == 401
    assert "eyJ." not in str(receipt.reason)
    assert "xxxx" not in str(receipt.reason)


@pytest.mark.parametrize(
    ("head", "drop", "answer"),
    [
        ("", "HTTP/1.1 102 Processing\r\n\r\n", "no whole answer within 0.8 s"),
        ("HTTP/1.1 500 Broken\r\nContent-Length: 100000\r\n\r\n", "x", "HTTP 500 x"),
    ],
    ids=["goes on processing", "one byte at a time"],
)
def test_a_system_that_never_comes_to_an_end_is_given_up(head: str, drop: str, answer: str) -> None:
    with dripping(head.encode(), drop.encode()) as url:
        begun = time.monotonic()
        (receipt,) = sent_by(http_system(url, timeout_seconds=0.2))
        took = time.monotonic() - begun

    assert (receipt.outcome, receipt.is_target_down) == ("RETRY", True)
    assert str(receipt.reason).startswith(answer)
    assert took < 10, "not for as long as it likes"


def http_system(url: str, *, token: str = "", timeout_seconds: float = 5.0) -> HttpSystem:
    described = HttpTarget(kind="http", url=url, timeout_seconds=timeout_seconds)
    return HttpSystem(described, token=SecretStr(token) if token else None, clock=lambda: NOW)


def sent_by(system: HttpSystem) -> list[Receipt]:
    message = OutgoingMessage(
        message_id="1", message_type="work_request", business_key="N/T1", revision=1, verb="create",
        idempotency_key="k", body="{}", attempts=0,
    )  # fmt: skip
    try:
        return system.send([message])
    finally:
        system.close()


@contextmanager
def dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """A system that says a head and then one drop after the other, until it is left."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            while not is_over.wait(0.05):
                connection.sendall(drop)

    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/orders"
        is_over.set()
        thread.join()


def test_a_clock_that_was_ahead_holds_nothing_up_once_it_is_right(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda _: 500
    described = over_http(eam.url, retry={"circuit_failures": 2})
    grid.many_orders(20)
    grid.make(described)

    grid.clock.pass_(days=5)
    grid.deliver(described)
    grid.clock.pass_(days=-5)
    (still_down,) = grid.deliver(described)
    eam.behaviour = lambda _: 200
    minutes = drain(grid, described)

    assert still_down.counts == {"RETRY": 1}, "a probe, and its failure leaves the system alone again"
    assert minutes <= 10
    assert grid.sql("select state, count(*) from lineage.outbox_message group by all") == [("SENT", 20)]


def test_a_message_is_given_up_after_so_many_tries_or_hours(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda request: 409 if "T1" in str(request.body["Payload"]) else 500
    described = over_http(eam.url, parallel=1, retry={"max_attempts": 3, "max_age_hours": 1.0})
    grid.orders("T1", "T2")
    grid.make(described)

    for _ in range(90):
        grid.deliver(described)
        grid.clock.pass_(minutes=1)

    (first, tries), (second, _) = grid.messages("state_reason", "attempts")
    assert first.startswith("gave up after 3 tries: HTTP 409")
    assert tries == 3
    assert second.startswith("gave up")
    grid.assert_chain_holds()


def test_six_hours_without_the_system_lose_nothing_and_double_nothing(grid: Utility, eam: Downstream) -> None:
    up = over_http(eam.url, timeout_seconds=0.05)
    refused = over_http(f"http://127.0.0.1:{free_port()}/orders", timeout_seconds=0.05)
    grid.many_orders(300)
    grid.make(up)
    generator = random.Random(20260305)

    for minute in range(6 * 60):
        if minute % 60 == 30:  # outputs go on being made meanwhile
            grid.many_orders(300 + minute // 60 + 1)
            grid.make(up)
        eam.behaviour = lambda _: generator.choice((500, 503, "silent", "lost"))
        grid.deliver(refused if minute < 180 else up)
        grid.clock.pass_(minutes=1)
    tried_meanwhile = len(eam.requests)
    eam.behaviour = lambda _: 200
    minutes = drain(grid, up, minutes=20)

    assert minutes <= 10
    assert tried_meanwhile < 400, "a system that is down is probed, not hammered"
    assert grid.sql("select state, count(*) from lineage.outbox_message group by all") == [("SENT", 306)]
    assert sorted(eam.effects) == sorted(key for (key,) in grid.messages("idempotency_key"))
    assert set(eam.effects.values()) == {1}
    grid.assert_chain_holds()


def test_pauses_are_spread(grid: Utility, eam: Downstream) -> None:
    eam.behaviour = lambda _: 409
    described = over_http(eam.url, retry={"base_seconds": 60.0})
    grid.many_orders(100)
    grid.make(described)

    grid.deliver(described)

    pauses = [each - grid.clock.now for (each,) in grid.messages("next_attempt_at")]
    assert min(pauses) < timedelta(seconds=10)
    assert timedelta(seconds=50) < max(pauses) <= timedelta(seconds=60)
    assert len(set(pauses)) == 100


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.full)])
def test_however_often_messages_are_submitted_there_is_one_effect_for_each(
    count: int, grid: Utility, eam: Downstream
) -> None:
    generator = random.Random(20260305)

    def fuzzed(_: Request) -> Answer:
        return generator.choices((200, "lost", "silent", 409, 500), weights=(50, 20, 5, 20, 5))[0]

    eam.behaviour = fuzzed
    described = over_http(eam.url, retry={"circuit_failures": 50})
    grid.many_orders(count)
    grid.make(described)

    drain(grid, described)

    assert len(eam.requests) > 1.2 * count
    assert len(eam.effects) == count == len({each.key for each in eam.requests})
    assert set(eam.effects.values()) == {1}


def test_nothing_of_a_key_overtakes_an_earlier_word_on_it(grid: Utility, eam: Downstream) -> None:
    generator = random.Random(20260305)
    eam.behaviour = lambda _: generator.choices((200, "lost", 500), weights=(4, 2, 1))[0]
    described = over_http(eam.url, retry={"circuit_failures": 50})
    for _ in range(40):
        assets = generator.sample(["T1", "T2", "T3", "T4"], generator.randint(0, 4))
        grid.orders(*assets, priority=generator.randint(1, 4))
        grid.make(described)
        if generator.random() < 0.7:
            grid.deliver(described)
        grid.clock.pass_(minutes=generator.choice((1, 10)))
    eam.behaviour = lambda _: 200
    drain(grid, described)

    for asset in ("N/T1", "N/T2", "N/T3", "N/T4"):
        revisions = [revision for key, revision, _ in eam.history if key == asset]
        assert revisions == sorted(revisions)
        listed = grid.sql("select priority from reports.rpt_work_orders where asset_id = ?", asset[2:])
        live = eam.live.get(asset)
        found = [(live["Payload"]["WorkRequest"]["priority"],)] if live else []
        assert found == listed, "what counts is what was said last"
    grid.assert_chain_holds()


@pytest.mark.parametrize("is_trusted", [False, True])
def test_a_utilitys_own_authority_is_trusted_where_the_system_trusts_it(
    grid: Utility, eam: Downstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    eam.socket = context.wrap_socket(eam.socket, server_side=True)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    described = over_http(f"https://localhost:{eam.server_address[1]}/orders")
    grid.orders("T1")
    grid.make(described)

    (done,) = grid.deliver(described)

    assert done.counts == ({"ACKNOWLEDGED": 1} if is_trusted else {"RETRY": 1})
    assert len(eam.requests) == is_trusted
