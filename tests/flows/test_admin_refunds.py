"""Money that goes back by staff: as it was foretold and agreed to, once, never more than was paid, by finance alone."""

import re

import pytest

from apps.audit.models import AuditEntry
from apps.billing.models import (
    CreditGrant,
    Customer,
    Dispute,
    Entitlement,
    Order,
    Payment,
    Refund,
    Subscription,
)
from apps.billing.services import refunds
from apps.core.clock import now
from apps.core.entitlements import entitlement
from apps.core.money import Money
from apps.usage.limits import limits_of
from apps.usage.plans import API_PLAN
from tests.common.billed import bill
from tests.common.roles import client_of
from tests.common.staff import action_address, row_address, staff_with

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
        ("0", "Enter an amount above zero"),
        ("-1", "Enter an amount above zero"),
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


def test_a_double_click_refunds_once(organization, owner, finance):
    payment, client = bill(organization, owner), client_of(finance)
    _coming, digest = foretold(client, payment, "4.00")
    sent = {"amount": "4.00", **WHY, "agreed": digest}
    first = client.post(action_address(payment, "refund"), sent, follow=True)
    assert "Refund ordered." in first.content.decode()
    assert "Refund: done." not in first.content.decode()
    second = client.post(action_address(payment, "refund"), sent)
    assert "$11.00 of the payment stays with us." in second.context["coming"], "asked again"
    assert Refund.objects.filter(state="ordered").count() == 1


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
