"""Beyond the plan: credits first, then overage, reported once and billed on the 1st; and what reconciling finds."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from apps.billing.catalogue import catalogue
from apps.billing.models import CreditGrant, Invoice, InvoiceLine, OverageReport, Payment, PriceAtStripe, Refund
from apps.billing.selectors import credits_left, credits_used, overage_reported
from apps.billing.services import allowances, credits, overage, refunds, subscriptions
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.billing.services.reconciliation import reconcile
from apps.billing.tasks import settle
from apps.core.errors import ConflictError, InvalidInputError
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.usage.limits import limits_of, set_limits
from apps.usage.periods import month_of, period_named
from apps.usage.services.corrections import correct
from tests.common.roles import actor_of
from tests.common.shopping import BEGIN
from tests.common.usage import call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
MARCH, APRIL = "2027-03", datetime(2027, 4, 1, tzinfo=UTC)


@pytest.fixture
def by_usage(shop, owner, organization):
    """A subscription by usage: 10,000 calls, further ones at $3.00 per 1,000."""
    shop.buy(owner, organization, "api_usage_developer_monthly")
    return shop.subscription(organization)


def count_and_report(shop):
    overage.settle_all()
    overage.count_all()
    shop.settle()


def metered(shop, organization) -> int:
    """What Stripe's meter has of March."""
    customer = shop.subscription(organization)
    [meter] = [one.id for one in stripe().meters() if one.event_name == "api_overage"]
    period = period_named(MARCH)
    found = shop.world.get("subscription", customer.stripe_id)["customer"]
    return stripe().reported_usage(meter, found, period.start, period.end)


def test_overage_is_on_the_bill(shop, organization, by_usage, clock):
    call(organization, 12_345)
    count_and_report(shop)
    assert metered(shop, organization) == 2_345
    call(organization, 655)
    count_and_report(shop)
    count_and_report(shop)
    assert overage_reported(organization, MARCH) == metered(shop, organization) == 3_000
    clock.move_to(APRIL + timedelta(minutes=65))
    shop.world.catch_up()
    shop.settle()
    renewal = Invoice.objects.for_organization(organization).order_by("-created_at")[0]
    lines = {line.price: (line.quantity, line.amount) for line in renewal.lines.all()}
    assert lines == {"api_usage_developer_monthly": (1, 2_900), "api_usage_developer_overage": (3_000, 900)}
    assert (renewal.status, renewal.total) == ("paid", 3_800)
    assert not reconcile().lines.exists()


def test_the_last_calls_of_a_month_are_on_its_bill(shop, organization, by_usage, clock):
    """They are counted after midnight, and reported within the month: the bill waits for an hour."""
    clock.move_to(APRIL - timedelta(seconds=5))
    call(organization, 10_100)
    clock.move_to(APRIL + timedelta(minutes=5))
    count_and_report(shop)
    assert OverageReport.objects.for_organization(organization).get().period == MARCH
    assert metered(shop, organization) == 100
    clock.move_to(APRIL + timedelta(minutes=65))
    shop.world.catch_up()
    shop.settle()
    renewal = Invoice.objects.for_organization(organization).order_by("-created_at")[0]
    assert renewal.lines.get(price="api_usage_developer_overage").quantity == 100


def test_overage_before_a_full_refund_is_billed_as_the_subscription_ends(shop, staff, organization, by_usage, clock):
    """What was given back was the plan's price; what was called beyond it was had."""
    call(organization, 13_000)
    count_and_report(shop)
    bought = shop.payment(organization)
    clock.shift(timedelta(minutes=2))
    refunds.order_refund(bought, bought.amount, reason="requested_by_customer", note="", by=staff)
    shop.work()
    shop.settle()
    assert shop.subscription(organization).status == "canceled"
    last = Invoice.objects.for_organization(organization).order_by("-created_at")[0]
    assert {line.price: (line.quantity, line.amount) for line in last.lines.all()} == {
        "api_usage_developer_overage": (3_000, 900)
    }
    assert (last.status, last.total) == ("paid", 900)
    assert not reconcile().lines.exists()


