"""The pages of billing as each role finds them: empty, full, refused, and while Stripe says no."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.billing.models import Customer, Invoice, Order, Refund, Subscription
from apps.billing.services import refunds
from apps.core.clock import now
from apps.core.errors import LimitExceededError, PlanLimitError
from apps.core.kinds import Feature
from apps.core.problems import document
from apps.core.registry import registry
from apps.usage.limits import set_limits
from tests.common.bills import (
    OVERAGE,
    make_bills,
    make_grant,
    make_invoice,
    make_order,
    make_payment,
    make_subscription,
)
from tests.common.roles import client_of, make_member
from tests.common.texts import text, words
from tests.common.usage import call
from tests.common.workflows import GREETING, make_workflow

pytestmark = pytest.mark.django_db
PAGES = ("/billing", "/billing/credits", "/billing/invoices", "/billing/payments")
PRO = "/billing/checkout?price=api_pro_monthly"


def objects(organization):
    """An address of each page that is about one thing of an organization."""
    invoice = make_invoice(organization, (OVERAGE, 1_000, 300))
    bill = reverse("billing_invoice", args=[invoice.public_id])
    return (
        bill,
        f"{bill}/lines/{invoice.lines.get().pk}",
        reverse("billing_return", args=[make_order(organization).public_id]),
        reverse("billing_change", args=[make_subscription(organization).public_id]),
    )


# Who may see and do what ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["owner", "teammate", "billing"])
def test_who_pays_sees_every_page(role, organization, request):
    client = client_of(request.getfixturevalue(role))
    for page in (*PAGES, PRO):
        assert client.get(page).status_code == 200, page
    for page in objects(organization):
        assert client.get(page).status_code == 200, page


@pytest.mark.parametrize("role", ["developer", "viewer"])
def test_others_of_the_organization_see_none(role, organization, request):
    client = client_of(request.getfixturevalue(role))
    for page in (*PAGES, PRO, *objects(organization)):
        assert "Ask somebody whose role is Owner, Admin or Billing." in text(client, page, status=403), page
    assert "An owner, an admin or whoever manages billing can change the plan." in text(client, "/developer/plans")
    assert "/billing" not in text(client, "/settings/members").partition("<main")[2], "nor a tab that leads there"


def test_outsiders_find_nothing(organization, outsider):
    make_bills(organization, outsider, 1)
    client = client_of(outsider)
    for page in objects(organization):
        assert client.get(page).status_code == 404, page
    for page in PAGES:
        found = text(client, page)
        assert "TEST-" not in found
        assert organization.name not in found


def test_a_line_is_found_under_its_own_invoice_alone(organization, owner):
    first, second = (make_invoice(organization, (OVERAGE, 1, 1)) for _number in range(2))
    client = client_of(owner)
    address = f"/billing/invoices/{first.public_id}/lines/{second.lines.get().pk}"
    assert client.get(address).status_code == 404
    plain = make_invoice(organization, ("api_pro_monthly", 1, 1900))
    address = f"/billing/invoices/{plain.public_id}/lines/{plain.lines.get().pk}"
    assert client.get(address).status_code == 404, "what is not billed by usage has no calls behind it"


def test_staff_acting_as_a_customer_look_and_do_not_buy(organization, owner, staff):
    client = client_of(staff)
    start = reverse("impersonation_start", args=[owner.public_id])
    data = {"organization": organization.public_id, "reason": "A question about a bill", "minutes": 10}
    assert client.post(start, data).status_code == 302
    row = make_subscription(organization)
    for page in (*PAGES, *objects(organization)):
        found = text(client, page).partition("<main")[2]
        assert 'action="/billing' not in found, page
    assert "You can look, but not buy." in text(client, "/billing/checkout?price=base_monthly")
    for name, keys in (
        ("billing_order", []),
        ("billing_spend_cap", []),
        ("billing_portal", []),
        ("billing_tax_id", []),
        ("billing_cancel", [row.public_id]),
        ("billing_change", [row.public_id]),
    ):
        assert client.post(reverse(name, args=keys)).status_code == 403, name


def test_nothing_is_done_without_the_token_of_a_form(organization, owner):
    row = make_subscription(organization)
    client = client_of(owner, enforce_csrf_checks=True)
    for name, keys in (
        ("billing_order", []),
        ("billing_spend_cap", []),
        ("billing_portal", []),
        ("billing_tax_id", []),
        ("billing_tax_id_remove", []),
        ("billing_cancel", [row.public_id]),
        ("billing_resume", [row.public_id]),
        ("billing_change", [row.public_id]),
        ("billing_order_cancel", [make_order(organization).public_id]),
    ):
        assert client.post(reverse(name, args=keys)).status_code == 403, name


# What is on sale ------------------------------------------------------------------------------------------------------
def test_visitors_see_every_price_with_its_refund_and_start_with_an_account(client):
    found = text(client, "/pricing")
    for price in ("$20.00", "$19.00", "$199.00", "$29.00", "$99.00", "$299.00", "$5.00", "$3.00", "$2.00", "$1.50"):
        assert price in found, price
    assert found.count("7-day refund") == 7, "each product says so"
    assert "50 % off the first bill with the code LAUNCH50." in found
    assert "/accounts/signup/?next=%2Fbilling%2Fcheckout%3Fprice%3Dapi_pro_monthly" in found
    for hidden in ("White label", "Certification", "Insights", "Integrity"):
        assert hidden not in found, "what is not on sale is not shown"


def test_the_way_from_the_prices_through_sign_up_leads_back(client):
    page = text(client, "/accounts/signup/?next=%2Fbilling%2Fcheckout%3Fprice%3Dapi_pro_monthly")
    assert 'value="/billing/checkout?price=api_pro_monthly"' in page


def test_customers_choose_and_change(organization, owner):
    row = make_subscription(organization, "base", quantity=3)
    found = text(client_of(owner), "/pricing")
    assert "Change seats" in found
    assert f"/billing/subscriptions/{row.public_id}/change?price=base_monthly" in found
    assert "/billing/checkout?price=api_pro_monthly" in found


def test_who_may_not_buy_is_told_who_may(viewer, organization):
    found = text(client_of(viewer), "/pricing")
    assert f"An owner, an admin or whoever pays for {organization.name} can choose a plan." in found
    assert "/billing/checkout" not in found


def test_nothing_is_sold_to_a_sandbox(organization, owner):
    organization.livemode = False
    organization.save()
    client = client_of(owner, organization)
    assert "/billing/checkout" not in text(client, "/pricing")
    assert "nothing is sold to it" in text(client, "/billing")
    assert "Nothing is sold to a sandbox." in text(client, "/billing/credits")


# The overview ---------------------------------------------------------------------------------------------------------
def test_empty_pages_say_what_to_do(organization, owner):
    client = client_of(owner)
    assert "No plan yet" in text(client, "/billing")
    assert "No invoices yet" in text(client, "/billing/invoices")
    assert "Nothing was paid yet" in text(client, "/billing/payments")


def test_usage_stands_against_limits(organization, owner, teammate):
    make_subscription(organization)
    set_limits(organization, "usage_developer")
    call(organization, 12_400)
    make_grant(organization, 1_000)
    found = text(client_of(owner), "/billing")
    assert '12,400 <span class="unit">of 10,000</span>' in found
    assert '2 <span class="unit">of 5</span>' in found, "members"
    assert '0 <span class="unit">of 25</span>' in found, "workflows"
    assert "$7.20" in found, "2,400 calls at $3.00 per 1,000"
    assert "1,000 of 1,000 left" in found


def test_overage_is_limited(organization, owner):
    make_subscription(organization)
    set_limits(organization, "usage_developer")
    client = client_of(owner)
    assert client.post("/billing/spend-cap", {"cap": "12.50"})["Location"] == "/billing"
    assert Customer.objects.for_organization(organization).get().spend_cap == 1_250
    assert "$12.50" in text(client, "/billing")
    for wrong in ("-1", "1000000000", "ten", "1.234"):
        answer = client.post("/billing/spend-cap", {"cap": wrong})
        assert answer.status_code == 422, wrong
        assert 'id="id_cap_error"' in words(answer)
    client.post("/billing/spend-cap", {"cap": ""})
    assert Customer.objects.for_organization(organization).get().spend_cap is None


def test_a_tax_id_is_added_and_removed(shop, organization, owner):
    client = client_of(owner)
    answer = client.post("/billing/tax-id", {"kind": "eu_vat", "value": "x"})
    assert answer.status_code == 422
    assert "Stripe does not know such a number." in words(answer).partition('id="id_value_error"')[2]
    assert client.post("/billing/tax-id", {"kind": "eu_vat", "value": "DE123456789"}).status_code == 302
    assert "DE123456789" in text(client, "/billing")
    client.post("/billing/tax-id/remove")
    assert "DE123456789" not in text(client, "/billing").partition('id="tax-id"')[2].partition("placeholder")[0]


def test_the_payment_method_is_shown_and_changed_at_stripe(shop, organization, owner):
    client = client_of(owner)
    assert "Change at Stripe" not in text(client, "/billing"), "Stripe knows nobody who bought nothing"
    assert "once you have bought something" in words(client.post("/billing/portal", follow=True))
    shop.buy(owner, organization, "api_pro_monthly")
    assert "Visa •••• 4242" in text(client, "/billing?from=portal")
    assert client.post("/billing/portal")["Location"].startswith(shop.fake.url)


def test_a_bill_that_could_not_be_paid_asks_for_another_card(organization, owner):
    Customer.objects.create(organization=organization, stripe_id="cus_x")
    row = make_subscription(organization, status=Subscription.Status.PAST_DUE)
    make_invoice(
        organization,
        ("api_usage_developer_monthly", 1, 2_900),
        subscription=row,
        status=Invoice.Status.OPEN,
        remaining=2_900,
        attempts=1,
        next_attempt=now() + timedelta(days=2),
    )
    found = text(client_of(owner), "/billing")
    assert "over $29.00 could not be paid" in found
    assert "Update payment method" in found
    assert "Payment failed" in found


# Bills ----------------------------------------------------------------------------------------------------------------
def test_a_bill_leads_down_to_its_calls(organization, owner):
    call(organization, 11_000)
    for number in range(60):
        call(organization, 1, category=f"part{number:02}", request_id=f"request-{number:03}")
    invoice = make_invoice(organization, ("api_usage_developer_monthly", 1, 2_900), (OVERAGE, 1_060, 318))
    client = client_of(owner)
    found = text(client, f"/billing/invoices/{invoice.public_id}")
    assert "$32.18" in found
    assert found.count("See the calls behind it") == 1
    line = invoice.lines.get(price=OVERAGE)
    address = f"/billing/invoices/{invoice.public_id}/lines/{line.pk}"
    found = text(client, address)
    assert "11,060" in found
    assert "− 10,000" in found
    assert "1,060" in found
    assert "request-059" in found
    assert "request-005" not in found
    cursor = found.partition("?cursor=")[2].partition('"')[0]
    assert "request-005" in text(client, f"{address}?cursor={cursor}")
    assert client.get(f"{address}?cursor=nonsense").status_code == 422


def test_lists_go_on_page_by_page(organization, owner):
    make_bills(organization, owner, 30)
    client = client_of(owner)
    for page in ("/billing/invoices", "/billing/payments", "/billing/credits"):
        found = text(client, page)
        cursor = found.partition("?cursor=")[2].partition('"')[0]
        assert cursor, page
        assert "First page" in text(client, f"{page}?cursor={cursor}")
        assert client.get(f"{page}?cursor=%00").status_code in (400, 422)


def test_what_went_back_is_shown(shop, organization, owner, staff):
    shop.buy(owner, organization, "api_pro_monthly")
    payment = shop.payment(organization)
    refunds.order_refund(payment, payment.amount, reason="requested_by_customer", note="", by=staff)
    shop.settle()
    client = client_of(owner)
    assert "Refunded" in text(client, f"/billing/invoices/{payment.invoice.public_id}")
    assert str(payment.money) in text(client, "/billing/payments").partition("Went back")[2]
    assert Refund.objects.get().state == Refund.State.SUCCEEDED


def test_drafts_are_nobodys_business_yet(organization, owner):
    draft = make_invoice(organization, status=Invoice.Status.DRAFT)
    client = client_of(owner)
    assert client.get(f"/billing/invoices/{draft.public_id}").status_code == 404
    assert draft.number not in text(client, "/billing/invoices")


def test_discount_and_tax_add_up(organization, owner):
    invoice = make_invoice(organization, ("api_pro_monthly", 1, 1_900), total=1_131, tax=181)
    make_payment(organization, 1_131, invoice=invoice)
    found = text(client_of(owner), f"/billing/invoices/{invoice.public_id}")
    for figure in ("$19.00", "-$9.50", "$1.81", "$11.31"):
        assert figure in found, figure


# The end of a plan ----------------------------------------------------------------------------------------------------
def test_who_reaches_the_end_of_a_plan_is_led_to_more(organization, owner):
    for number in range(4):
        make_member(organization, "viewer", f"Member {number}")
    client = client_of(owner)
    answer = client.post("/settings/members/invite", {"email": "one@example.com", "role": "viewer"})
    assert answer.status_code == 422
    found = words(answer).partition('role="alert"')[2]
    assert "Your plan has 5 seats" in found
    assert 'href="/pricing"' in found.partition("</div>")[0]


def test_who_has_all_workflows_of_a_plan_is_led_to_more(organization, owner, monkeypatch):
    monkeypatch.setitem(
        registry(Feature)._items, "workflows.count", Feature("workflows.count", "Workflows", "static", 1)
    )
    make_workflow(organization, owner)
    answer = client_of(owner).post("/workflows/new", {"source": GREETING})
    assert answer.status_code == 422
    found = words(answer).partition('role="alert"')[2]
    assert "Your plan includes 1 workflows." in found
    assert 'href="/pricing"' in found.partition("</div>")[0]


def test_programs_are_led_to_more_as_well(settings):
    settings.SITE_URL = "https://levqor.example"
    told = document(PlanLimitError("All seats are taken.", feature="organization.members"), "/api/v1/x")
    assert (told["code"], told["upgrade_url"]) == ("plan_limit", "https://levqor.example/pricing")
    assert "upgrade_url" not in document(LimitExceededError("Too many."), "/api/v1/x")


def test_names_cannot_become_markup(organization, owner):
    make_grant(organization, 5, reason="<b>gift</b>")
    invoice = make_invoice(organization, ("<i>x</i>", 1, 1), number="<s>1")
    client = client_of(owner)
    for page in (*PAGES, f"/billing/invoices/{invoice.public_id}"):
        found = text(client, page)
        for markup in ("<b>gift", "<i>x", "<s>1"):
            assert markup not in found, page


def test_strangers_are_asked_to_log_in():
    for page in (*PAGES, PRO):
        assert Client().get(page)["Location"].startswith("/accounts/login/")


# What is to come ------------------------------------------------------------------------------------------------------
def test_a_bill_of_a_plan_that_has_ended_is_not_said_to_bring_it_back(organization, owner):
    row = make_subscription(organization, "api_pro", status=Subscription.Status.PAST_DUE)
    unpaid = {"status": Invoice.Status.OPEN, "remaining": 1_900, "attempts": 4}
    bill = make_invoice(organization, ("api_pro_monthly", 1, 1_900), subscription=row, **unpaid)
    client = client_of(owner)
    assert "Change the payment method, or pay it at Stripe." in text(client, "/billing")
    Subscription.objects.unscoped().update(status=Subscription.Status.CANCELED)
    for state in (Invoice.Status.OPEN, Invoice.Status.UNCOLLECTIBLE):
        Invoice.objects.unscoped().update(status=state)
        found = text(client, "/billing")
        assert "API Pro has ended because of that, and paying does not bring it back" in found, state
        assert "Change the payment method, or pay it at Stripe." not in found
        assert "Pay now" in found, "it stands in the way of buying anything else"
        assert "paying does not bring it back" in text(client, reverse("billing_invoice", args=[bill.public_id]))


def test_the_next_bill_is_foretold_with_what_is_used_so_far(organization, owner):
    row = make_subscription(organization)
    set_limits(organization, "usage_developer")
    call(organization, 12_400)
    day = f"{row.period_end:%-d %B %Y}"
    found = text(client_of(owner), "/billing")
    assert f"Next bill, {day}: $36.20, of that $7.20 for calls beyond the plan so far. Before tax and credit." in found
    make_order(organization, "base_monthly", state=Order.State.PAID, paid_at=now(), quantity=3, coupon="launch50")
    trial = make_subscription(
        organization, "base", quantity=3, status=Subscription.Status.TRIALING, trial_end=now() + timedelta(days=9)
    )
    found = text(client_of(owner), "/billing")
    ends = f"{trial.trial_end:%-d %B %Y}"
    assert f"On {ends} $30.00 is charged (50 % off the first bill), then $60.00 a month." in found
    Subscription.objects.unscoped().update(cancel_at=row.period_end)
    found = text(client_of(owner), "/billing")
    assert "is charged" not in found, "who cancels a trial pays nothing"
    assert f"Last bill, {day}: $7.20" in found


def test_lines_of_a_bill_are_in_our_words(organization, owner):
    bill = make_invoice(
        organization, (OVERAGE, 2_500, 750), ("api_pro_monthly", 1, 1_900), ("api_pro_monthly", 1, -950)
    )
    bill.lines.filter(amount=-950).update(is_proration=True)
    client = client_of(owner)
    address = reverse("billing_invoice", args=[bill.public_id])
    found = text(client, address)
    assert "API calls beyond the plan: 2,500 at $3.00 per 1,000" in found
    assert '<td class="breaks">API Pro</td>' in found
    assert "Unused time on API Pro" in found
    assert "\N{MINUS SIGN}$9.50" in found
    assert "-$9.50" not in found
    line = bill.lines.get(price=OVERAGE)
    assert "API calls beyond the plan: 2,500 at $3.00" in text(client, f"{address}/lines/{line.pk}")
