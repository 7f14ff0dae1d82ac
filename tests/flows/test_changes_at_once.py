"""Changes that meet each other or are cut off, and the moment from which one is charged or credited."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine

from apps.billing.catalogue import catalogue
from apps.billing.errors import OvertakenError
from apps.billing.models import Invoice
from apps.billing.services import subscriptions
from apps.core.clock import now
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError
from apps.integrations.stripe.gateway import StripeGateway
from apps.usage.limits import limits_of
from tests.common.roles import actor_of

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db):
    """In the middle of a month."""
    with time_machine.travel(BEGIN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def actor(owner, organization):
    return actor_of(owner, organization)


@pytest.fixture
def pro(shop, owner, organization):
    shop.buy(owner, organization, "api_pro_monthly")
    return shop.subscription(organization)


def confirm(actor, offer, **other):
    terms = {"at": offer.at, "period_end": offer.subscription.period_end, **other}
    subscriptions.change(actor, offer.subscription, offer.price.code, offer.quantity, **terms)


def overage_items(row):
    return [code for code in row.items if code.endswith("overage")]


def test_two_changes_at_once_leave_the_items_of_one(shop, actor, organization, pro):
    """Two tabs, two plans by usage, both confirmed in the same second: overage is billed by the one that holds."""
    offer = subscriptions.offer_change(pro, "api_usage_enterprise_monthly", 1)
    real, tried = StripeGateway.change_subscription, []

    def meanwhile(gateway, *what, **more):
        if not tried:
            tried.append(True)
            for row in (pro, shop.subscription(organization)):
                other = replace(offer, subscription=row, price=catalogue().price("api_usage_developer_monthly"))
                with pytest.raises(OvertakenError):
                    confirm(actor, other)
        return real(gateway, *what, **more)

    with patch.object(StripeGateway, "change_subscription", meanwhile):
        confirm(actor, offer)
    shop.settle()
    assert overage_items(shop.subscription(organization)) == ["api_usage_enterprise_overage"]


def test_a_change_that_we_were_not_told_of_is_shown_first(shop, actor, organization, pro):
    with patch.object(subscriptions, "look_now"):
        confirm(actor, subscriptions.offer_change(pro, "api_usage_enterprise_monthly", 1))
    late = shop.subscription(organization)
    assert late.product == "api_pro"
    offer = replace(subscriptions.offer_change(late, "api_usage_developer_monthly", 1), at=now())
    with pytest.raises(OvertakenError):
        confirm(actor, offer)
    row = shop.subscription(organization)
    assert row.product == "api_usage_enterprise", "it was looked at"
    confirm(actor, replace(subscriptions.offer_change(row, "api_usage_developer_monthly", 1), at=now()))
    shop.settle()
    assert overage_items(shop.subscription(organization)) == ["api_usage_developer_overage"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, StripeUnavailableError(ambiguous=True)])
@pytest.mark.parametrize("was_done", [True, False])
def test_a_change_whose_answer_nobody_heard_keeps_the_next_waiting(
    shop, actor, organization, pro, clock, error, was_done
):
    offer, real = subscriptions.offer_change(pro, "api_usage_enterprise_monthly", 1), StripeGateway.change_subscription

    def unheard(gateway, *what, **more):
        if was_done:
            real(gateway, *what, **more)
        raise error

    unanswered = suppress(KeyboardInterrupt, StripeUnavailableError)
    with patch.object(StripeGateway, "change_subscription", unheard), unanswered:
        confirm(actor, offer)
    row = shop.subscription(organization)
    with pytest.raises(OvertakenError):
        confirm(actor, subscriptions.offer_change(row, "api_usage_developer_monthly", 1))
    clock.shift(timedelta(minutes=2))
    shop.settle()
    row = shop.subscription(organization)
    assert (row.product == "api_usage_enterprise") == was_done
    confirm(actor, subscriptions.offer_change(row, "api_usage_developer_monthly", 1))
    shop.settle()
    assert overage_items(shop.subscription(organization)) == ["api_usage_developer_overage"]


@pytest.mark.parametrize("error", [StripeRefusedError, StripeUnavailableError])
def test_a_change_that_was_not_made_can_be_made_at_once(shop, actor, organization, pro, error):
    offer = subscriptions.offer_change(pro, "api_enterprise_monthly", 1)
    with patch.object(StripeGateway, "change_subscription", side_effect=error), pytest.raises(error):
        confirm(actor, offer)
    confirm(actor, offer)
    assert limits_of(organization).quota is None


def test_half_an_hour_of_many_seats_is_paid(shop, actor, owner, organization, clock):
    """500 seats for 29 minutes, given back as of when they were bought; and again."""
    shop.buy(owner, organization, "base_monthly", quantity=1)
    clock.shift(timedelta(days=15))
    shop.world.catch_up()
    shop.settle()
    for _time in range(3):
        more = subscriptions.offer_change(shop.subscription(organization, "platform"), "base_monthly", 500)
        confirm(actor, more)
        shop.settle()
        clock.shift(timedelta(minutes=29))
        row = shop.subscription(organization, "platform")
        less = subscriptions.offer_change(row, "base_monthly", 1, at=row.changed_at)
        confirm(actor, less)
        shop.settle()
        clock.shift(timedelta(minutes=1))
    bills = Invoice.objects.for_organization(organization).filter(reason="subscription_update")
    cost = sum(bill.total for bill in bills)
    assert 1_900 < cost < 2_000, "each time 499 seats for 29 minutes are about $6.48"


def test_a_smaller_plan_is_not_taken_back_into_last_month(shop, actor, owner, organization, clock):
    shop.buy(owner, organization, "api_enterprise_monthly")
    clock.move_to(datetime(2027, 3, 31, 23, 59, 50, tzinfo=UTC))
    offer = subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)
    clock.move_to(datetime(2027, 4, 1, 0, 0, 5, tzinfo=UTC))
    shop.world.catch_up()
    with pytest.raises(OvertakenError):
        confirm(actor, offer)