def test_what_is_taken_back_is_not_billed(shop, organization, by_usage, staff):
    event = call(organization, 500)
    call(organization, 11_000)
    count_and_report(shop)
    assert metered(shop, organization) == 1_500
    with time_machine.travel(BEGIN + timedelta(hours=1), tick=True):
        correct(event, "counted twice")
        count_and_report(shop)
        assert metered(shop, organization) == overage_reported(organization, MARCH) == 1_000
    states = list(OverageReport.objects.for_organization(organization).order_by("pk").values_list("state", "value"))
    assert states == [("taken_back", 1_500), ("sent", 1_000)]


def test_a_day_later_it_is_too_late_and_shows(shop, organization, by_usage, clock):
    event = call(organization, 10_400)
    count_and_report(shop)
    clock.shift(timedelta(hours=25))
    correct(event, "counted twice")
    count_and_report(shop)
    assert metered(shop, organization) == overage_reported(organization, MARCH) == 400, "Stripe takes nothing back"
    [line] = reconcile().lines.all()
    assert (line.kind, line.ours, line.theirs) == ("overage", "0", "400")
    assert line.subject == f"{MARCH} {organization.public_id}"


# When the plan changes ------------------------------------------------------------------------------------------------
def change(shop, owner, organization, price):
    offer = subscriptions.offer_change(shop.subscription(organization), price, 1)
    actor, row = actor_of(owner, organization), offer.subscription
    subscriptions.change(actor, row, price, 1, at=offer.at, period_end=row.period_end)
    shop.settle()


def end_of_march(shop, clock):
    for hours, minutes in ((0, 5), (0, 35), (1, 5), (2, 5), (4, 40)):
        clock.move_to(APRIL + timedelta(hours=hours, minutes=minutes))
        shop.world.catch_up()
        count_and_report(shop)


def billed(organization) -> int:
    """The calls beyond plans that are on bills."""
    lines = InvoiceLine.objects.filter(invoice__organization=organization, price__endswith="overage")
    return sum(line.quantity for line in lines)


def test_what_was_not_reported_yet_is_paid_when_a_larger_plan_is_bought(shop, owner, organization, by_usage, clock):
    """Half an hour of a plan without a limit, canceled: 300,000 calls of before are not had for that."""
    clock.move_to(datetime(2027, 3, 31, 23, 6, tzinfo=UTC))
    shop.world.catch_up()
    call(organization, 310_000)
    clock.move_to(datetime(2027, 3, 31, 23, 30, tzinfo=UTC))
    settle()
    change(shop, owner, organization, "api_enterprise_monthly")
    subscriptions.cancel(actor_of(owner, organization), shop.subscription(organization))
    shop.settle()
    end_of_march(shop, clock)
    assert billed(organization) == 300_000
    assert not reconcile().lines.filter(kind="overage").exists()


def test_the_last_minutes_of_a_month_are_paid_when_a_smaller_plan_is_bought_after_it(shop, owner, organization, clock):
    """Called between 23:35 and midnight, changed at 00:01, before the count of 00:05."""
    clock.move_to(datetime(2027, 2, 12, 9, 30, tzinfo=UTC))
    shop.buy(owner, organization, "api_usage_developer_monthly")
    clock.move_to(datetime(2027, 3, 31, 23, 36, tzinfo=UTC))
    shop.world.catch_up()
    call(organization, 24_000)
    clock.move_to(APRIL + timedelta(minutes=1))
    shop.world.catch_up()
    shop.settle()
    settle()
    change(shop, owner, organization, "api_pro_monthly")
    end_of_march(shop, clock)
    assert billed(organization) == 14_000


def test_what_a_change_billed_is_billed_once(shop, owner, organization, by_usage, clock):
    """The larger plan would have included most of it; and staff take a part back later, which is on a bill then."""
    event = call(organization, 10_000)
    call(organization, 50_000)
    count_and_report(shop)
    clock.shift(timedelta(hours=1))
    change(shop, owner, organization, "api_usage_professional_monthly")
    count_and_report(shop)
    assert billed(organization) == metered(shop, organization) == 50_000
    correct(event, "counted twice")
    count_and_report(shop)
    assert metered(shop, organization) == 50_000, "Stripe's bill is made: the reconciliation shows it"
    assert [(line.kind, line.ours, line.theirs) for line in reconcile().lines.all()] == [("overage", "40000", "50000")]
    end_of_march(shop, clock)
    assert billed(organization) == 50_000


