"""How the fake Stripe tells of events."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from apps.integrations.stripe.fake import FakeStripe

SECRET = "whsec_test"


class Receiver:
    """Takes events, after refusing so many."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses, self.events, self.changed = refuses, [], threading.Condition()  # type: ignore[var-annotated]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], SECRET)
                with receiver.changed:
                    refused = receiver.refuses > 0
                    receiver.refuses -= refused
                    if not refused:
                        receiver.events.append(event)
                    receiver.changed.notify_all()
                self.send_response(500 if refused else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def wait(self, count: int) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.events) >= count, 10), "no event came"
            return self.events


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as taking:
        yield taking


def create_customer(fake: FakeStripe) -> str:
    ask = stripe.StripeClient(fake.api_key, base_addresses={"api": fake.url}, max_network_retries=0)
    return ask.v1.customers.create({"name": "Ann"}, {"idempotency_key": "ours"}).id


def test_an_event_is_brought_signed(receiver: Receiver) -> None:
    with FakeStripe(webhook_url=receiver.url, webhook_secret=SECRET) as fake:
        customer = create_customer(fake)
        [event] = receiver.wait(1)
    assert (event.type, event.data.object.id, event.livemode) == ("customer.created", customer, False)
    assert event.to_dict()["request"]["idempotency_key"] == "ours"


def test_an_event_is_brought_again_until_it_is_taken() -> None:
    with Receiver(refuses=1) as receiver, FakeStripe(webhook_url=receiver.url, webhook_secret=SECRET) as fake:
        create_customer(fake)
        receiver.wait(1)
    assert len(receiver.events) == 1
    assert not fake.world.find("_delivery")
    assert fake.world.find("event")[0]["pending_webhooks"] == 0


def test_what_was_not_taken_is_brought_after_a_restart(receiver: Receiver, tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with FakeStripe(state=state, webhook_url=receiver.url, webhook_secret=SECRET, deliver=False) as fake:
        customer = create_customer(fake)
    with FakeStripe(state=state, webhook_url=receiver.url, webhook_secret=SECRET) as fake:
        [event] = receiver.wait(1)
        assert event.data.object.id == customer


def test_a_test_may_bring_events_itself() -> None:
    with FakeStripe(deliver=False) as fake:
        create_customer(fake)
        body, headers = fake.signed(fake.world.find("event")[0])
        event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], fake.webhook_secret)
        assert event.type == "customer.created"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_events_are_listed_for_thirty_days() -> None:
    with FakeStripe(deliver=False) as fake:
        ask = stripe.StripeClient(fake.api_key, base_addresses={"api": fake.url}, max_network_retries=0).v1
        create_customer(fake)
        assert [event.type for event in ask.events.list({"types": ["customer.created"]}).data] == ["customer.created"]
        fake.world.advance(fake.world.now() + 31 * 24 * 3600)
        assert not ask.events.list().data
