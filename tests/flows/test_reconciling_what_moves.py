"""Reconciling while things move: what is on its way, or passed by on another clock, is no difference."""

from datetime import timedelta

import pytest

from apps.billing.models import Customer
from apps.billing.services import subscriptions
from tests.common.reconciling import LATER, World, found
from tests.common.roles import actor_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def change(shop, owner, organization, price, quantity=1, line="api"):
    row = shop.subscription(organization, line)
    offer = subscriptions.offer_change(row, price, quantity)
    actor = actor_of(owner, organization)
    subscriptions.change(actor, row, price, quantity, at=offer.at, period_end=row.period_end)


def test_credit_of_this_minute_is_no_difference(shop, owner, organization, clock):
    """A smaller plan gives some, and its events are on their way."""
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    clock.shift(LATER)
    assert found() == []
    change(shop, owner, organization, "api_pro_monthly")
    assert shop.world.find("customer")[0]["balance"] < 0 == Customer.objects.for_organization(organization).get().credit
    assert found() == []
    shop.settle()
    clock.shift(LATER)
    assert found() == []
    Customer.objects.for_organization(organization).update(credit=1)
    assert found() == ["credit"]
    shop.work()
    assert found() == [], "it was looked at again"


@pytest.mark.parametrize("days", [2, 5, 40])
def test_days_that_were_skipped_there_are_no_difference(shop, owner, organization, clock, days):
    """Only the clock of the test payments moved: what was before, and what renewed itself meanwhile."""
    world = World(shop, owner, organization, clock)
    world.begin()
    world.buy("base_monthly", 3)
    world.wait(LATER)
    assert found() == []
    for _day in range(days):
        shop.world.skip(shop.world.now() + 24 * 3600)
        shop.settle()
    assert found() == [], "at once"
    world.wait(LATER)
    assert found() == [], "a little later"
    world.buy("credits_1000", 2)
    world.give_back(shop.payment(organization), 100)
    change(shop, owner, organization, "base_monthly", 2, "platform")
    shop.settle()
    world.wait(LATER)
    assert found() == [], "with what was bought and changed since"
    world.wait(timedelta(days=days))
    shop.world.catch_up()
    shop.settle()
    world.count()
    assert found() == [], "when it is as late here"