def test_what_a_renewal_billed_is_billed_once(shop, organization, by_usage, clock):
    """Corrected once the month's bill is final: anew it would be on the next one."""
    clock.move_to(APRIL - timedelta(hours=2))
    shop.world.catch_up()
    event = call(organization, 500)
    call(organization, 11_000)
    count_and_report(shop)
    clock.move_to(APRIL + timedelta(minutes=65))
    shop.world.catch_up()
    shop.settle()
    correct(event, "counted twice")
    count_and_report(shop)
    clock.move_to(APRIL + timedelta(days=30, minutes=65))
    shop.world.catch_up()
    shop.settle()
    assert billed(organization) == 1_500


def test_nothing_changes_while_stripe_hears_of_no_calls(shop, owner, organization, by_usage, monkeypatch):
    call(organization, 12_000)

    def silent(*_rest, **_more):
        raise StripeUnavailableError

    monkeypatch.setattr(overage, "_send", silent)
    with pytest.raises(ConflictError, match="being counted"):
        subscriptions.offer_change(by_usage, "api_enterprise_monthly", 1)


def test_credits_come_before_overage(shop, owner, organization, by_usage):
    shop.buy(owner, organization, "credits_1000", quantity=2)
    call(organization, 13_500)
    count_and_report(shop)
    assert (credits_used(organization, MARCH), credits_left(organization)) == (2_000, 0)
    assert metered(shop, organization) == 1_500


def test_given_credits_before_bought_ones_and_the_first_to_expire_first(shop, owner, organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "credits_1000")
    late = credits.give(organization, 300, "an outage", BEGIN + timedelta(days=60))
    soon = credits.give(organization, 300, "another", BEGIN + timedelta(days=30))
    call(organization, 1_400)
    overage.settle_all()
    bought = CreditGrant.objects.for_organization(organization).get(order__isnull=False)
    for row in (late, soon, bought):
        row.refresh_from_db()
    assert (soon.left, late.left, bought.left) == (0, 200, 1_000)
    call(organization, 700)
    overage.settle_all()
    for row in (late, bought):
        row.refresh_from_db()
    assert (late.left, bought.left) == (0, 500)
    assert limits_of(organization).credits == 1_600, "what was used of this month, and what is left"


def test_credits_of_one_month_are_not_those_of_the_next(shop, organization, clock, settings):
    credits.give(organization, 1_000, "welcome", BEGIN + timedelta(days=90))
    call(organization, 1_600)
    overage.settle_all()
    clock.move_to(APRIL + timedelta(minutes=1))
    settle()
    limits = limits_of(organization)
    assert limits.credits_in(month_of(APRIL)) == 400
    assert limits.ceiling(month_of(APRIL)) == 1_400


def test_what_runs_out_is_a_sale(shop, owner, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=3)
    clock.shift(timedelta(days=366))
    settle()
    settle()
    grant = CreditGrant.objects.for_organization(organization).get()
    assert (grant.expired, grant.left) == (3_000, 0)
    assert limits_of(organization).credits == 0


def test_a_spend_cap_ends_overage(shop, owner, organization, by_usage):
    actor = actor_of(owner, organization)
    allowances.set_spend_cap(actor, organization, 10_00)
    limits = limits_of(organization)
    assert limits.ceiling(month_of(BEGIN)) == 10_000 + 3_333, "as many calls as $10.00 pay for"
    allowances.set_spend_cap(actor, organization, 0)
    assert limits_of(organization).ceiling(month_of(BEGIN)) == 10_000
    allowances.set_spend_cap(actor, organization, None)
    assert limits_of(organization).ceiling(month_of(BEGIN)) is None
    for wrong in (-1, 10**9):
        with pytest.raises(InvalidInputError):
            allowances.set_spend_cap(actor, organization, wrong)


