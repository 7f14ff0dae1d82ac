"""Queueing mail."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.db import transaction
from django.template import TemplateDoesNotExist

from apps.core.brand import Brand
from apps.core.context import bound
from apps.core.errors import ConflictError
from apps.core.kinds import BrandProvider
from apps.core.registry import contributed
from apps.integrations.errors import InvalidRecipientError
from apps.integrations.mail.services import SEND_TASK, checked_recipients, queue_mail, send_again
from apps.integrations.models import MailMessage
from tests.common.threads import run_in_threads, shared_database

Queue = Callable[..., MailMessage]
REALM = uuid.UUID("01890000-0000-7000-8000-00000000000a")


def test_a_mail_is_rendered_at_once(queued: Queue) -> None:
    row = queued()
    assert row.public_id.startswith("mail_")
    assert (row.to, row.state, row.template) == ("ann@example.com", MailMessage.State.QUEUED, "greeting")
    assert row.subject == "Hello Ann & welcome"
    assert "open https://levqor.example/go?a=1&b=2" in row.text
    assert "\n\n\n" not in row.text
    assert "https://levqor.example/go?a=1&amp;b=2" in row.html
    assert "<title>Hello Ann &amp; welcome</title>" in row.html


def test_markup_in_names_is_escaped_in_html_only(mail_templates: None, db: None) -> None:
    row = queue_mail("greeting", "a@example.com", {"name": "<b>&", "link": "x"}, idempotency_key="k")
    assert "Dear <b>&," in row.text
    assert row.subject == "Hello <b>& & welcome"
    assert "Dear &lt;b&gt;&amp;" in row.html


def test_line_breaks_in_a_subject_cannot_add_headers(mail_templates: None, db: None) -> None:
    row = queue_mail("greeting", "a@example.com", {"name": "x\r\nBcc: evil@example.com"}, idempotency_key="k")
    assert row.subject == "Hello x Bcc: evil@example.com & welcome"


def test_the_same_key_gives_the_same_row(queued: Queue) -> None:
    first = queued("k", to="ann@example.com")
    second = queued("k", to="bob@example.com")
    assert first.pk == second.pk
    assert MailMessage.objects.get().to == "ann@example.com"


def test_the_html_part_may_be_missing_but_not_broken(mail_templates: None, db: None) -> None:
    assert queue_mail("plain", "a@example.com", {}, idempotency_key="k").html == ""
    with pytest.raises(TemplateDoesNotExist):
        queue_mail("broken", "a@example.com", {}, idempotency_key="l")
    with pytest.raises(TemplateDoesNotExist):
        queue_mail("unknown", "a@example.com", {}, idempotency_key="m")


def test_organization_and_realm_default_to_the_context(queued: Queue) -> None:
    organization, other = uuid.uuid4(), uuid.uuid4()
    with bound(organization_id=organization, realm_id=REALM, request_id="req-1"):
        row = queued()
        assert (row.organization_id, row.realm_id, row.request_id) == (organization, REALM, "req-1")
        assert queued("other", organization_id=other).organization_id == other


def test_the_realm_decides_the_brand(queued: Queue) -> None:
    brand = Brand(
        "Acme", "#123456", "#ffffff", "", "help@acme.example", "Acme <mail@acme.example>", "https://acme.example"
    )
    with contributed(BrandProvider("test", lambda realm: brand if realm == REALM else None)):
        row = queued(realm_id=REALM)
        plain = queued("plain")
    assert row.from_address == "Acme <mail@acme.example>"
    assert "Acme · https://acme.example" in row.text
    assert "#123456" in row.html
    assert "Levqor" not in row.html + row.text
    assert "Acme" not in plain.html


def test_a_worker_is_rung_on_commit_only_and_once(queued: Queue, django_capture_on_commit_callbacks: Callable) -> None:
    with patch("apps.core.doorbell.current_app.send_task") as send:
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            queued("k")
            queued("k")
            assert not send.called
        assert [call.args[0] for call in send.call_args_list] == [SEND_TASK]


@pytest.mark.parametrize(
    "to", ["", [], "nobody", "a@b", "a@example.com\nBcc: x@example.com", ["a@example.com", "x"], ["a@example.com"] * 51]
)
def test_wrong_recipients_are_refused(queued: Queue, to: object) -> None:
    if to == ["a@example.com"] * 51:
        to = [f"a{number}@example.com" for number in range(51)]
    with pytest.raises(InvalidRecipientError):
        queued(to=to)
    assert not MailMessage.objects.exists()


def test_recipients_become_plain_and_unique() -> None:
    assert checked_recipients(["Ann <ann@example.com>", "ann@example.com", " bob@example.com "]) == [
        "ann@example.com",
        "bob@example.com",
    ]


@pytest.mark.parametrize("state", [MailMessage.State.FAILED, MailMessage.State.UNKNOWN])
def test_a_lost_mail_can_be_sent_again(queued: Queue, state: str) -> None:
    row = queued()
    MailMessage.objects.update(state=state, attempts=20, last_error="x", uncertain_since=row.due_at)
    send_again(row)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error, row.uncertain_since) == ("queued", 0, "", None)


@pytest.mark.parametrize("state", [MailMessage.State.QUEUED, MailMessage.State.SENDING, MailMessage.State.SENT])
def test_no_other_mail_can(queued: Queue, state: str) -> None:
    row = queued()
    MailMessage.objects.update(state=state)
    with pytest.raises(ConflictError):
        send_again(row)


@pytest.fixture
def _no_broker() -> Iterator[None]:
    with patch("apps.core.doorbell.current_app.send_task"):
        yield


@pytest.mark.usefixtures("_no_broker", "mail_templates")
@pytest.mark.django_db(transaction=True)
def test_two_threads_with_one_key_queue_one_mail(tmp_path: Path) -> None:
    def queue() -> str:
        return queue_mail("plain", "a@example.com", {}, idempotency_key="k").public_id

    with shared_database(tmp_path, MailMessage):
        ids = run_in_threads(queue, queue, queue, queue)
        (count,) = run_in_threads(MailMessage.objects.count)
    assert (len(set(ids)), count) == (1, 1)
