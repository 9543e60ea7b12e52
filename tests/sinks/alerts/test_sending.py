"""Apprise itself against real receivers: what arrives, and what a failure amounts to."""

from __future__ import annotations

import errno
import io
import logging
import smtplib
import socket
import ssl
from collections.abc import Callable

import msgspec
import pytest

from scanner.sinks.alerts.channel import DOUBT, Outcome
from scanner.sinks.alerts.failures import Heard, failure, reason
from scanner.sinks.alerts.sending import Sender, serve
from scanner.sinks.alerts.wire import Answer, Order, Ready
from tests.sinks.alerts.receiver import Receiver, free_port

Receivers = Callable[..., Receiver]
TEXT = "BTC/USDT <b>&\nbuy 1 BTC"


@pytest.fixture(scope="module")
def sender() -> Sender:
    return Sender()


def order(url: str, body: str = TEXT) -> Order:
    return Order(id="1", channel="hook", url=url, title="BTC/USDT", body=body, timeout=0.5)


def test_a_message_arrives_as_it_is(sender: Sender, receiver: Receivers) -> None:
    hook = receiver()
    assert sender.obey(order(hook.url)) == Answer(id="1", channel="hook", outcome=Outcome.SENT)
    (message,) = hook.messages
    assert (message["title"], message["message"]) == ("BTC/USDT", TEXT)


@pytest.mark.parametrize(
    ("behaviour", "outcome", "error"),
    [
        (500, Outcome.REFUSED, "error=500"),
        (404, Outcome.REFUSED, "error=404"),
        ("hang", Outcome.UNKNOWN, f"no answer within 0.5 s; {DOUBT}"),
        ("close", Outcome.UNKNOWN, f"the connection was closed without an answer; {DOUBT}"),
    ],
)
def test_a_failure_is_told_apart(
    sender: Sender, receiver: Receivers, behaviour: int | str, outcome: Outcome, error: str
) -> None:
    hook = receiver(behaviour)
    answer = sender.obey(order(hook.url))
    assert answer.outcome is outcome
    assert error in answer.error
    assert len(hook.messages) == 1


def test_a_receiver_that_is_down(sender: Sender) -> None:
    answer = sender.obey(order(f"json://127.0.0.1:{free_port()}/x"))
    assert answer.outcome is Outcome.REFUSED
    assert answer.error == "it cannot be reached: connection refused"


def test_a_host_that_does_not_exist(sender: Sender) -> None:
    answer = sender.obey(order("json://nowhere.invalid/x"))
    assert answer.outcome is Outcome.REFUSED
    assert answer.error == "its host name leads nowhere"


def test_a_mail_server_that_is_down(sender: Sender) -> None:
    url = f"mailto://me:pa55@127.0.0.1:{free_port()}?from=a@b.example&to=c@d.example"
    answer = sender.obey(order(url))
    assert answer.outcome is Outcome.REFUSED
    assert answer.error == "it cannot be reached: connection refused"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nosuch://x/y", "Apprise has no service nosuch://"),
        ("tgram://s3cret", "its URL is not as tgram:// needs it: https://"),
        ("json://", "its URL is not as json:// needs it: https://"),
    ],
)
def test_a_url_that_is_no_good(sender: Sender, url: str, says: str) -> None:
    for body in ("", TEXT):
        answer = sender.obey(order(url, body))
        assert answer.outcome is Outcome.IMPOSSIBLE
        assert answer.error.startswith(says)
        assert "s3cret" not in answer.error


def test_a_service_that_this_system_lacks(sender: Sender) -> None:
    answer = sender.obey(order("windows://", body=""))
    assert answer.outcome is Outcome.IMPOSSIBLE
    assert answer.error.startswith("windows:// is not to be had on this system: ")


def test_looking_at_a_url_sends_nothing(sender: Sender, receiver: Receivers) -> None:
    hook = receiver()
    assert sender.obey(order(hook.url, body="")) == Answer(id="1", channel="hook")
    assert hook.messages == []


def test_what_a_url_asks_for_does_not_make_it_try_again(
    sender: Sender, receiver: Receivers
) -> None:
    hook = receiver(500)
    answer = sender.obey(order(f"{hook.url}?retry=3&optional=yes&rto=20"))
    assert answer.outcome is Outcome.REFUSED
    assert len(hook.messages) == 1


def heard(cause: BaseException | None, text: str = "it failed") -> list[Heard]:
    return [Heard(logging.WARNING, text, None), Heard(logging.DEBUG, "more", cause)]


@pytest.mark.parametrize(
    ("cause", "outcome", "says"),
    [
        (None, Outcome.REFUSED, "it failed"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), Outcome.REFUSED, "connection refused"),
        (socket.gaierror(-2, "unknown"), Outcome.REFUSED, "its host name leads nowhere"),
        (
            smtplib.SMTPAuthenticationError(535, b"bad login"),
            Outcome.REFUSED,
            "the mail server says 535 bad login",
        ),
        (smtplib.SMTPServerDisconnected("gone"), Outcome.UNKNOWN, "closed without an answer"),
        (TimeoutError("timed out"), Outcome.UNKNOWN, "no answer within 5 s"),
        (ConnectionResetError(errno.ECONNRESET, "x"), Outcome.UNKNOWN, "closed without an answer"),
        (RuntimeError("what?"), Outcome.UNKNOWN, "RuntimeError: what?"),
    ],
)
def test_what_a_cause_amounts_to(cause: BaseException | None, outcome: Outcome, says: str) -> None:
    found, error = failure(heard(cause), 1, 5.0)
    assert found is outcome
    assert says in error
    assert (DOUBT in error) == (outcome is Outcome.UNKNOWN)


def test_a_certificate_that_is_not_trusted_was_sent_nothing() -> None:
    error = ssl.SSLCertVerificationError(1, "bad")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    assert failure(heard(error), 1, 5.0) == (
        Outcome.REFUSED,
        "no secure connection: CERTIFICATE_VERIFY_FAILED",
    )


def test_of_several_targets_some_may_have_got_it() -> None:
    outcome, error = failure(heard(None), 3, 5.0)
    assert outcome is Outcome.UNKNOWN
    assert "some of its 3 targets" in error


def test_causes_that_refer_to_each_other_have_an_end() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    assert reason(one) == "ValueError: one"


def test_orders_are_answered_a_line_each(receiver: Receivers, sender: Sender) -> None:
    slow, quick = receiver("slow"), receiver()
    orders = [
        Order(id="1", channel="slow", url=slow.url, title="t", body="b", timeout=5.0),
        Order(id="2", channel="quick", url=quick.url, title="t", body="b", timeout=5.0),
    ]
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in orders)
    answers: list[Answer | Ready] = []
    serve(io.BytesIO(lines), answers.append, sender)
    deadline = 100
    while len(answers) < 2 and deadline:
        deadline -= 1
        slow.released.wait(0.05)
    assert [(a.id, a.outcome) for a in answers if isinstance(a, Answer)] == [
        ("2", Outcome.SENT),
        ("1", Outcome.SENT),
    ]
