"""Mail about money: who gets it, once, and what it says to do."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.urls import reverse

from apps.billing import handlers, jobs
from apps.billing.models import Dispute, Invoice, Order, Payment, Subscription
from apps.billing.services import refunds
from apps.core.clock import now
from apps.core.models import DomainEvent
from apps.integrations.models import MailMessage
from tests.common.bills import make_invoice, make_order, make_payment, make_subscription
from tests.common.roles import make_organization, make_user

pytestmark = pytest.mark.django_db


def mails(template):
    return list(MailMessage.objects.filter(template=f"billing/{template}"))


def event_of(organization, name, **payload):
    return DomainEvent(name=name, payload=payload, organization_id=organization.pk, realm_id=organization.realm_id)


def test_a_refund_is_told_to_those_who_pay(shop, owner, teammate, viewer, staff, organization):
    shop.buy(owner, organization, "api_pro_monthly")
    payment = shop.payment(organization)
    refunds.order_refund(payment, payment.amount, reason="requested_by_customer", note="", by=staff)
    shop.settle()
    [mail] = mails("refunded")
    assert owner.email in mail.to
    assert teammate.email in mail.to
    assert viewer.email not in mail.to
    assert mail.subject == f"{payment.money} goes back to Acme"
    assert "in full" in mail.text


def test_the_end_of_a_plan_is_told(owner, organization):
    row = make_subscription(organization, "api_pro", status=Subscription.Status.CANCELED)
    told = {"subscription": row.public_id, "status": "canceled"}
    handlers.mail_subscription_changed(event_of(organization, "subscription_changed", **told, before=None))
    assert not mails("subscription_ended"), "it came to us when it was over"
    handlers.mail_subscription_changed(event_of(organization, "subscription_changed", **told, before="active"))
    [mail] = mails("subscription_ended")
    assert mail.subject == "API Pro of Acme has ended"
    assert f"/billing?organization={organization.public_id}" in mail.text


def test_a_bill_that_was_not_paid_says_what_to_do(owner, organization):
    row = make_invoice(
        organization, ("api_pro_monthly", 1, 1_900), status=Invoice.Status.OPEN, remaining=1_900, attempts=1
    )
    event = event_of(organization, "payment_failed", invoice=row.public_id, attempt=1, next_attempt=None)
    for _again in range(2):
        handlers.mail_payment_failed(event)
    [mail] = mails("payment_failed")
    assert "$19.00 could not be paid" in mail.html
    assert "It is not tried again by itself" in mail.text
    assert row.page in mail.text
    Invoice.objects.unscoped().update(status=Invoice.Status.PAID, remaining=0)
    handlers.mail_payment_recovered(event)
    [mail] = mails("payment_recovered")
    assert "There is nothing left to do." in mail.text


def test_paying_late_is_not_said_to_bring_back_what_has_ended(owner, organization):
    row = make_subscription(organization, "api_pro", status=Subscription.Status.PAST_DUE)
    bill = make_invoice(
        organization,
        ("api_pro_monthly", 1, 1_900),
        subscription=row,
        status=Invoice.Status.OPEN,
        remaining=1_900,
        attempts=4,
    )
    failed = event_of(organization, "payment_failed", invoice=bill.public_id, attempt=4, next_attempt=None)
    handlers.mail_payment_failed(failed)
    [mail] = mails("payment_failed")
    for words in (mail.text, mail.html):
        assert "This was the last attempt, and API Pro ends with it." in words
        assert "does not bring the plan back" in words
        assert "what you have goes on" not in words
    row.status = Subscription.Status.CANCELED
    row.save()
    told = {"subscription": row.public_id, "status": "canceled", "before": "past_due"}
    handlers.mail_subscription_changed(event_of(organization, "subscription_changed", **told))
    [mail] = mails("subscription_ended")
    for words in (mail.text, mail.html):
        assert "API Pro of Acme has ended because its bill could not be paid" in words
        assert f"Invoice {bill} over $19.00 is still to be paid: then you can buy again." in words
        assert bill.page in words
    Invoice.objects.unscoped().update(status=Invoice.Status.PAID, remaining=0)
    handlers.mail_payment_recovered(failed)
    [mail] = mails("payment_recovered")
    for words in (mail.text, mail.html):
        assert "nothing left to do" not in words
        assert "API Pro had ended before: to have it again, buy it anew." in words
    assert "is paid again" not in mail.subject


def test_each_payment_is_confirmed_once(shop, owner, viewer, organization):
    order = shop.buy(owner, organization, "credits_1000", quantity=5)
    shop.buy(owner, organization, "api_pro_monthly")
    payments = Payment.objects.for_organization(organization)
    for payment in payments:
        handlers.mail_payment(event_of(organization, "payment_succeeded", payment=payment.public_id))
    credits, plan = sorted(mails("payment_received"), key=lambda mail: "credits" not in mail.subject)
    assert len(mails("payment_received")) == payments.count() == 2
    assert credits.subject == "Acme paid $25.00 for API credits × 5"
    assert "We received $25.00 of Acme for API credits × 5." in credits.text
    bought = payments.get(order=order)
    paper = reverse("billing_invoice", args=[bought.invoice.public_id]) if bought.invoice else ""
    assert (paper or reverse("billing_return", args=[order.public_id])) in credits.text
    bill = payments.get(order=None).invoice
    assert f"Its invoice is {bill}." in plan.text
    assert reverse("billing_invoice", args=[bill.public_id]) in plan.html
    assert "refunded on request within 7 days" in plan.text
    assert viewer.email not in plan.to
    assert owner.email in plan.to


def test_a_dispute_is_told_to_who_paid_and_to_support(owner, viewer, organization, settings):
    settings.SUPPORT_EMAIL = "help@levqor.example"
    payment = make_payment(organization, 1_900)
    due = datetime(2031, 4, 2, 21, 59, tzinfo=UTC)
    row = Dispute.objects.create(
        payment=payment,
        stripe_id="dp_1",
        amount=1_900,
        status="needs_response",
        reason="product_not_received",
        due_by=due,
        created_at=now(),
    )
    for _again in range(2):
        handlers.mail_dispute(event_of(organization, "dispute_opened", dispute=row.public_id))
    [mail] = mails("purchases_on_hold")
    assert mail.to == owner.email
    assert "$19.00" in mail.text
    assert "write to help@levqor.example" in mail.text
    [mail] = mails("dispute_opened")
    assert mail.to == "help@levqor.example"
    assert mail.subject == "A dispute of Acme over $19.00: answer by 2 April, 21:59 UTC"
    assert "Reason: product not received." in mail.text
    assert "Without an answer by 2 April 2031, 21:59 UTC it is lost." in mail.html
    assert reverse("admin:billing_dispute_change", args=[row.pk]) in mail.text


def test_a_trial_that_ends_soon_is_told_once_with_its_price(owner, organization):
    ends = now() + timedelta(days=2)
    make_subscription(organization, "base", quantity=3, status=Subscription.Status.TRIALING, trial_end=ends)
    for _day in range(2):
        jobs.tell_of_trials(now())
    [mail] = mails("trial_ends")
    assert f"{ends:%B %Y}" in mail.html
    assert "pays $60.00 a month for Levqor platform" in mail.text
    assert "refunded on request within 7 days" in mail.text


def test_a_trial_is_told_of_with_its_coupon(owner, organization):
    ends = now() + timedelta(days=2)
    make_order(organization, "base_monthly", state=Order.State.PAID, paid_at=now(), quantity=3, coupon="launch50")
    make_subscription(organization, "base", quantity=3, status=Subscription.Status.TRIALING, trial_end=ends)
    jobs.tell_of_trials(now())
    [mail] = mails("trial_ends")
    for words in (mail.text, mail.html):
        assert "pays $30.00 for Levqor platform (50 % off the first bill), and $60.00 a month" in words


def test_a_trial_that_can_not_be_mailed_keeps_no_other_waiting(owner, organization):
    elsewhere = make_organization(make_user("Else"), "Elsewhere")
    for one in (organization, elsewhere):
        make_subscription(one, "base", status=Subscription.Status.TRIALING, trial_end=now() + timedelta(days=2))
    real = handlers.mail_trial_ends

    def fails_for_one(row):
        if row.organization_id == organization.pk:
            raise RuntimeError
        real(row)

    with patch.object(handlers, "mail_trial_ends", fails_for_one):
        assert jobs.tell_of_trials(now()).startswith("1 ")
    assert len(mails("trial_ends")) == 1
