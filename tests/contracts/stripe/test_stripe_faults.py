"""What the gateway makes of a Stripe that is slow, broken, busy or gone, and that a repeat happens once."""

import json
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from apps.core.clock import now
from apps.integrations.stripe import wire
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError
from apps.integrations.stripe.fake import FakeStripe, Fault, portal_configurations
from apps.integrations.stripe.gateway import StripeGateway
from apps.integrations.stripe.port import ItemChange, Wanted
from tests.common.processes import free_port
from tests.contracts.stripe.far_end import AtTheFake, order


@dataclass(frozen=True)
class Scene:
    """A customer who has subscribed, paid, and has a page open."""

    gateway: StripeGateway
    fake: FakeStripe
    customer: str
    once: str
    monthly: str
    bigger: str
    subscription: str
    item: str
    payment: str
    page: str
    at: datetime
    portal: str

    def state(self) -> str:
        """All that exists there, but the answers that are kept for repeats."""
        world = self.fake.world
        with world.lock:
            kinds = {kind: dict(found) for kind, found in world._objects.items() if kind != "_answer"}
            return json.dumps(kinds, sort_keys=True)


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe(deliver=False) as fake:
        gateway = StripeGateway(fake.api_key, fake.url)
        gateway.create_product("pro", name="Pro", description="", tax_code="", metadata={}, key="product")
        gateway.create_meter("calls", name="Calls", key="meter")
        yield fake


@pytest.fixture
def scene(fake: FakeStripe) -> Scene:
    far_end = AtTheFake(fake)
    gateway = far_end.gateway
    prices = [
        gateway.create_price(
            "pro", lookup_key=amount, currency="USD", amount=amount, interval=interval, metadata={}, key=amount
        ).id
        for amount, interval in (("9900", ""), ("2000", "month"), ("5000", "month"))
    ]  # fmt: skip
    once, monthly, bigger = prices
    customer = gateway.create_customer(email="ada@example.com", name="Ada", metadata={}, key="customer").id
    gateway.add_tax_id(customer, type="eu_vat", value="DE123456789", key="tax")
    subscription = far_end.subscribe(customer, [Wanted(monthly)])
    payment = far_end.pay_once(customer, once, 9900)
    page = gateway.open_checkout(order("payment", customer, Wanted(once)), key="page").id
    gateway.report_usage("calls", customer, 5, identifier="usage", at=now())
    item = next(gateway.subscriptions(customer)).items[0].id
    at = now() + timedelta(seconds=1)
    with fake.world.atomic():
        portal = portal_configurations.default(fake.world)["id"]
    return Scene(gateway, fake, customer, once, monthly, bigger, subscription, item, payment, page, at, portal)


Write = Callable[[Scene, str], Any]
WRITES: dict[str, Write] = {
    "create_product": lambda s, key: s.gateway.create_product(
        key, name="x", description="", tax_code="", metadata={}, key=key
    ),
    "update_product": lambda s, key: s.gateway.update_product("pro", metadata={"said": key}, key=key),
    "create_price": lambda s, key: s.gateway.create_price(
        "pro", lookup_key="taken", currency="USD", amount="1", metadata={}, key=key
    ),
    "archive_price": lambda s, key: s.gateway.archive_price(s.bigger, key=key),
    "create_coupon": lambda s, key: s.gateway.create_coupon(
        key, name="x", percent="50", duration="once", metadata={}, key=key
    ),
    "create_meter": lambda s, key: s.gateway.create_meter(f"meter_{key}", name="x", key=key),
    "create_customer": lambda s, key: s.gateway.create_customer(email="x@example.com", name="", metadata={}, key=key),
    "update_customer": lambda s, key: s.gateway.update_customer(s.customer, name=key, key=key),
    "add_tax_id": lambda s, key: s.gateway.add_tax_id(s.customer, type="gb_vat", value="GB123456789", key=key),
    "remove_tax_ids": lambda s, key: s.gateway.remove_tax_ids(s.customer, key=key),
    "open_checkout": lambda s, key: s.gateway.open_checkout(
        order("payment", s.customer, Wanted(s.once), expires_at=s.at + timedelta(hours=1)), key=key
    ),
    "expire_checkout": lambda s, key: s.gateway.expire_checkout(s.page, key=key),
    "ensure_portal": lambda s, key: s.gateway.ensure_portal(key=key),
    "open_portal": lambda s, key: s.gateway.open_portal(
        s.customer, configuration=s.portal, return_url="https://levqor.example", key=key
    ),
    "change_subscription": lambda s, key: s.gateway.change_subscription(
        s.subscription, [ItemChange(id=s.item, price=s.bigger)], at=s.at, key=key
    ),
    "cancel_subscription": lambda s, key: s.gateway.cancel_subscription(s.subscription, at_period_end=True, key=key),
    "cancel_at_once": lambda s, key: s.gateway.cancel_subscription(s.subscription, at_period_end=False, key=key),
    "resume_subscription": lambda s, key: s.gateway.resume_subscription(s.subscription, key=key),
    "refund": lambda s, key: s.gateway.refund(s.payment, amount=100, reason="duplicate", metadata={}, key=key),
    "report_usage": lambda s, key: s.gateway.report_usage("calls", s.customer, 7, identifier=key, at=s.at),
    "take_usage_back": lambda s, key: s.gateway.take_usage_back("calls", identifier="usage"),
}
READS_FIRST = {"remove_tax_ids", "ensure_portal"}  # a fault at its first request, a read, leaves nothing done


