"""Days that somebody skipped at the test payments' pages pass there alone: buying goes on all the same."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.billing.models import Invoice, OverageReport
from apps.billing.services import checkout, orders, overage, subscriptions
from apps.integrations.stripe.connection import stripe
from apps.usage.limits import limits_of
from apps.usage.periods import period_named
from tests.common.roles import actor_of
from tests.common.stripe_pages import Browser
from tests.common.usage import call

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 1, 30, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db, settings):
    settings.API_DEFAULT_PLAN = "sandbox"  # else what it includes holds for the whole month
    with time_machine.travel(BEGIN, tick=True) as traveller:
        yield traveller


@pytest.fixture
def pages(shop):
    return Browser().open(f"{shop.fake.url}/")


@pytest.mark.parametrize("words", ["Let a day pass", "Go to the next renewal"])
def test_buying_goes_on(shop, owner, organization, pages, words):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    pages.open(f"{shop.fake.url}/").press(words)
    assert "Only the time of these test payments moved: everywhere else it is 30 Jan 2027, 09:30 UTC." in pages.text
    shop.settle()
    assert shop.buy(owner, organization, "credits_1000").state == "paid"
    assert shop.buy(owner, organization, "base_monthly").state == "paid"
    actor, row = actor_of(owner, organization), shop.subscription(organization)
    offer = subscriptions.offer_change(row, "api_usage_professional_monthly", 1)
    subscriptions.change(actor, row, "api_usage_professional_monthly", 1, at=offer.at, period_end=row.period_end)
    shop.settle()
    assert shop.subscription(organization).product == "api_usage_professional"
    assert limits_of(organization).quota == 50_000


@pytest.mark.parametrize("days", [1, 2, 33])
def test_a_plan_that_is_billed_on_the_first_is_bought_on_another_day(shop, owner, organization, pages, days):
    for _day in range(days):
        pages.press("Let a day pass")
    shop.buy(owner, organization, "api_usage_developer_monthly")
    ends = shop.subscription(organization).period_end
    here = datetime.fromtimestamp(shop.world.now(), UTC)
    assert (ends.day, ends.hour) == (1, 0)
    assert timedelta(0) < ends - here <= timedelta(days=31)


def test_usage_is_billed_in_the_period_that_it_is_there(shop, owner, organization, pages):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    for month in range(2):
        pages.open(f"{shop.fake.url}/").press("Go to the next renewal")
        shop.settle()
        call(organization, 11_000 if month == 0 else 500)
        overage.settle_all()
        overage.count_all()
        shop.settle()
    pages.open(f"{shop.fake.url}/").press("Go to the next renewal")
    shop.settle()
    bills = Invoice.objects.for_organization(organization).order_by("created_at")
    counts = [
        bill.lines.filter(price="api_usage_developer_overage").values_list("quantity", flat=True) for bill in bills
    ]
    assert [sum(found) for found in counts] == [0, 0, 1_000, 500]
    assert set(OverageReport.objects.for_organization(organization).values_list("state", flat=True)) == {"sent"}
    period = period_named("2027-01")
    [meter] = [one.id for one in stripe().meters() if one.event_name == "api_overage"]
    customer = shop.world.get("subscription", shop.subscription(organization).stripe_id)["customer"]
    assert stripe().reported_usage(meter, customer, period.start, period.end) == 1_500, "of our January"


def test_back_to_today(shop, owner, organization, pages):
    shop.buy(owner, organization, "api_pro_monthly")
    pages.open(f"{shop.fake.url}/").press("Go to the next renewal")
    pages.open(f"{shop.fake.url}/back")
    assert "These subscriptions end at once" in pages.text
    assert "API Pro" in pages.text
    pages.press("End all of it and go back")
    assert "Here it is 30 Jan 2027" in pages.text
    assert "everywhere else" not in pages.text
    shop.settle()
    assert shop.subscription(organization).is_over
    assert shop.buy(owner, organization, "api_pro_monthly").state == "paid"
    assert not shop.subscription(organization).is_over


def test_a_page_that_was_open_closes_on_the_way_back(shop, owner, organization, pages):
    order = orders.place_order(owner, organization, "credits_1000")
    checkout.open_page(order)
    pages.press("Let a day pass")
    pages.open(f"{shop.fake.url}/back").press("End all of it and go back")
    assert [one["status"] for one in shop.world.find("checkout.session")] == ["expired"]
    assert shop.world.now() - datetime.now(UTC).timestamp() < timedelta(minutes=1).total_seconds()