def test_overage_of_the_month_is_billed_before_a_smaller_plan(shop, owner, organization, by_usage):
    call(organization, 10_001)
    with pytest.raises(ConflictError, match="1 April"):
        subscriptions.offer_change(by_usage, "api_pro_monthly", 1)
    subscriptions.offer_change(by_usage, "api_usage_professional_monthly", 1)


def test_money_never_has_fractions():
    from apps.billing.catalogue import catalogue

    price = catalogue().price("api_usage_enterprise_overage")
    assert price.unit_amount == "0.15"
    assert [price.cost(calls).minor for calls in (0, 3, 4, 10, 1_000, 999_999)] == [0, 0, 1, 2, 150, 150_000]


# The catalogue and the comparison ------------------------------------------------------------------------------------
def test_the_catalogue_is_pushed_once(empty_shop):
    first, second = sync_catalogue(), sync_catalogue()
    assert len(first.changes) > 40
    assert second.changes == []
    assert second.same == len(first.changes)
    before = len(empty_shop.fake.requests)
    out = StringIO()
    call_command("sync_catalogue", stdout=out)
    assert "0 changes" in out.getvalue()
    assert all(request.method == "GET" for request in list(empty_shop.fake.requests)[before:])


def test_a_price_is_never_edited(shop, monkeypatch):
    sync_catalogue()

    raw = catalogue().model_copy(deep=True)
    product = raw.products["api_pro"]
    dearer = product.model_copy(update={"prices": (product.price.model_copy(update={"amount": 2_100}),)})
    changed = raw.model_copy(update={"products": {**raw.products, "api_pro": dearer}})
    monkeypatch.setattr("apps.billing.services.catalogue_sync.catalogue", lambda: changed)
    requests = len(shop.fake.requests)
    with pytest.raises(ConflictError, match="api_pro_monthly"):
        sync_catalogue()
    assert all(request.method == "GET" for request in list(shop.fake.requests)[requests:])


def test_what_is_no_longer_sold_is_archived(shop, monkeypatch):
    sync_catalogue()
    whole = catalogue()
    exam = whole.products["exam"].model_copy(update={"retired": True})
    retired = whole.model_copy(update={"products": {**whole.products, "exam": exam}})
    monkeypatch.setattr("apps.billing.services.catalogue_sync.catalogue", lambda: retired)
    assert not exam.on_sale
    assert sync_catalogue().changes == ["archived price exam_once", "archived product exam"]
    assert sync_catalogue().changes == []
    assert not PriceAtStripe.objects.get(code="exam_once").is_current


def test_what_was_sold_is_not_taken_out(shop, monkeypatch):
    """Subscriptions, bills and open payment pages name it."""
    sync_catalogue()
    whole = catalogue()
    fewer = whole.model_copy(update={"products": {k: v for k, v in whole.products.items() if k != "exam"}})
    monkeypatch.setattr("apps.billing.services.catalogue_sync.catalogue", lambda: fewer)
    requests = len(shop.fake.requests)
    with pytest.raises(ConflictError, match=r"exam_once.*retired"):
        sync_catalogue()
    assert all(request.method == "GET" for request in list(shop.fake.requests)[requests:])


def test_reconciling_tells_every_difference_and_looks_again(shop, owner, organization, by_usage, clock):
    call(organization, 11_000)
    count_and_report(shop)
    stripe().refund(shop.payment(organization).stripe_id, amount=100, reason="", metadata={}, key="at stripe")
    shop.new_events()  # which never arrive
    set_limits(organization, "pro")
    clock.shift(timedelta(minutes=15))
    report = reconcile()
    kinds = {line.kind for line in report.lines.all()}
    assert {"event", "payment", "refund", "plan"} <= kinds
    assert report.differences == report.lines.count()
    shop.work()
    assert Refund.objects.get().amount == 100, "it was looked at again"
    payment = Payment.objects.for_organization(organization).get(refunded=100)
    assert payment.amount > 100
    set_limits(organization, "usage_developer")
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", stdout=StringIO())
    assert ended.value.code == 1, "the events are still not here"
