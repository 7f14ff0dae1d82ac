"""Staff and money: seen by everybody of the staff, moved by those who may, on the record, and as it was foretold."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

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
from apps.billing.services import coupons, customers, orders, refunds
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.core.clock import now
from apps.core.entitlements import entitlement
from apps.core.money import Money
from apps.integrations.models import StripeObject
from apps.usage.limits import limits_of
from apps.usage.plans import API_PLAN
from tests.common.billed import bill
from tests.common.roles import client_of, make_organization, make_user
from tests.common.staff import action_address, list_address, row_address, staff_with

pytestmark = pytest.mark.django_db
WHY = {"reason": "requested_by_customer", "note": "Ticket 12"}


@pytest.fixture
def finance():
    return staff_with("finance")


def foretold(client, payment, amount, **more):
    """The second page: what it says, and what agrees to it."""
    page = client.post(action_address(payment, "refund"), {"amount": amount, **WHY, **more})
    assert page.status_code == 200
    return page.context["coming"], page.context["digest"]


def refund(client, payment, amount):
    """Ask, agree, and see the payment's page."""
    _coming, digest = foretold(client, payment, amount)
    sent = {"amount": amount, **WHY, "agreed": digest}
    return client.post(action_address(payment, "refund"), sent, follow=True)


def customer_of(organization):
    return Customer.objects.for_organization(organization).get()


def audited(organization, code):
    return list(AuditEntry.objects.for_organization(organization).filter(code=code))


# Refunds --------------------------------------------------------------------------------------------------------------
def test_a_subscription_is_refunded_in_full_as_it_was_foretold(shop, owner, organization, finance, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "api_pro_monthly")
    payment, client = shop.payment(organization), client_of(finance)
    asked = client.get(action_address(payment, "refund"))
    assert asked.context["form"]["amount"].value() == payment.money.decimal, "all of it, unless staff say less"
    assert re.search(r"<button type=\"submit\"[^>]*>Continue<", asked.content.decode())
    whole = str(payment.money.decimal)
    coming, _digest = foretold(client, payment, whole)
    assert coming[0].startswith(f"{payment.money} of {payment.money} goes back to {organization.name}")
    assert "The subscription “API Pro” ends at once, at Stripe too." in coming
    assert any(line.startswith("What it gave is taken away at once: ") for line in coming)
    assert not Refund.objects.exists(), "looking does nothing"
    page = refund(client, payment, whole)
    assert page.redirect_chain[-1][0] == row_address(payment)
    row = Refund.objects.get()
    assert (row.amount, row.state, row.reason, row.note, row.ordered_by) == (
        payment.amount, "ordered", "requested_by_customer", "Ticket 12", finance,
    )  # fmt: skip
    assert "Ordered" in page.content.decode()
    assert "/do/refund/" not in page.content.decode(), "nothing is left to refund"
    shop.settle()
    after = client.get(row_address(payment)).content.decode()
    assert "Refunded" in after
    assert shop.subscription(organization).status == Subscription.Status.CANCELED
    assert limits_of(organization).quota == 1_000
    assert entitlement(organization.pk, API_PLAN) != "pro"
    [entry] = audited(organization, "billing.refund_ordered")
    assert (entry.actor_kind, entry.actor_id) == ("staff", finance.public_id)
    assert (entry.data["amount"], entry.data["currency"]) == (payment.amount, "USD")


def test_a_part_goes_back_and_the_subscription_goes_on(shop, owner, organization, finance):
    shop.buy(owner, organization, "api_pro_monthly")
    payment, client = shop.payment(organization), client_of(finance)
    part = Money(payment.amount // 3, "USD")
    coming, _digest = foretold(client, payment, part.decimal)
    assert f"{payment.money - part} of the payment stays with us." in coming
    assert "The subscription “API Pro” goes on." in coming
    refund(client, payment, part.decimal)
    shop.settle()
    payment.refresh_from_db()
    assert payment.refunded == part.minor
    assert shop.subscription(organization).status == Subscription.Status.ACTIVE
    rest = (payment.money - part).decimal
    assert client.get(action_address(payment, "refund")).context["form"]["amount"].value() == rest
    coming, _digest = foretold(client, payment, rest)
    assert any("ends at once" in line for line in coming), "with what went back before, that is all of it"


def test_credits_go_as_far_as_they_are_left(shop, owner, organization, finance):
    shop.buy(owner, organization, "credits_1000", quantity=5)
    CreditGrant.objects.for_organization(organization).update(used=1_000)
    payment, client = shop.payment(organization), client_of(finance)
    coming, _digest = foretold(client, payment, "12.50")
    assert "2,500 calls of 5,000 are withdrawn; 1,000 were used and 1,500 are left." in coming
    refund(client, payment, "12.50")
    shop.settle()
    grant = CreditGrant.objects.for_organization(organization).get()
    assert (grant.withdrawn, grant.left) == (2_500, 1_500)
    coming, _digest = foretold(client, payment, "12.50")
    assert "1,500 calls of 5,000 are withdrawn; 1,000 were used and 0 are left." in coming


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("19.01", "At most $19.00 can be refunded."),
        ("1e9", "At most $19.00 can be refunded."),
        ("0", "At least the smallest coin"),
        ("-1", "At least the smallest coin"),
        ("1.005", "no more than 2 decimal places"),
        ("NaN", "Enter a number."),
        ("much", "Enter a number."),
        ("", "This field is required."),
    ],
)
def test_more_than_was_paid_or_no_amount_is_asked_again(amount, words, organization, owner, finance):
    payment = bill(organization, owner)
    Dispute.objects.all().delete()
    Refund.objects.all().delete()
    answer = client_of(finance).post(action_address(payment, "refund"), {"amount": amount, **WHY, "agreed": "x"})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Refund.objects.exists()


