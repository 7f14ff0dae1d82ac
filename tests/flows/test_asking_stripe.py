"""Nobody makes us ask Stripe as often as they like: it answers us so many times a second, for all customers."""

from datetime import UTC, datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from apps.billing.models import Order
from apps.billing.services import checkout, orders
from apps.integrations.models import StripeObject
from tests.common.bills import make_order, make_subscription
from tests.common.roles import client_of, make_member

pytestmark = pytest.mark.django_db
MOST = 30
PAGES = ("change", "pay", "portal", "back from the portal", "cancel the order", "end", "go on", "tax ids")


@pytest.fixture(autouse=True)
def _one_minute(db):
    """The count begins anew with each: it must not do so in the middle of a test."""
    with time_machine.travel(datetime(2027, 3, 12, 9, 30, tzinfo=UTC), tick=False):
        yield


@pytest.mark.parametrize("page", PAGES)
def test_the_thirty_first_time_in_a_minute_is_too_often(shop, owner, organization, page):
    shop.fake.world.webhook_url = ""
    client, row = client_of(owner), make_subscription(organization)
    ask = {
        "change": partial(client.get, reverse("billing_change", args=[row.public_id])),
        "pay": partial(client.get, reverse("billing_pay", args=[make_order(organization, state="open").public_id])),
        "portal": partial(client.post, reverse("billing_portal")),
        "back from the portal": partial(client.get, reverse("billing") + "?from=portal"),
        "cancel the order": partial(
            client.post, reverse("billing_order_cancel", args=[make_order(organization).public_id])
        ),
        "end": partial(client.post, reverse("billing_cancel", args=[row.public_id])),
        "go on": partial(client.post, reverse("billing_resume", args=[row.public_id])),
        "tax ids": partial(client.post, reverse("billing_tax_id_remove")),
    }[page]
    cache.clear()
    assert {ask().status_code for _time in range(MOST)} <= {200, 302}
    asked = len(shop.fake.requests)
    refused = ask()
    assert refused.status_code == 429
    assert b"Try again in" in refused.content
    assert len(shop.fake.requests) == asked
    other = client_of(make_member(organization, "billing"))
    assert other.get("/billing?from=portal").status_code == 200


@pytest.fixture
def order(shop, owner, organization):
    """One whose payment page is open."""
    shop.fake.world.webhook_url = ""
    made = orders.place_order(owner, organization, "api_pro_monthly")
    checkout.open_page(made)
    made.refresh_from_db()
    return made


def test_the_way_back_is_shown_without_asking_above_that(shop, organization, order):
    client, there = client_of(make_member(organization, "billing")), reverse("billing_return", args=[order.public_id])
    cache.clear()
    for _time in range(MOST):
        client.get(there)
    asked = len(shop.fake.requests)
    found = client.get(there)
    assert found.status_code == 200
    assert b"Nothing was charged yet" in found.content
    assert len(shop.fake.requests) == asked


def test_a_page_that_follows_a_payment_stops_asking(shop, owner, order):
    client, there = client_of(owner), reverse("billing_return", args=[order.public_id])
    cache.clear()
    found = client.get(f"{there}?session={order.session_id}").content.decode()
    assert f'hx-get="{there}?session={order.session_id}&amp;asked=1"' in found
    asked = len(shop.fake.requests)
    later = client.get(f"{there}?session={order.session_id}&asked=30").content.decode()
    assert "asked=31" in later, "the page is told by the event"
    assert len(shop.fake.requests) == asked
    last = client.get(f"{there}?session={order.session_id}&asked=300").content.decode()
    assert "hx-trigger" not in last
    assert "Nothing was charged yet" in last
    for nonsense in ("²", "-1", "9" * 5000):
        assert client.get(there, {"session": "", "asked": nonsense}).status_code == 200
    Order.objects.for_organization(order.organization_id).update(state=Order.State.EXPIRED)
    assert "hx-trigger" not in client.get(f"{there}?session={order.session_id}").content.decode()


def test_the_way_back_waits_for_no_worker(owner, order):
    """It asks again by itself; each that waits keeps a thread from everybody."""
    StripeObject.objects.create(
        kind="checkout.session",
        object_id=order.session_id,
        state="waiting",
        due_at=datetime.now(UTC),
        lease_until=datetime.now(UTC) + timedelta(seconds=80),
    )
    with patch("apps.integrations.stripe.watching.time.sleep") as sleep:
        client_of(owner).get(reverse("billing_return", args=[order.public_id]))
    sleep.assert_not_called()
