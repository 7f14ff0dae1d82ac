"""What every mail transport must do, and what Resend does besides: the real gateway over HTTP against a fake Resend."""

import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import LazySettings

from apps.core.kinds import CredentialProvider
from apps.core.registry import contributed
from apps.integrations.mail import delivery
from apps.integrations.mail.delivery import LEASE, MEMORY, send_due
from apps.integrations.mail.services import send_again
from apps.integrations.models import MailMessage
from tests.contracts.fake_resend import API_KEY, FakeResend, Fault

State = MailMessage.State
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ends here."""


class Destination:
    """Where mail arrives: what each transport's far end holds, in one form."""

    def __init__(self, arrived: Callable[[], list[dict[str, Any]]], names: bool) -> None:
        self.arrived = arrived
        self.names_mails = names


@pytest.fixture(autouse=True)
def _quiet_doorbell() -> Iterator[None]:
    with patch("apps.core.doorbell.current_app.send_task"):
        yield


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def resend(settings: LazySettings) -> Iterator[FakeResend]:
    with FakeResend() as fake:
        settings.MAIL_TRANSPORT = "resend"
        settings.EMAIL_BACKEND = "apps.integrations.resend.gateway.ResendBackend"
        settings.ANYMAIL = {"RESEND_API_KEY": API_KEY, "RESEND_API_URL": fake.url, "REQUESTS_TIMEOUT": 5}
        yield fake


@pytest.fixture(params=["file", "resend"])
def destination(request: pytest.FixtureRequest, tmp_path: Path, settings: LazySettings) -> Destination:
    if request.param == "resend":
        fake: FakeResend = request.getfixturevalue("resend")
        return Destination(lambda: list(fake.accepted.values()), names=True)
    settings.MAIL_TRANSPORT = "file"
    settings.EMAIL_BACKEND = "apps.integrations.mail.backends.FileBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return Destination(lambda: [read_eml(path) for path in sorted((tmp_path / "mail").iterdir())], names=False)