def test_what_changed_since_it_was_foretold_is_shown_again(organization, owner, finance, staff):
    payment, client = bill(organization, owner), client_of(finance)
    coming, digest = foretold(client, payment, "10.00")
    assert "$9.00 of the payment stays with us." in coming
    refunds.order_refund(payment, 500, reason="duplicate", note="", by=staff)
    again = client.post(action_address(payment, "refund"), {"amount": "10.00", **WHY, "agreed": digest})
    assert "$4.00 of the payment stays with us." in again.context["coming"]
    assert Refund.objects.filter(state="ordered").count() == 1, "nothing was done but what was agreed to"
    refunds.order_refund(payment, 500, reason="duplicate", note="", by=staff)
    late = client.post(action_address(payment, "refund"), {"amount": "10.00", **WHY, "agreed": digest})
    assert late.status_code == 422
    assert "At most $9.00 can be refunded." in late.content.decode()


def test_the_form_can_be_changed_after_all(organization, owner, finance):
    payment = bill(organization, owner)
    page = client_of(finance).post(action_address(payment, "refund"), {"amount": "3.00", **WHY, "change": "1"})
    assert 'value="3.00"' in page.content.decode()
    assert not page.context["coming"]


@pytest.mark.parametrize("role", ["support", "operations"])
def test_money_is_for_finance_alone(role, organization, owner):
    payment, client = bill(organization, owner), client_of(staff_with(role))
    before = Refund.objects.count()
    customer, grant = customer_of(organization), CreditGrant.objects.for_organization(organization).get()
    assert "/do/refund/" not in client.get(row_address(payment)).content.decode()
    for row, action in (
        (payment, "refund"),
        (customer, "release"),
        (customer, "give-credits"),
        (customer, "give-coupon"),
        (grant, "revoke"),
    ):
        assert client.get(action_address(row, action)).status_code == 403, action
        assert client.post(action_address(row, action), {"amount": "1.00", **WHY}).status_code == 403, action
    assert Refund.objects.count() == before


def test_an_order_that_is_refunded_loses_what_it_gave(organization, owner, finance):
    order = Order.objects.create(
        organization=organization, price="integrity_once", state="paid", currency="USD", total=4_900, paid_at=now()
    )
    Entitlement.objects.create(organization=organization, feature="integrity.runs", value=1, source=order.public_id)
    payment = Payment.objects.create(
        organization=organization, order=order, stripe_id="pi_order", amount=4_900, currency="USD", announced=True,
        paid_at=now(),
    )  # fmt: skip
    client = client_of(finance)
    assert "What was bought stays: integrity.runs (1)." in foretold(client, payment, "1.00")[0]
    coming, _digest = foretold(client, payment, "49.00")
    assert "The order of “Integrity pack, one run” is reversed." in coming
    assert "What it gave is taken away at once: integrity.runs (1)." in coming


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
    customers.hold(customer, "A payment is disputed.")
    held = client.get(list_address(Customer), {"hold": "held"}).context["cl"].result_list
    assert [row.pk for row in held] == [customer.pk]
    assert "A payment is disputed." in client.get(row_address(customer)).content.decode()
    client.post(action_address(customer, "release"))
    assert customer_of(organization).held_because == ""
    assert len(audited(organization, "billing.customer_released")) == 1
    assert not list(client.get(list_address(Customer), {"hold": "held"}).context["cl"].result_list)
    again = client.post(action_address(customer, "release"), follow=True)
    assert "This customer is not on hold." in again.content.decode()


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
    customers.hold(customer_of(organization), "Looked at")
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
