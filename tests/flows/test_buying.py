"""From the order to what was bought, through a fake Stripe over HTTP and our own inbox."""

import pytest

from apps.billing.errors import AlreadySubscribedError
from apps.billing.models import CreditGrant, Invoice, Order, Refund
from apps.billing.services import orders, refunds
from apps.billing.services.checkout import open_page
from apps.billing.services.reconciliation import reconcile
from apps.core.entitlements import entitlement
from apps.core.errors import ConflictError
from apps.integrations.stripe.watching import look_now
from apps.ledger.models import Account
from apps.ledger.selectors import differences
from apps.usage.limits import limits_of
from apps.usage.plans import API_PLAN

pytestmark = pytest.mark.django_db


def balance(key: str) -> int:
    return Account.objects.unscoped().get(key=key).balance.minor


def test_a_plan_is_bought_and_holds_at_once(shop, owner, organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    assert limits_of(organization).quota == 1_000
    order = shop.buy(owner, organization, "api_pro_monthly")
    assert order.state == Order.State.PAID
    assert entitlement(organization.pk, API_PLAN) == "pro"
    assert limits_of(organization).quota == 10_000
    [invoice] = Invoice.objects.for_organization(organization)
    payment = shop.payment(organization)
    assert payment.invoice == invoice
    assert payment.amount == invoice.total > 0
    assert balance("stripe:USD") == payment.amount - payment.fee
    assert balance("sales:api_pro:USD") == invoice.total
    assert balance(f"receivable:{organization.public_id}:USD") == 0
    assert not differences()


def test_a_plan_is_not_sold_again_before_its_subscription_is_known(shop, owner, organization):
    """The payment page is looked at first, or its event comes long before the other: whoever orders again meanwhile
    comes to what is paid."""
    order = shop.pay(orders.place_order(owner, organization, "api_pro_monthly"))
    look_now("checkout.session", order.session_id)
    again = orders.place_order(owner, organization, "api_pro_monthly")
    assert again == order
    assert shop.fake.url not in open_page(again)
    with pytest.raises(ConflictError):
        open_page(orders.place_order(owner, organization, "api_enterprise_monthly"))
    shop.settle()
    order.refresh_from_db()
    assert order.state == Order.State.PAID
    assert len(shop.world.find("subscription")) == 1
    with pytest.raises(AlreadySubscribedError):
        orders.place_order(owner, organization, "api_pro_monthly")


def test_credits_are_bought(shop, owner, organization):
    order = shop.buy(owner, organization, "credits_1000", quantity=5)
    grant = CreditGrant.objects.for_organization(organization).get()
    assert (grant.order, grant.left, grant.amount) == (order, 5_000, 2_500)
    assert balance(f"credits:{organization.public_id}:USD") == 2_500
    assert limits_of(organization).credits == 5_000


def test_a_full_refund_takes_everything_back(shop, owner, staff, organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "api_pro_monthly")
    payment = shop.payment(organization)
    refunds.order_refund(payment, payment.amount, reason="requested_by_customer", note="", by=staff)
    shop.settle()
    assert Refund.objects.get().state == Refund.State.SUCCEEDED
    assert limits_of(organization).quota == 1_000
    assert shop.subscription(organization).status == "canceled"
    assert balance("refunds:USD") == payment.amount
    report = reconcile()
    assert [str(line) for line in report.lines.all()] == []
