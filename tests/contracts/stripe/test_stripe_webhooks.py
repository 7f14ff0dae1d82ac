"""Stripe's webhooks through our door: signatures, age, size, duplicates, real and test money, and what is kept."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from stripe import WebhookSignature

from apps.integrations.models import ExternalEvent

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET, OTHER_SECRET = "whsec_" + "a1" * 20, "whsec_" + "b2" * 20
TEST_KEY, LIVE_KEY = "sk_test_" + "a1" * 20, "sk_live_" + "a1" * 20
pytestmark = pytest.mark.django_db

Send = Callable[..., HttpResponse]


@pytest.fixture(autouse=True)
def _scene(settings: LazySettings) -> Iterator[None]:
    settings.STRIPE_API_KEY = TEST_KEY
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    with patch("apps.core.doorbell.current_app.send_task"), time_machine.travel(START, tick=False):
        yield


@pytest.fixture
def send(client: Client) -> Send:
    """Post an event as Stripe does; each part can be spoiled."""

    def post(
        payload: Any,
        sent_at: datetime = START,
        secret: str = SECRET,
        changed: bytes | None = None,
        signature: str | None = None,
    ) -> HttpResponse:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        stamp = int(sent_at.timestamp())
        good = WebhookSignature.generate_signature_header(body.decode("utf-8", "replace"), secret, stamp)
        parts = {"{good}": good, "{other scheme}": good.replace("v1", "v0"), "{t}": str(stamp)}
        header = good if signature is None else signature
        for name, part in parts.items():
            header = header.replace(name, part)
        return client.post(  # type: ignore[return-value] # the test client's response is an HttpResponse
            "/webhooks/stripe/",
            data=body if changed is None else changed,
            content_type="application/json",
            headers={"Stripe-Signature": header} if header else {},
        )

    return post


def event(kind: str = "customer.updated", about: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    about = about if about is not None else {"id": "cus_1", "object": "customer", "email": "ada@example.com"}
    made = {
        "id": "evt_1", "object": "event", "type": kind, "created": 1772442000, "livemode": False,
        "api_version": "2026-08-26.dahlia", "pending_webhooks": 1, "data": {"object": about}, "request": None,
    }  # fmt: skip
    return {**made, **other}


class TestTheDoor:
    def test_a_good_event_is_stored_once_however_often_it_comes(self, send: Send) -> None:
        first, again = send(event()), send(event(), sent_at=START + timedelta(seconds=5))
        stored = ExternalEvent.objects.get()
        assert (first.status_code, again.status_code) == (200, 200)
        assert json.loads(again.content) == {"received": stored.public_id, "duplicate": True}
        assert (stored.vendor, stored.external_id, stored.type) == ("stripe", "evt_1", "customer.updated")

    def test_nothing_of_the_customer_is_kept(self, send: Send) -> None:
        send(event())
        assert ExternalEvent.objects.get().payload == {
            "id": "evt_1", "type": "customer.updated", "created": 1772442000, "livemode": False,
            "object_kind": "customer", "object_id": "cus_1",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("about", "kind", "object_id"),
        [
            ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "payment_intent", "pi_1"),
            ({"object": "charge", "id": "ch_1", "payment_intent": None}, "charge", "ch_1"),
            ({"object": "invoice_payment", "id": "inpay_1", "invoice": {"id": "in_1"}}, "invoice", "in_1"),
            ({"object": "tax_id", "id": "txi_1", "customer": "cus_1"}, "customer", "cus_1"),
            ({"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"}, "dispute", "dp_1"),
            ({"object": "balance", "available": []}, "balance", ""),
            ({}, "", ""),
        ],
    )
    def test_who_an_event_is_about(self, send: Send, about: dict[str, Any], kind: str, object_id: str) -> None:
        assert send(event(about=about)).status_code == 200
        payload = ExternalEvent.objects.get().payload
        assert (payload["object_kind"], payload["object_id"]) == (kind, object_id)

    @pytest.mark.parametrize(
        "spoiled",
        [
            {"secret": OTHER_SECRET},
            {"changed": json.dumps(event(id="evt_2")).encode()},
            {"changed": b""},
            {"changed": b"\xff\xfe"},
            {"sent_at": START - timedelta(seconds=301)},
            {"sent_at": START + timedelta(seconds=301)},
            {"signature": ""},
            {"signature": "v1"},
            {"signature": "t=,v1="},
            {"signature": "t={t}"},
            {"signature": "t={t},v1="},
            {"signature": "t={t},v1=abc"},
            {"signature": "t={t},v1=ä"},
            {"signature": "t=nan,{good}"},
            {"signature": "t=" + "9" * 5000 + ",{good}"},
            {"signature": "t=1,{good}"},
            {"signature": "{other scheme}"},
        ],
    )
    def test_a_forged_or_stale_event_leaves_no_row(self, send: Send, spoiled: dict[str, Any]) -> None:
        response = send(event(), **spoiled)
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert json.loads(response.content)["code"] == "webhook_refused"
        assert not ExternalEvent.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            b"[]", b"{}", b"no json", b'"text"', b"[" * 50_000,
            json.dumps(event(object="v2.core.event")).encode(),
            json.dumps(event(id=5)).encode(),
            json.dumps(event(id="e" * 201)).encode(),
            json.dumps(event(type="t" * 121)).encode(),
            json.dumps(event(type=None)).encode(),
            json.dumps(event(livemode="no")).encode(),
            json.dumps(event(created="now")).encode(),
            *(json.dumps(event(created=odd)).encode() for odd in (True, -1, 10**12, 10**400, 1.5)),
            *(json.dumps(event(id=odd)).encode() for odd in ("", "evt_\x00", "evt_\ud800", "evt_1 ", "evt_ä")),
            json.dumps(event(type="invoice\x00paid")).encode(),
            *(
                json.dumps(event(about={"object": "customer", "id": odd})).encode()
                for odd in ({"a": 1}, ["cus_1"], 5, "cus_\x00", "cus_\ud800", "c" * 121, "")
            ),
            json.dumps(event(about={"object": ["customer"], "id": "cus_1"})).encode(),
            json.dumps(event(about={"object": "coupon", "id": "\ud800"})).encode(),
            json.dumps(event(about={"object": "charge", "id": "ch_1", "payment_intent": ["pi_1"]})).encode(),
            json.dumps(event(data=[])).encode(),
            json.dumps(event(data={"object": "cus_1"})).encode(),
        ],
    )  # fmt: skip
    def test_a_signed_body_that_is_no_event_is_refused(self, send: Send, body: bytes) -> None:
        assert send(body).status_code == 400
        assert not ExternalEvent.objects.exists()

    def test_a_body_above_one_megabyte_is_refused(self, send: Send) -> None:
        response = send(event(about={"object": "invoice", "id": "in_1", "padding": "x" * 1_000_000}))
        assert (response.status_code, json.loads(response.content)["code"]) == (413, "webhook_too_large")
        assert not ExternalEvent.objects.exists()

    @pytest.mark.parametrize("length", ["²", "-1", "many", "9" * 5_000], ids=["power", "negative", "word", "digits"])
    def test_a_length_that_is_none_is_refused(self, client: Client, length: str) -> None:
        response = client.post("/webhooks/stripe/", b"{}", content_type="application/json", CONTENT_LENGTH=length)
        assert response.status_code == 413

    def test_what_people_name_themselves_may_have_any_letters(self, send: Send) -> None:
        assert send(event(about={"object": "coupon", "id": "Sommer für alle"})).status_code == 200

    def test_it_asks_for_no_csrf_token(self, send: Send, client: Client) -> None:
        client.handler.enforce_csrf_checks = True
        assert send(event()).status_code == 200


class TestSecrets:
    def test_one_secret_replaces_another(self, send: Send, settings: LazySettings) -> None:
        settings.STRIPE_WEBHOOK_SECRETS = [OTHER_SECRET, SECRET]
        assert send(event(), secret=SECRET).status_code == 200
        assert send(event(id="evt_2"), secret=OTHER_SECRET).status_code == 200

    def test_one_of_several_signatures_is_enough(self, send: Send) -> None:
        assert send(event(), signature="t={t},v1=" + "0" * 64 + ",{good}").status_code == 200
        assert send(event(), signature="{good},v1=" + "0" * 64 + ",v0=" + "0" * 64).status_code == 200

    @pytest.mark.parametrize("missing", ["STRIPE_WEBHOOK_SECRETS", "STRIPE_API_KEY"])
    def test_without_payments_there_is_no_such_address(self, send: Send, settings: LazySettings, missing: str) -> None:
        setattr(settings, missing, "")
        assert send(event()).status_code == 404


class TestRealAndTestMoney:
    @pytest.mark.parametrize(
        ("key", "livemode", "status"),
        [
            (TEST_KEY, False, 200),
            (TEST_KEY, True, 400),
            (LIVE_KEY, True, 200),
            (LIVE_KEY, False, 400),
            (LIVE_KEY.replace("sk", "rk"), False, 400),
        ],
    )
    def test_they_stay_apart(self, send: Send, settings: LazySettings, key: str, livemode: bool, status: int) -> None:
        settings.STRIPE_API_KEY = key
        assert send(event(livemode=livemode)).status_code == status
        assert ExternalEvent.objects.count() == (status == 200)