def read_eml(path: Path) -> dict[str, Any]:
    """A file in the form of a request to Resend."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "from": message["From"],
        "to": [part.strip() for part in message["To"].split(",")],
        "subject": message["Subject"],
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else None,
        "headers": {"Auto-Submitted": message["Auto-Submitted"]},
    }


def queue(key: str = "k", **changes: Any) -> MailMessage:
    values: dict[str, Any] = {
        "idempotency_key": key,
        "template": "test",
        "from_address": "Levqor <no-reply@levqor.example>",
        "to": "ann@example.com, bob@example.com",
        "subject": "Grüße – 你好 & <more>",
        "text": "Line one\n\nhttps://levqor.example/a?b=1&c=2 ünïcode\n",
        "html": "<p>Grüße</p>",
        "headers": {"Auto-Submitted": "auto-generated"},
        "due_at": START,
    }
    return MailMessage.objects.create(**values | changes)


def reloaded(row: MailMessage) -> MailMessage:
    row.refresh_from_db()
    return row


class TestEveryTransport:
    def test_a_mail_arrives_as_it_was_written(self, destination: Destination) -> None:
        row = queue()
        assert send_due() == 1
        (mail,) = destination.arrived()
        assert mail["from"] == "Levqor <no-reply@levqor.example>"
        assert mail["to"] == ["ann@example.com", "bob@example.com"]
        assert mail["subject"] == "Grüße – 你好 & <more>"
        assert mail["text"].split() == row.text.split()
        assert mail["html"].strip() == "<p>Grüße</p>"
        assert mail["headers"]["Auto-Submitted"] == "auto-generated"
        assert reloaded(row).state == State.SENT
        assert bool(row.provider_message_id) == destination.names_mails

    def test_without_html_there_is_only_text(self, destination: Destination) -> None:
        queue(html="")
        send_due()
        (mail,) = destination.arrived()
        assert mail.get("html") is None

    def test_different_mails_are_different(self, destination: Destination) -> None:
        queue("a")
        queue("b")
        send_due()
        assert len(destination.arrived()) == 2

    def test_a_worker_killed_after_sending_sends_nothing_twice(
        self, destination: Destination, clock: time_machine.Traveller
    ) -> None:
        row = queue()
        with patch.object(delivery, "_sent", side_effect=Killed), pytest.raises(Killed):
            send_due()
        assert len(destination.arrived()) == 1
        assert reloaded(row).state == State.SENDING
        clock.shift(LEASE)
        assert send_due() == 1
        assert len(destination.arrived()) == 1
        assert (reloaded(row).state, row.attempts) == (State.SENT, 2)

    def test_a_subject_with_a_line_break_is_refused_for_good(self, destination: Destination) -> None:
        row = queue(subject="Hello\nBcc: evil@example.com")
        send_due()
        assert reloaded(row).state == State.FAILED


class TestResend:
    def test_the_key_and_the_tag_are_the_rows_id(self, resend: FakeResend) -> None:
        row = queue()
        send_due()
        (request,) = resend.requests
        assert request["key"] == row.public_id
        assert request["mail"]["tags"] == [{"name": "levqor_mail", "value": row.public_id}]
        assert list(resend.accepted) == [reloaded(row).provider_message_id]

    @pytest.mark.parametrize("hang_up", [False, True])
    @pytest.mark.parametrize("accepted", [False, True])
    def test_a_lost_answer_is_asked_for_again(
        self, resend: FakeResend, clock: time_machine.Traveller, hang_up: bool, accepted: bool
    ) -> None:
        row = queue()
        resend.faults = [Fault(status=502, hang_up=hang_up, after_accepting=accepted)]
        send_due()
        assert (reloaded(row).state, row.uncertain_since) == (State.QUEUED, START)
        assert len(resend.accepted) == int(accepted)
        clock.shift(timedelta(minutes=1))
        send_due()
        assert (reloaded(row).state, len(resend.accepted), len(resend.requests)) == (State.SENT, 1, 2)
        assert len({request["key"] for request in resend.requests}) == 1

    def test_nobody_listens(self, resend: FakeResend, settings: LazySettings) -> None:
        settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_URL": "http://127.0.0.1:9/"}
        row = queue()
        send_due()
        assert reloaded(row).state == State.QUEUED
        assert row.last_error.startswith("Resend was not reached: ")

    @pytest.mark.parametrize("value", ["90", "Mon, 02 Mar 2026 09:01:30 GMT"])
    def test_it_waits_as_long_as_it_is_told(
        self, resend: FakeResend, clock: time_machine.Traveller, value: str
    ) -> None:
        row = queue()
        resend.faults = [Fault(429, {"name": "rate_limit_exceeded", "message": "Too many"}, {"Retry-After": value})]
        send_due()
        assert timedelta(seconds=90) <= reloaded(row).due_at - START <= timedelta(seconds=95)
        assert (row.state, row.uncertain_since) == (State.QUEUED, None)
        assert row.last_error == "Resend answered 429 rate_limit_exceeded: Too many"

    def test_nonsense_in_retry_after_is_ignored(self, resend: FakeResend, clock: time_machine.Traveller) -> None:
        row = queue()
        resend.faults = [Fault(429, {}, {"Retry-After": "soon"})]
        send_due()
        assert reloaded(row).state == State.QUEUED
        assert row.due_at - START <= timedelta(seconds=10)

    @pytest.mark.parametrize("status", [400, 404, 405, 413, 422])
    def test_a_refusal_is_final(self, resend: FakeResend, status: int) -> None:
        row = queue()
        resend.faults = [Fault(status, {"name": "validation_error", "message": "No."})]
        send_due()
        assert (reloaded(row).state, row.last_error) == (
            State.FAILED,
            f"Resend answered {status} validation_error: No.",
        )
        assert (send_due(), len(resend.requests)) == (0, 1)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_wrong_key_or_domain_waits_for_staff(
        self, resend: FakeResend, clock: time_machine.Traveller, status: int
    ) -> None:
        row = queue()
        resend.faults = [Fault(status, {"name": "invalid_api_key"})]
        send_due()
        assert reloaded(row).state == State.QUEUED
        clock.shift(timedelta(hours=2))
        send_due()
        assert reloaded(row).state == State.SENT

    def test_an_attempt_that_still_runs_there_is_awaited(
        self, resend: FakeResend, clock: time_machine.Traveller
    ) -> None:
        row = queue()
        resend.faults = [Fault(409, {"name": "concurrent_idempotent_requests"})]
        send_due()
        assert (reloaded(row).state, row.uncertain_since) == (State.QUEUED, START)

    def test_a_key_used_for_other_content_ends_as_unknown(
        self, resend: FakeResend, clock: time_machine.Traveller
    ) -> None:
        row = queue()
        resend.faults = [Fault(502, after_accepting=True)]
        send_due()
        MailMessage.objects.update(text="other words")
        clock.shift(timedelta(minutes=1))
        send_due()
        assert reloaded(row).state == State.UNKNOWN
        assert "invalid_idempotent_request" in row.last_error

    def test_an_answer_that_cannot_be_read_is_asked_for_again(
        self, resend: FakeResend, clock: time_machine.Traveller
    ) -> None:
        row = queue()
        resend.faults = [Fault(200, {"odd": 1}, after_accepting=True)]
        send_due()
        assert reloaded(row).state == State.QUEUED
        clock.shift(timedelta(minutes=1))
        send_due()
        assert (reloaded(row).state, len(resend.accepted)) == (State.SENT, 1)

    def test_when_the_key_is_forgotten_nothing_is_repeated_but_by_decision(
        self, resend: FakeResend, clock: time_machine.Traveller
    ) -> None:
        row = queue()
        with patch.object(delivery, "_sent", side_effect=Killed), pytest.raises(Killed):
            send_due()
        clock.shift(MEMORY + timedelta(minutes=1))
        resend.forget_keys()
        send_due()
        assert (reloaded(row).state, len(resend.accepted)) == (State.UNKNOWN, 1)
        send_again(row)
        send_due()
        assert (reloaded(row).state, len(resend.accepted)) == (State.SENT, 2)

    def test_a_realms_own_key_is_used(self, resend: FakeResend, settings: LazySettings) -> None:
        settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_KEY": "re_platform"}
        own = CredentialProvider("resend", "test", lambda realm: {"api_key": API_KEY} if realm else None)
        with contributed(own):
            theirs, ours = queue("a", realm_id=MailMessage().pk), queue("b")
            send_due()
        assert (reloaded(theirs).state, reloaded(ours).state) == (State.SENT, State.QUEUED)

    def test_the_key_is_in_no_error_and_no_log(
        self,
        resend: FakeResend,
        settings: LazySettings,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_API_KEY": "re_very_secret_key"}
        row = queue()
        send_due()
        assert "invalid_api_key" in reloaded(row).last_error
        output = capsys.readouterr()
        assert "re_very_secret_key" not in row.last_error + caplog.text + output.out + output.err
