"""Nobody makes us ask Stripe as often as they like: it answers us so many times a second, for all customers."""

from datetime import UTC, datetime
from functools import partial

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse

from tests.common.bills import make_order, make_subscription
from tests.common.roles import client_of, make_member

pytestmark = pytest.mark.django_db
MOST = 30


@pytest.fixture(autouse=True)
def _one_minute(db):
    """The count begins anew with each: it must not do so in the middle of a test."""
    with time_machine.travel(datetime(2027, 3, 12, 9, 30, tzinfo=UTC), tick=False):
        yield


@pytest.mark.parametrize("page", ["change", "pay", "portal", "back from the portal"])
def test_the_thirty_first_time_in_a_minute_is_too_often(shop, owner, organization, page):
    shop.fake.world.webhook_url = ""
    client = client_of(owner)
    ask = {
        "change": partial(client.get, reverse("billing_change", args=[make_subscription(organization).public_id])),
        "pay": partial(client.get, reverse("billing_pay", args=[make_order(organization, state="open").public_id])),
        "portal": partial(client.post, reverse("billing_portal")),
        "back from the portal": partial(client.get, reverse("billing") + "?from=portal"),
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