def refused(scene: Scene, write: Write, key: str, fault: Fault) -> StripeUnavailableError:
    """What a write says that met this fault, at the first request that it made and no other."""
    before = len(scene.fake.requests)
    scene.fake.faults.append(fault)
    with pytest.raises(StripeUnavailableError) as raised:
        write(scene, key)
    assert scene.fake.faults == []
    assert len(scene.fake.requests) == before + 1
    return raised.value


class TestRepeats:
    @pytest.mark.parametrize("name", sorted(WRITES.keys() - READS_FIRST))
    @pytest.mark.parametrize("fault", [Fault(hang_up=True, after_effect=True), Fault(status=502, after_effect=True)])
    def test_a_write_whose_answer_was_lost_has_happened_once(self, scene: Scene, name: str, fault: Fault) -> None:
        key = "key"
        assert refused(scene, WRITES[name], key, fault).ambiguous
        done = scene.state()
        first = WRITES[name](scene, key)
        assert WRITES[name](scene, key) == first
        assert scene.state() == done

    @pytest.mark.parametrize("name", sorted(WRITES))
    @pytest.mark.parametrize("fault", [Fault(hang_up=True), Fault(status=500), Fault(status=429)])
    def test_a_write_that_did_not_happen_happens_with_the_repeat(self, scene: Scene, name: str, fault: Fault) -> None:
        key, before = "key", scene.state()
        error = refused(scene, WRITES[name], key, fault)
        assert error.transient
        assert error.ambiguous is (fault.status != 429)
        assert scene.state() == before
        first = WRITES[name](scene, key)
        done = scene.state()
        assert WRITES[name](scene, key) == first
        assert scene.state() == done
        assert done != before or name in ("resume_subscription", "open_portal")

    def test_a_key_that_was_used_for_something_else_is_refused(self, scene: Scene) -> None:
        key = "key"
        WRITES["refund"](scene, key)
        with pytest.raises(StripeRefusedError) as raised:
            scene.gateway.refund(scene.payment, amount=101, reason="duplicate", metadata={}, key=key)
        assert raised.value.code == "idempotency_error"

    def test_every_write_of_the_port_is_tried(self, fake: FakeStripe) -> None:
        reads = {
            "fetch", "fetch_raw", "events", "products", "prices", "coupons", "meters", "preview_change",
            "subscriptions", "invoices", "payments", "refunds", "disputes", "balance_transactions", "reported_usage",
            "checkouts", "customers", "balance",
        }  # fmt: skip
        port = {name for name in dir(StripeGateway) if name[0] != "_"}
        assert port == reads | WRITES.keys() - {"cancel_at_once"}

    @pytest.mark.parametrize(
        "name", sorted(WRITES.keys() - {"report_usage", "take_usage_back", "cancel_at_once", "remove_tax_ids"})
    )
    def test_a_write_says_its_key(self, scene: Scene, name: str) -> None:
        before = len(scene.fake.requests)
        WRITES[name](scene, "key")
        assert {asked.key for asked in list(scene.fake.requests)[before:] if asked.method == "POST"} == {"key"}


