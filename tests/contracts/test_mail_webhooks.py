"""Resend's webhooks through our door: signatures, age, size, duplicates, and what they do to a mail."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from standardwebhooks import Webhook

from apps.core.models import DomainEvent
from apps.integrations.inbox.services import handle_due
from apps.integrations.models import ExternalEvent, MailMessage

State = MailMessage.State
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"a secret of the test suite").decode()
pytestmark = pytest.mark.django_db

Send = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _scene(settings: LazySettings) -> Iterator[None]:
    settings.RESEND_WEBHOOK_SECRET = SECRET
    with patch("apps.core.doorbell.current_app.send_task"), time_machine.travel(START, tick=False):
        yield


@pytest.fixture
def send(client: Client) -> Send:
    """Post an event as Resend does; each part can be spoiled."""

    def post(
        payload: Any,
        event_id: str = "msg_1",
        sent_at: datetime = START,
        secret: str = SECRET,
        changed: bytes | None = None,
        drop: str = "",
        **headers: str,
    ) -> HttpResponse:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        given = {
            "svix-id": event_id,
            "svix-timestamp": str(int(sent_at.timestamp())),
            "svix-signature": Webhook(secret).sign(event_id, sent_at, body.decode("utf-8", "replace")),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        given.pop(drop, None)
        return client.post(  # type: ignore[return-value] # the test client's response is an HttpResponse
            "/webhooks/resend/",
            data=body if changed is None else changed,
            content_type="application/json",
            headers=given,
        )

    return post


def event(kind: str = "email.delivered", **data: Any) -> dict[str, Any]:
    return {"type": kind, "created_at": "2026-03-02T09:00:00.000Z", "data": data}


@pytest.fixture
def mail() -> MailMessage:
    return MailMessage.objects.create(
        idempotency_key="k", template="test", to="a@example.com", state=State.SENT, due_at=START,
        provider_message_id="re-1", organization_id=uuid.uuid4(),
    )  # fmt: skip


class TestTheDoor:
    def test_a_good_event_is_stored_once_however_often_it_comes(self, send: Send) -> None:
        first, again = send(event()), send(event())
        stored = ExternalEvent.objects.get()
        assert (first.status_code, again.status_code) == (200, 200)
        assert json.loads(first.content) == {"received": stored.public_id, "duplicate": False}
        assert json.loads(again.content) == {"received": stored.public_id, "duplicate": True}
        assert (stored.vendor, stored.external_id, stored.type) == ("resend", "msg_1", "email.delivered")
        assert stored.payload == event()

    @pytest.mark.parametrize(
        "spoiled",
        [
            {"secret": "whsec_" + base64.b64encode(b"another secret").decode()},
            {"changed": b'{"type": "email.bounced", "data": {}}'},
            {"changed": b""},
            {"sent_at": START - timedelta(minutes=6)},
            {"sent_at": START + timedelta(minutes=6)},
            {"drop": "svix-id"},
            {"drop": "svix-timestamp"},
            {"drop": "svix-signature"},
            {"svix_id": "msg_2"},
            {"svix_timestamp": str(int(START.timestamp()) + 60)},
            {"svix_timestamp": "nan"},
            {"svix_timestamp": "x"},
            {"svix_signature": "v1"},
            {"svix_signature": "v1,!!!"},
            {"svix_signature": "v2,abc"},
            {"svix_signature": "v1,ä"},
        ],
    )
    def test_a_forged_or_stale_event_leaves_no_row(self, send: Send, spoiled: dict[str, Any]) -> None:
        response = send(event(), **spoiled)
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert json.loads(response.content)["code"] == "webhook_refused"
        assert not ExternalEvent.objects.exists()

    @pytest.mark.parametrize(
        "body", [b"[]", b"{}", b'{"type": 5}', b"no json", b'"text"', b"[" * 50_000, b'{"type": "' + b"x" * 121 + b'"}']
    )
    def test_a_signed_body_that_is_no_event_is_refused(self, send: Send, body: bytes) -> None:
        assert send(body).status_code == 400
        assert not ExternalEvent.objects.exists()

    def test_bytes_that_are_no_text_are_refused(self, send: Send) -> None:
        assert send(event(), changed=b"\xff\xfe").status_code == 400

    def test_an_id_of_unusual_length_is_refused(self, send: Send) -> None:
        assert send(event(), event_id="m" * 201).status_code == 400

    def test_content_that_postgresql_cannot_store_is_cleaned(self, send: Send) -> None:
        body = b'{"type": "email.delivered", "data": {"a\\u0000b": "nul\\u0000 \\ud800", "n": NaN}}'
        assert send(body).status_code == 200
        assert ExternalEvent.objects.get().payload["data"] == {"a\ufffdb": "nul\ufffd \ufffd", "n": None}

    def test_a_body_above_one_megabyte_is_refused(self, send: Send) -> None:
        response = send(b'{"type": "x", "data": "' + b"x" * 1_000_000 + b'"}')
        assert (response.status_code, json.loads(response.content)["code"]) == (413, "webhook_too_large")

    def test_without_a_secret_there_is_no_such_address(self, send: Send, settings: LazySettings) -> None:
        settings.RESEND_WEBHOOK_SECRET = ""
        assert send(event()).status_code == 404

    @pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "whsec_ä"])
    def test_a_malformed_secret_is_our_fault(self, send: Send, settings: LazySettings, secret: str) -> None:
        settings.RESEND_WEBHOOK_SECRET = secret
        response = send(event())
        assert (response.status_code, json.loads(response.content)["code"]) == (503, "webhook_misconfigured")

    def test_unknown_vendors_and_other_methods(self, client: Client) -> None:
        assert client.post("/webhooks/nobody/", data=b"{}", content_type="application/json").status_code == 404
        assert client.get("/webhooks/resend/").status_code == 405

    def test_it_asks_for_no_csrf_token(self, send: Send, client: Client) -> None:
        client.handler.enforce_csrf_checks = True
        assert send(event()).status_code == 200


class TestOutcomes:
    @pytest.mark.parametrize(
        ("kind", "state"),
        [
            ("email.delivered", State.DELIVERED),
            ("email.bounced", State.BOUNCED),
            ("email.complained", State.COMPLAINED),
            ("email.failed", State.FAILED),
            ("email.suppressed", State.FAILED),
        ],
    )
    @pytest.mark.parametrize("how", ["tag list", "tag object", "id"])
    def test_the_mail_gets_its_outcome(self, send: Send, mail: MailMessage, kind: str, state: str, how: str) -> None:
        tags: dict[str, Any] = {
            "tag list": {"tags": [{"name": "levqor_mail", "value": mail.public_id}]},
            "tag object": {"tags": {"levqor_mail": mail.public_id}},
            "id": {"email_id": "re-1"},
        }[how]
        send(event(kind, **tags))
        assert handle_due() == 1
        mail.refresh_from_db()
        assert (mail.state, mail.outcome_at) == (state, START)
        assert ExternalEvent.objects.get().state == ExternalEvent.State.HANDLED
        told = list(DomainEvent.objects.values_list("name", "organization_id"))
        assert told == ([] if state == State.DELIVERED else [("mail_undeliverable", mail.organization_id)])

    def test_the_reason_is_kept(self, send: Send, mail: MailMessage) -> None:
        bounce = {"type": "Permanent", "subType": "General", "message": "No such mailbox"}
        send(event("email.bounced", email_id="re-1", bounce=bounce))
        handle_due()
        mail.refresh_from_db()
        assert mail.last_error == "Permanent: General: No such mailbox"

    def test_events_in_any_order_end_alike(self, send: Send, mail: MailMessage) -> None:
        for number, kind in enumerate(["email.complained", "email.delivered", "email.sent", "email.complained"]):
            send(event(kind, email_id="re-1"), event_id=f"msg_{number}")
        handle_due()
        mail.refresh_from_db()
        assert mail.state == State.COMPLAINED
        assert DomainEvent.objects.count() == 1

    @pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.UNKNOWN, State.FAILED])
    def test_the_vendor_knows_better_than_we(self, send: Send, mail: MailMessage, state: str) -> None:
        MailMessage.objects.update(state=state, provider_message_id="", lease_until=START)
        send(event(email_id="re-9", tags={"levqor_mail": mail.public_id}))
        handle_due()
        mail.refresh_from_db()
        assert (mail.state, mail.provider_message_id, mail.lease_until) == (State.DELIVERED, "re-9", None)

    @pytest.mark.parametrize(
        "payload",
        [
            event("email.opened", email_id="re-1"),
            event("email.delivered", email_id="somebody-elses"),
            event("email.delivered", tags={"levqor_mail": "mail_nonsense"}),
            event("email.delivered", tags={"levqor_mail": str(uuid.uuid4())}),
            event("email.delivered", tags="nonsense"),
            event("email.delivered", tags=["nonsense"]),
            {"type": "email.delivered", "data": "nonsense"},
            {"type": "email.delivered"},
            event("domain.created", id="d"),
        ],
    )
    def test_what_is_not_about_our_mail_changes_nothing(self, send: Send, mail: MailMessage, payload: Any) -> None:
        send(payload)
        assert handle_due() == 1
        mail.refresh_from_db()
        assert mail.state == State.SENT
        assert ExternalEvent.objects.get().state == ExternalEvent.State.HANDLED
