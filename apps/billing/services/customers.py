"""Organizations as customers of Stripe's."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, Role
from apps.accounts.selectors import member_emails
from apps.audit.services import record
from apps.billing.errors import CustomerHeldError
from apps.billing.models import Customer, Subscription
from apps.billing.selectors import unpaid_invoices
from apps.billing.words import hold_words
from apps.core.errors import ConflictError
from apps.core.ids import new_hex
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.port import PORTAL_KEY
from apps.integrations.stripe.watching import look_now

PAYERS = (Role.BILLING.value, Role.OWNER.value)


def customer_of(organization: Organization) -> Customer:
    """The organization's row; made where there is none."""
    row, _new = Customer.objects.unscoped().get_or_create(organization=organization)
    row.organization = organization
    return row


def ensure_at_stripe(customer: Customer) -> str:
    """The customer's id at Stripe, made there where it has none: killed in between, the same one is found again."""
    if customer.stripe_id:
        return customer.stripe_id
    organization = customer.organization
    emails = [email for role in PAYERS for email in member_emails(organization.pk, (role,))]
    made = stripe(organization.realm_id).create_customer(
        email=emails[0] if emails else "",
        name=organization.name,
        metadata={"organization": organization.public_id},
        key=f"customer:{customer.public_id}",
    )
    Customer.objects.unscoped().filter(pk=customer.pk, stripe_id=None).update(stripe_id=made.id)
    customer.stripe_id = made.id
    return made.id


def find(stripe_id: str) -> Customer | None:
    """The customer of this id. None for one that is not ours: others may sell through the same account."""
    return Customer.objects.unscoped().select_related("organization").filter(stripe_id=stripe_id).first()


def apply(seen: objects.Customer) -> None:
    """Note what Stripe says of a customer now."""
    rows = Customer.objects.unscoped().filter(stripe_id=seen.id)
    rows.update(currency=seen.currency.upper(), tax_ids=", ".join(seen.tax_ids)[:200], credit=seen.credit)
    if not seen.method:  # a live subscription may have one of its own
        live = Subscription.objects.unscoped().exclude(status__in=Subscription.OVER)
        rows = rows.exclude(Exists(live.filter(organization=OuterRef("organization"))))
    rows.update(payment_method=seen.method[:80])


def pay_with(customer: Customer, method: str) -> None:
    """Note what a subscription is paid with, where it is not with the customer's own method."""
    if method:
        Customer.objects.unscoped().filter(pk=customer.pk).update(payment_method=method[:80])


def add_tax_id(organization: Organization, kind: str, value: str) -> None:
    """A tax id for coming bills. `kind` is Stripe's ("eu_vat"). Raises `StripeRefusedError` for one that is none."""
    customer = customer_of(organization)
    stripe_id = ensure_at_stripe(customer)
    gateway = stripe(organization.realm_id)
    gateway.add_tax_id(stripe_id, type=kind, value=value, key=f"tax_id:{customer.public_id}:{new_hex()}")
    _tax_ids_changed(organization, stripe_id)


def remove_tax_ids(organization: Organization) -> None:
    """No tax id on coming bills."""
    customer = customer_of(organization)
    if not customer.stripe_id:
        return
    stripe(organization.realm_id).remove_tax_ids(customer.stripe_id, key=f"no_tax_ids:{customer.public_id}:{new_hex()}")
    _tax_ids_changed(organization, customer.stripe_id)


def _tax_ids_changed(organization: Organization, stripe_id: str) -> None:
    record("billing.tax_id_changed", target=organization, organization_id=organization.pk)
    look_now("customer", stripe_id)


def open_portal(organization: Organization, return_url: str) -> str:
    """The address of Stripe's page for payment method and address. It is good for a short time, so each is a new one.

    Raises `ConflictError` where nothing was ever bought.
    """
    customer = customer_of(organization)
    if not customer.stripe_id:
        raise ConflictError(_("Stripe knows you once you have bought something."))
    gateway = stripe(organization.realm_id)
    return gateway.open_portal(
        customer.stripe_id,
        configuration=gateway.ensure_portal(key=PORTAL_KEY),
        return_url=return_url,
        key=f"portal:{customer.public_id}:{new_hex()}",
    )


def check_may_buy(customer: Customer) -> None:
    """Raises `CustomerHeldError` for one that is held, or that has not paid for something."""
    if customer.held_because:
        raise CustomerHeldError(hold_words())
    for unpaid in unpaid_invoices(customer.organization):
        raise CustomerHeldError(_("Invoice %(number)s could not be paid. Please pay it first.") % {"number": unpaid})