class TestWaiting:
    def test_too_many_calls(self, scene: Scene) -> None:
        busy = Fault(status=429, headers={"Retry-After": "17"})
        assert refused(scene, WRITES["refund"], "key", busy).extra["retry_after"] == 17

    def test_an_error_that_stripe_will_repeat_is_not_asked_for_again(self, scene: Scene) -> None:
        kept = Fault(status=500, headers={"Stripe-Should-Retry": "false"})
        error = refused(scene, WRITES["refund"], "key", kept)
        assert (error.transient, error.ambiguous) == (False, True)

    @pytest.mark.parametrize("body", [{}, {"error": "text"}, {"error": {"message": "no type"}}])
    def test_answers_of_no_form(self, scene: Scene, body: dict[str, Any]) -> None:
        assert refused(scene, WRITES["refund"], "key", Fault(status=500, body=body)).ambiguous

    def test_one_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wire, "READ_SECONDS", 0.2)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            gateway = StripeGateway("sk_test_x", f"http://127.0.0.1:{silent.getsockname()[1]}")
            with pytest.raises(StripeUnavailableError) as raised:
                gateway.refund("pi_1", amount=1, reason="duplicate", metadata={}, key="key")
        assert (raised.value.transient, raised.value.ambiguous) == (True, True)

    def test_one_that_is_not_there(self) -> None:
        gateway = StripeGateway("sk_test_x", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(StripeUnavailableError) as raised:
            gateway.refund("pi_1", amount=1, reason="duplicate", metadata={}, key="key")
        assert (raised.value.transient, raised.value.ambiguous) == (True, False)

    def test_our_patience(self) -> None:
        client = StripeGateway("sk_test_x")._stripe._requestor._get_http_client()
        assert client._timeout == (5.0, 20.0)


class TestKeys:
    def test_a_wrong_key_is_put_right_by_staff(
        self, scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = "sk_test_" + "9z" * 20
        gateway = StripeGateway(wrong, scene.fake.url)
        with caplog.at_level(logging.DEBUG), capture_logs() as logs, pytest.raises(StripeUnavailableError) as raised:
            WRITES["create_customer"](Scene(**{**vars(scene), "gateway": gateway}), "key")
        assert (raised.value.transient, raised.value.ambiguous) == (True, False)
        assert "9z9z" not in f"{raised.value!r} {raised.value.extra} {logs} {caplog.text}"

    def test_nothing_of_a_customer_is_logged(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO), capture_logs() as logs:
            scene.gateway.update_customer(scene.customer, email="grace@example.com", key="key-of-grace")
            list(scene.gateway.invoices(scene.customer))
            with pytest.raises(StripeRefusedError):
                scene.gateway.add_tax_id(scene.customer, type="eu_vat", value="nonsense-of-ada", key="key-of-ada")
        told = f"{logs} {caplog.text}"
        assert "stripe_code" in told
        for personal in ("grace@", "ada@", "nonsense", scene.customer, scene.fake.api_key):
            assert personal not in told


class TestPages:
    def test_lists_are_asked_for_page_by_page(self, fake: FakeStripe) -> None:
        gateway = StripeGateway(fake.api_key, fake.url)
        for number in range(210):
            gateway.create_coupon(
                f"c{number}", name="x", percent="1", duration="once", metadata={}, key=f"coupon-{number}"
            )
        asked = [each.path for each in fake.requests].count("/v1/coupons")
        some = gateway.coupons()
        next(some)
        assert [each.path for each in fake.requests].count("/v1/coupons") == asked + 1
        found = {coupon.id for coupon in gateway.coupons()}
        assert {f"c{number}" for number in range(210)} <= found
        assert [each.path for each in fake.requests].count("/v1/coupons") == asked + 4

        fake.faults.append(Fault(status=503))
        with pytest.raises(StripeUnavailableError):
            next(gateway.coupons())
        several = gateway.coupons()
        for _ in range(100):
            next(several)
        fake.faults.append(Fault(hang_up=True))
        with pytest.raises(StripeUnavailableError):
            next(several)
