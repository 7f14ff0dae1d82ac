"""An organization with one row of everything that billing keeps, made without a Stripe."""

from datetime import timedelta

from apps.accounts.models import Organization, User
from apps.billing.models import (
    AbuseFlag,
    CreditGrant,
    CreditUse,
    Customer,
    Difference,
    Dispute,
    Entitlement,
    Invoice,
    InvoiceLine,
    Order,
    OverageReport,
    Payment,
    PriceAtStripe,
    PrivateCoupon,
    Reconciliation,
    Refund,
    Subscription,
)
from apps.core.clock import now
from apps.core.ids import new_hex
from apps.integrations.models import StripeObject


def bill(organization: Organization, owner: User) -> Payment:
    """Rows of everything. Returns the payment of its subscription."""
    moment, name = now(), new_hex()
    time = {"period_start": moment, "period_end": moment + timedelta(days=30)}
    Customer.objects.create(
        organization=organization, stripe_id=f"cus_{name}", currency="USD", payment_method="visa ···· 4242"
    )
    order = Order.objects.create(
        organization=organization, created_by=owner, price="credits_1000", quantity=2, state=Order.State.PAID,
        session_id=f"cs_{name}", total=1_000, currency="USD", paid_at=moment,
    )  # fmt: skip
    subscription = Subscription.objects.create(
        organization=organization, stripe_id=f"sub_{name}", line="api", product="api_pro", price="api_pro_monthly",
        status=Subscription.Status.ACTIVE, currency="USD", **time,
    )  # fmt: skip
    invoice = Invoice.objects.create(
        organization=organization, subscription=subscription, stripe_id=f"in_{name}", number=f"LV-{name[-8:]}",
        status=Invoice.Status.PAID, currency="USD", total=1_900, created_at=moment, **time,
    )  # fmt: skip
    InvoiceLine.objects.create(
        invoice=invoice, stripe_id=f"il_{name}", description="API Pro", price="api_pro_monthly", quantity=1,
        amount=1_900, **time,
    )  # fmt: skip
    payment = Payment.objects.create(
        organization=organization, invoice=invoice, stripe_id=f"pi_{name}", charge=f"ch_{name}", amount=1_900,
        currency="USD", fee=85, announced=True, paid_at=moment,
    )  # fmt: skip
    Refund.objects.create(payment=payment, amount=100, state=Refund.State.REFUSED, ordered_by=owner, last_error="no")
    Dispute.objects.create(
        payment=payment, stripe_id=f"dp_{name}", amount=500, status="needs_response", created_at=moment
    )
    grant = CreditGrant.objects.create(
        organization=organization, order=order, reason="API credits", units=2_000, used=10, amount=1_000,
        currency="USD", expires_at=moment + timedelta(days=365),
    )  # fmt: skip
    CreditUse.objects.create(grant=grant, organization=organization, period=f"{moment:%Y-%m}", units=10)
    Entitlement.objects.create(
        organization=organization, feature="api.plan", value="pro", source=subscription.public_id
    )
    PrivateCoupon.objects.create(organization=organization, code=f"gift-{name[-12:]}", coupon="launch50")
    AbuseFlag.objects.create(organization=organization, sign="disputes", count=2)
    OverageReport.objects.create(
        organization=organization, subscription=subscription, period=f"{moment:%Y-%m}", meter="api_overage", value=5
    )
    PriceAtStripe.objects.get_or_create(code="api_pro_monthly", defaults={"stripe_id": "price_pro"})
    report = Reconciliation.objects.create(begin=moment, end=moment, compared={"payment": 1}, differences=1)
    Difference.objects.create(
        reconciliation=report, kind="payment", subject=payment.public_id, ours="1900", theirs="1800",
        organization_id=organization.pk,
    )  # fmt: skip
    StripeObject.objects.create(kind="customer", object_id=f"cus_{name}", due_at=moment)
    return payment
