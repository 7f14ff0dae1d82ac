"""What billing does when something happened: mail about money."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import Organization, Role
from apps.accounts.selectors import member_emails
from apps.billing import words
from apps.billing.ahead import next_bill
from apps.billing.catalogue import REFUND_DAYS, catalogue
from apps.billing.models import Dispute, Invoice, Payment, Subscription
from apps.core.brand import current_brand
from apps.core.models import DomainEvent
from apps.core.money import Money
from apps.integrations.mail.services import queue_mail

UNPAID = (Subscription.Status.PAST_DUE, Subscription.Status.UNPAID)
TOLD = (Role.OWNER.value, Role.ADMIN.value, Role.BILLING.value)


def mail_payment_failed(event: DomainEvent) -> None:
    """A bill could not be paid: what to do, and when it is tried again."""
    invoice = _invoice(event)
    if invoice is None or invoice.status != Invoice.Status.OPEN:
        return  # paid meanwhile
    _mail(
        event,
        "payment_failed",
        f"{invoice.public_id}:{event.payload['attempt']}",
        amount=str(Money(invoice.remaining, invoice.currency)),
        number=str(invoice),
        next_attempt=invoice.next_attempt.date() if invoice.next_attempt else None,
        plan=words.name_of(invoice.subscription.price) if invoice.subscription else "",
        pay_url=invoice.page,
    )


def mail_payment_recovered(event: DomainEvent) -> None:
    """It was paid after all."""
    invoice = _invoice(event)
    if invoice is None:
        return
    _mail(
        event,
        "payment_recovered",
        invoice.public_id,
        amount=str(invoice.money),
        number=str(invoice),
        ended=words.ended_plan(invoice),
    )


def mail_subscription_changed(event: DomainEvent) -> None:
    """A subscription ended, or will."""
    row = Subscription.objects.unscoped().filter(pk=Subscription.parse_public_id(event.payload["subscription"])).first()
    if row is None or event.payload["status"] != Subscription.Status.CANCELED or event.payload["before"] is None:
        return
    owed = Invoice.objects.for_organization(row.organization_id).filter(
        subscription=row, remaining__gt=0, attempts__gt=0
    )
    bill = owed.filter(status__in=(Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE)).order_by("-created_at").first()
    _mail(
        event,
        "subscription_ended",
        row.public_id,
        product=product_name(row.product),
        unpaid=bill is not None or event.payload["before"] in UNPAID,
        number=str(bill) if bill else "",
        amount=str(Money(bill.remaining, bill.currency)) if bill else "",
        pay_url=bill.page if bill else "",
    )


def mail_payment(event: DomainEvent) -> None:
    """Money arrived: what it was for, and where its bill or order is."""
    rows = Payment.objects.unscoped().select_related("order", "invoice")
    row = rows.filter(pk=Payment.parse_public_id(event.payload["payment"])).first()
    if row is None:
        return
    path = reverse("billing_payments")
    if row.invoice is not None:
        path = reverse("billing_invoice", args=[row.invoice.public_id])
    elif row.order is not None:
        path = reverse("billing_return", args=[row.order.public_id])
    _mail(
        event,
        "payment_received",
        row.public_id,
        amount=str(row.money),
        what=words.paid_for(row),
        number=str(row.invoice) if row.invoice else "",
        paper_url=current_brand().site_url + path,
        refund_days=REFUND_DAYS,
    )


def mail_dispute(event: DomainEvent) -> None:
    """A bank takes a payment back: the customer is told what it means, and support until when to answer."""
    rows = Dispute.objects.select_related("payment__organization")
    row = rows.filter(pk=Dispute.parse_public_id(event.payload["dispute"])).first()
    if row is None:
        return
    amount = str(row.money)
    paid = row.payment.paid_at.date()
    _mail(event, "purchases_on_hold", row.public_id, amount=amount, paid=paid, what=words.paid_for(row.payment))
    page = reverse("admin:billing_dispute_change", args=[row.pk])
    queue_mail(
        "billing/dispute_opened",
        settings.SUPPORT_EMAIL,
        {
            "organization": row.payment.organization.name,
            "amount": amount,
            "reason": row.reason.replace("_", " "),
            "due_by": row.due_by,
            "url": f"{settings.SITE_URL}{page}",
        },
        idempotency_key=f"dispute_opened:{row.public_id}",
        organization_id=event.organization_id,
        realm_id=event.realm_id,
    )


def mail_refund(event: DomainEvent) -> None:
    """Money went back."""
    row = Payment.objects.unscoped().filter(pk=Payment.parse_public_id(event.payload["payment"])).first()
    back = event.payload["reversed"] - event.payload["was_reversed"]
    if row is None or back <= 0 or row.disputed:
        return
    _mail(
        event,
        "refunded",
        f"{row.public_id}:{event.payload['reversed']}",
        amount=str(Money(back, row.currency)),
        paid=str(row.money),
        full=event.payload["full"],
    )


def mail_trial_ends(row: Subscription) -> None:
    """A trial ends in three days: what will be charged then."""
    product = catalogue().product(row.product)
    charge = next_bill(row)
    if charge is None:
        return  # it was canceled meanwhile
    _send(
        row.organization,
        "trial_ends",
        row.public_id,
        product=product.name,
        ends=row.trial_end,
        amount=str(charge.amount),
        discount=charge.discount,
        then=str(charge.then) if charge.then else "",
        refund_days=REFUND_DAYS,
    )


def product_name(code: str) -> str:
    """What a product is called."""
    return catalogue().product(code).name


def _invoice(event: DomainEvent) -> Invoice | None:
    key = Invoice.parse_public_id(event.payload["invoice"])
    return Invoice.objects.unscoped().select_related("organization", "subscription").filter(pk=key).first()


def _mail(event: DomainEvent, template: str, key: str, **context: Any) -> None:
    organization = Organization.objects.filter(pk__in=[event.organization_id]).first()
    if organization is not None:
        _send(organization, template, key, **context)


def _send(organization: Organization, template: str, key: str, **context: Any) -> None:
    if not (recipients := member_emails(organization.pk, TOLD)):
        return
    queue_mail(
        f"billing/{template}",
        recipients[:50],
        {
            "organization": organization.name,
            "url": f"{current_brand().site_url}{reverse('billing')}?organization={organization.public_id}",
            **context,
        },
        idempotency_key=f"{template}:{key}",
        organization_id=organization.pk,
        realm_id=organization.realm_id,
    )
