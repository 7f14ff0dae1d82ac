"""Staff and money: every customer found, seen whole, given to and released, on the record."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Organization
from apps.audit.models import AuditEntry
from apps.billing.models import (
    CreditGrant,
    Customer,
    Dispute,
    Entitlement,
    Invoice,
    Order,
    Payment,
    PriceAtStripe,
    PrivateCoupon,
    Reconciliation,
    Refund,
    Subscription,
)
from apps.billing.services import coupons, customers, holds, orders
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.core.clock import now
from apps.integrations.models import StripeObject
from apps.usage.limits import limits_of
from tests.common.billed import bill
from tests.common.bills import make_grant, make_invoice, make_order, make_payment, make_subscription
from tests.common.roles import client_of, make_organization, make_user
from tests.common.staff import action_address, list_address, row_address, staff_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance():
    return staff_with("finance")


def customer_of(organization):
    return Customer.objects.for_organization(organization).get()


def audited(organization, code):
    return list(AuditEntry.objects.for_organization(organization).filter(code=code))


# What staff give ------------------------------------------------------------------------------------------------------
def test_credits_are_given_and_revoked_on_the_record(organization, owner, finance):
    customers.customer_of(organization)
    client, customer = client_of(finance), customer_of(organization)
    day = (now() + timedelta(days=10)).date()
    sent = {"calls": "500", "reason": "An outage of ours", "until": f"{day}"}
    done = client.post(action_address(customer, "give-credits"), sent, follow=True)
    assert done.redirect_chain[-1][0] == row_address(customer)
    grant = CreditGrant.objects.for_organization(organization).get()
    assert (grant.left, grant.reason, grant.amount) == (500, "An outage of ours", 0)
    assert grant.expires_at.date() == day + timedelta(days=1), "the whole of that day"
    assert limits_of(organization).credits == 500
    assert "An outage of ours" in done.content.decode()
    assert len(audited(organization, "billing.credits_given")) == 1
    gone = client.post(action_address(grant, "revoke"), follow=True)
    assert "/do/revoke/" not in gone.content.decode()
    assert limits_of(organization).credits == 0
    assert len(audited(organization, "billing.credits_revoked")) == 1
    again = client.post(action_address(grant, "revoke"), follow=True)
    assert "Nothing is left of these credits." in again.content.decode()


@pytest.mark.parametrize(
    "wrong", [{"calls": "0"}, {"calls": "99999999"}, {"reason": ""}, {"until": "2020-01-01"}, {"until": ""}]
)
def test_credits_that_make_no_sense_are_asked_again(wrong, organization, finance):
    customer = customers.customer_of(organization)
    sent = {"calls": "500", "reason": "A gift", "until": f"{(now() + timedelta(days=3)).date()}", **wrong}
    assert client_of(finance).post(action_address(customer, "give-credits"), sent).status_code == 422
    assert not CreditGrant.objects.unscoped().exists()


def test_bought_credits_are_not_revoked(organization, owner, finance):
    bill(organization, owner)
    grant, client = CreditGrant.objects.for_organization(organization).get(), client_of(finance)
    assert "/do/revoke/" not in client.get(row_address(grant)).content.decode()
    told = client.post(action_address(grant, "revoke"), follow=True).content.decode()
    assert "These credits were paid for: refund the payment instead." in told


def test_a_coupon_is_given_and_works_for_its_organization_alone(shop, owner, organization, finance):
    customer, client = customers.customer_of(organization), client_of(finance)
    client.post(action_address(customer, "give-coupon"), {"coupon": "launch50", "code": "Thank-You", "until": ""})
    made = PrivateCoupon.objects.for_organization(organization).get()
    assert (made.code, made.coupon, made.expires_at) == ("thank-you", "launch50", None)
    assert len(audited(organization, "billing.coupon_given")) == 1
    taken = client.post(
        action_address(customer, "give-coupon"), {"coupon": "launch50", "code": "thank-you"}, follow=True
    )
    assert "This code is taken." in taken.content.decode()
    client.post(action_address(customer, "give-coupon"), {"coupon": "launch50", "code": ""})
    assert PrivateCoupon.objects.for_organization(organization).filter(code__startswith="gift-").count() == 1
    shop.buy(owner, organization, "api_pro_monthly", coupon="thank-you")
    bill_of_it = Invoice.objects.for_organization(organization).get()
    assert abs(2 * bill_of_it.total - sum(line.amount for line in bill_of_it.lines.all())) <= 1, "half the price"
    other = make_organization(owner, "Elsewhere")
    with pytest.raises(coupons.CouponRefusedError):
        orders.place_order(owner, other, "api_pro_monthly", coupon="thank-you")


@pytest.mark.parametrize("code", ["launch50", "abc", "two words", "ä" * 6, "-abcd"])
def test_a_code_that_makes_no_sense_gives_nothing(code, organization, finance):
    customer = customers.customer_of(organization)
    client_of(finance).post(action_address(customer, "give-coupon"), {"coupon": "launch50", "code": code})
    assert not PrivateCoupon.objects.unscoped().exists()


def test_a_hold_is_released_on_the_record(organization, finance):
    customer, client = customers.customer_of(organization), client_of(finance)
    holds.hold(customer, "A payment is disputed.")
    held = client.get(list_address(Customer), {"hold": "held"}).context["cl"].result_list
    assert [row.pk for row in held] == [customer.pk]
    assert "A payment is disputed." in client.get(row_address(customer)).content.decode()
    client.post(action_address(customer, "release"))
    assert customer_of(organization).held_because == ""
    assert len(audited(organization, "billing.customer_released")) == 1
    assert not list(client.get(list_address(Customer), {"hold": "held"}).context["cl"].result_list)
    again = client.post(action_address(customer, "release"), follow=True)
    assert "This customer is not on hold." in again.content.decode()


def test_what_has_to_be_in_time_is_shown_to_the_minute(organization, owner, staff):
    moment = datetime(2031, 4, 2, 21, 59, tzinfo=UTC)
    payment = make_payment(organization, 1_900)
    dispute = Dispute.objects.create(
        payment=payment, stripe_id="dp_1", amount=1_900, status="needs_response", due_by=moment, created_at=now()
    )
    bill = make_invoice(organization, ("api_pro_monthly", 1, 1_900), next_attempt=moment)
    trial = make_subscription(organization, "base", status=Subscription.Status.TRIALING, trial_end=moment)
    client = client_of(staff)
    for row in (dispute, bill, trial, make_grant(organization, 10, expires_at=moment)):
        assert "2 Apr 2031, 21:59 UTC" in client.get(row_address(row)).content.decode(), row
    assert "2 Apr 2031, 21:59 UTC" in client.get(list_address(Dispute)).content.decode()
    Dispute.objects.update(status="lost")
    assert "21:59 UTC" not in client.get(row_address(dispute)).content.decode(), "it is decided"
    assert "21:59 UTC" not in client.get(row_address(payment)).content.decode()


def test_the_page_of_the_catalogue_is_called_one(staff):
    found = client_of(staff).get(reverse("admin:billing_catalogue")).content.decode()
    assert "Catalogue" in found.partition("<title>")[2].partition("</title>")[0]
    heading = found.partition("<main")[0] if "<main" in found else found.partition("staff-overview")[0]
    assert "Prices at Stripe</a>" not in heading


def test_an_order_of_a_trial_is_called_one(organization, owner, staff):
    order = make_order(organization, "base_monthly", state=Order.State.PAID, paid_at=now())
    for page in (list_address(Order), row_address(order)):
        assert '<span class="staff-tag go">trial</span>' in client_of(staff).get(page).content.decode()


# Finding and seeing ---------------------------------------------------------------------------------------------------
def test_a_customer_is_found_by_whatever_is_known(organization, owner, staff):
    bill(organization, owner)
    second = make_organization(make_user("Olga Other"), "Elsewhere", slug="elsewhere")
    bill(second, owner)
    client, customer = client_of(staff), customer_of(organization)
    for words in (
        organization.public_id, organization.slug, customer.stripe_id, customer.public_id, owner.email,
        f" {organization.public_id} ",
    ):  # fmt: skip
        found = client.get(list_address(Customer), {"q": words}, follow=True)
        assert found.redirect_chain, words
        assert found.redirect_chain[-1][0] == row_address(customer), words
    make_organization(owner, "Third")
    Customer.objects.create(organization=Organization.objects.get(name="Third"))
    both = client.get(list_address(Customer), {"q": owner.email})
    assert {row.organization.name for row in both.context["cl"].result_list} == {organization.name, "Third"}
    assert not list(client.get(list_address(Customer), {"q": "nobody@example.com"}).context["cl"].result_list)


@pytest.mark.parametrize("model", [Payment, Subscription, Order, CreditGrant, Entitlement, Refund, Dispute])
def test_rows_are_found_by_their_organization(model, organization, owner, staff):
    bill(organization, owner)
    bill(make_organization(owner, "Elsewhere", slug="elsewhere"), owner)
    client = client_of(staff)
    assert len(client.get(list_address(model)).context["cl"].result_list) == 2
    found = client.get(list_address(model), {"q": "elsewhere"}, follow=True)
    assert found.redirect_chain
    assert len(found.context["cl"].result_list) == 1


def test_a_row_is_found_by_its_id_at_stripe(organization, owner, staff):
    payment = bill(organization, owner)
    client = client_of(staff)
    for words in (payment.stripe_id, payment.charge):
        found = client.get(list_address(Payment), {"q": words}, follow=True)
        assert found.redirect_chain[-1][0] == row_address(payment)


def test_subscriptions_are_narrowed_by_line_and_product(organization, owner, staff):
    bill(organization, owner)
    client = client_of(staff)
    for query, count in (
        ({"line": "api"}, 1),
        ({"line": "platform"}, 0),
        ({"product": "api_pro"}, 1),
        ({"status__exact": "active", "product": "base"}, 0),
        ({"line": "no-such-line"}, 0),
    ):
        assert len(client.get(list_address(Subscription), query).context["cl"].result_list) == count, query


def test_stripes_own_pages_are_named_where_a_real_key_is_used(organization, owner, staff, settings):
    bill(organization, owner)
    client, address = client_of(staff), row_address(customer_of(organization))
    settings.STRIPE_IS_FAKE = True
    assert "dashboard.stripe.com" not in client.get(address).content.decode()
    settings.STRIPE_IS_FAKE, settings.STRIPE_API_KEY, settings.STRIPE_API_URL = False, "sk_test_x", ""
    stripe_id = customer_of(organization).stripe_id
    assert f"https://dashboard.stripe.com/test/customers/{stripe_id}" in client.get(address).content.decode()
    settings.STRIPE_API_KEY = "sk_live_x"
    assert f"https://dashboard.stripe.com/customers/{stripe_id}" in client.get(address).content.decode()


def test_a_customers_page_has_all_of_it(organization, owner, staff):
    payment = bill(organization, owner)
    client, address = client_of(staff), row_address(customer_of(organization))
    text = client.get(address).content.decode()
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    assert len(asked) <= 14, "each table is asked for once"
    for row in (payment, payment.invoice, payment.invoice.subscription, Order.objects.unscoped().get()):
        assert row_address(row) in text, row
    assert "API Pro" in text
    assert "gift-" in text


def test_the_catalogue_says_what_is_sold_and_what_is_missing(shop, staff):
    sync_catalogue()
    price = PriceAtStripe.objects.get(code="api_pro_monthly")
    text = re.sub(r"\s+", " ", client_of(staff).get("/admin/billing/priceatstripe/catalogue/").content.decode())
    assert "$19.00 a month" in text
    assert price.stripe_id in text
    assert "Nothing installed has: packs.starter" in text
    assert client_of(staff_with("")).get("/admin/billing/priceatstripe/catalogue/").status_code == 403


def test_differences_are_listed_with_their_comparison(organization, owner, staff):
    payment = bill(organization, owner)
    text = client_of(staff).get(row_address(Reconciliation.objects.get())).content.decode()
    assert payment.public_id in text
    assert row_address(organization) in text


def test_the_first_page_tells_how_money_stands(organization, owner, staff):
    bill(organization, owner)
    holds.hold(customer_of(organization), "Looked at")
    page = client_of(staff).get("/admin/")
    figures = {str(figure.label): figure for group in page.context["groups"] for figure in group["figures"]}
    assert (figures["Paid today"].value, figures["Paid today"].note) == ("$19.00", "1 payment")
    for label in ("Open disputes", "Refunds that did not arrive", "Customers on hold", "Differences to Stripe"):
        assert figures[label].value == "1", label
        assert client_of(staff).get(figures[label].url).status_code == 200, label
    assert figures["Failed bills"].value == "0"
    chart = next(panel for panel in page.context["panels"] if str(panel["label"]) == "Payments per day")["data"][
        "chart"
    ]
    assert list(chart.rows[-1][1]) == [1, 2], "today: one payment, a refund and a dispute"


def test_an_organizations_page_tells_what_it_pays_for(organization, owner, staff):
    client = client_of(staff)
    told = {str(fact.label): fact.value for fact in client.get(row_address(organization)).context["facts"]}
    assert (told["Subscriptions"], told["Customer"], told["Credits left"]) == ("none", "never bought", "0")
    bill(organization, owner)
    told = {str(fact.label): fact for fact in client.get(row_address(organization)).context["facts"]}
    assert (told["Subscriptions"].value, told["Customer"].value) == ("API Pro", "may buy")
    assert (told["Customer"].note, told["Credits left"].value) == ("visa ···· 4242", "1,990")


def test_what_was_given_up_is_looked_at_again(organization, owner):
    bill(organization, owner)
    operator = staff_with("operations")
    client, row = client_of(operator), StripeObject.objects.get()
    assert "/do/look-again/" not in client.get(row_address(row)).content.decode()
    StripeObject.objects.update(state="dead", attempts=12, last_error="StripeRefusedError: no such thing")
    dead = client.get(list_address(StripeObject), {"state__exact": "dead"})
    assert list(dead.context["cl"].result_list) == [row]
    assert "no such thing" in client.get(row_address(row)).content.decode()
    client.post(action_address(row, "look-again"))
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == ("waiting", 0, "")
    assert AuditEntry.objects.unscoped().filter(code="stripe_object.replayed").count() == 1
    again = client.post(action_address(row, "look-again"), follow=True)
    assert "Only what was given up can be looked at again." in again.content.decode()
