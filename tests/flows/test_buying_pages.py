"""Buying and changing plans, page by page: to the payment page and back, and what is said where that fails."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from apps.billing.models import Customer, Order, Subscription
from apps.billing.outcome import seats_words
from apps.core.clock import now
from apps.integrations.models import StripeObject
from apps.usage.limits import limits_of, set_limits
from apps.usage.periods import month_of
from tests.common.bills import make_order, make_subscription
from tests.common.roles import client_of
from tests.common.texts import text, words
from tests.common.usage import call

pytestmark = pytest.mark.django_db
PRO = "/billing/checkout?price=api_pro_monthly"


# Buying ---------------------------------------------------------------------------------------------------------------
def test_an_upgrade_from_the_plans_to_the_larger_quota(shop, organization, owner, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    client = client_of(owner)
    assert PRO in text(client, "/developer/plans")
    page = text(client, PRO)
    assert "$19.00" in page
    assert "7-day refund" in page
    sent = client.post("/billing/orders", {"price": "api_pro_monthly", "quantity": "1", "coupon": "LAUNCH50"})
    order = Order.objects.for_organization(organization).get()
    assert sent["Location"] == reverse("billing_pay", args=[order.public_id])
    assert client.get(sent["Location"])["Location"].startswith(shop.fake.url)
    there = reverse("billing_return", args=[order.public_id])
    assert "Go to payment" in text(client, there), "left unpaid, it can still be paid"
    assert "See the order" in text(client, f"/billing?canceled={order.public_id}")
    order.refresh_from_db()
    waiting = text(client, f"{there}?session={order.session_id}")
    assert "Your payment is on its way." in waiting
    assert 'hx-trigger="every 2s"' in waiting
    shop.pay(order)
    part = text(client, f"{there}?session={order.session_id}", headers={"HX-Request": "true"})
    assert "<html" not in part
    assert "Your quota is 10,000 calls a month." in part
    assert "hx-trigger" not in part, "what is there is not asked for again"
    assert limits_of(organization).quota == 10_000
    assert "Renews on" in text(client, "/billing")
    assert client.get(PRO)["Location"].startswith("/billing/subscriptions/"), "who has one changes it"


@pytest.mark.parametrize("quantity", ["-1", "0", "1001", "1000000000", "2.5", "many", ""])
def test_no_quantity_that_is_none(quantity, organization, owner):
    answer = client_of(owner).post("/billing/orders", {"price": "credits_1000", "quantity": quantity})
    assert answer.status_code == 422
    found = words(answer)
    assert 'id="id_quantity_error"' in found
    assert "A whole number between 1 and 1,000." in found
    assert not Order.objects.for_organization(organization).exists()


def test_no_fewer_seats_than_members(organization, owner, teammate, viewer):
    client = client_of(owner)
    assert 'value="3"' in text(client, "/billing/checkout?price=base_monthly")
    answer = client.post("/billing/orders", {"price": "base_monthly", "quantity": "2"})
    assert answer.status_code == 422
    assert "3 people are members" in words(answer).partition('id="id_quantity_error"')[2]


def test_a_coupon_that_does_not_work_is_told_beside_its_field(organization, owner):
    answer = client_of(owner).post("/billing/orders", {"price": "api_pro_monthly", "quantity": 1, "coupon": "free4all"})
    assert answer.status_code == 422
    assert "This code does not work here" in words(answer).partition('id="id_coupon_error"')[2]


def test_what_is_not_on_sale_is_not_there(organization, owner):
    client = client_of(owner)
    for price in ("nonsense", "insights_monthly", "starter_pack_once", "api_usage_developer_overage"):
        assert client.post("/billing/orders", {"price": price}).status_code == 404, price
    assert client.get("/billing/checkout?price=insights_monthly").status_code == 404
    assert client.get("/billing/checkout")["Location"] == "/pricing"


def test_the_sum_follows_the_quantity(organization, owner):
    client = client_of(owner)
    part = text(client, "/billing/checkout?price=base_monthly&quantity=7", headers={"HX-Request": "true"})
    assert "$140.00" in part
    assert "7 seats at $20.00" in part
    assert "Nothing is charged for 14 days." in part
    assert "$2,500.00" in text(client, "/billing/credits?quantity=500", headers={"HX-Request": "true"})
    assert "The sum appears" in text(client, "/billing/checkout?price=base_monthly&quantity=-1")


def due_today(client, **query):
    part = text(client, f"/billing/checkout?{urlencode(query)}", headers={"HX-Request": "true"})
    return part.partition('id="due-today"')[2].partition("</dl>")[0]


def test_what_is_due_today_is_shown_before_one_pays(organization, owner, monkeypatch):
    client = client_of(owner)
    monkeypatch.setattr("apps.billing.ahead.now", lambda: datetime(2031, 4, 16, tzinfo=UTC))
    found = due_today(client, price="api_pro_monthly", quantity=1)
    assert "about $9.50" in found, "half of the month"
    assert "$19.00 a month" in found
    found = due_today(client, price="api_pro_monthly", quantity=1, coupon="Launch50")
    assert "about $4.75 (50 % off the first bill)" in found
    assert "about $9.50" in due_today(client, price="api_pro_monthly", quantity=1, coupon="nonsense")
    found = due_today(client, price="base_monthly", quantity=3, coupon="launch50")
    assert "nothing" in found
    assert "30 April 2031" in found
    assert "$30.00 (50 % off the first bill)" in found
    assert "$60.00 a month" in found
    Subscription.objects.create(
        organization=organization, line="platform", product="base", price="base_monthly", status="canceled",
        currency="USD", stripe_id="sub_past",
    )  # fmt: skip
    found = due_today(client, price="base_monthly", quantity=3)
    assert "$60.00" in found, "a trial is had once"
    assert "April" not in found


def test_a_trial_says_what_is_charged_after_it(shop, organization, owner):
    order = shop.buy(owner, organization, "base_monthly", quantity=3, coupon="launch50")
    day = f"{shop.subscription(organization, 'platform').trial_end:%-d %B %Y}"
    for page in (reverse("billing_return", args=[order.public_id]), "/billing"):
        found = text(client_of(owner), page)
        assert f"On {day} $30.00 is charged (50 % off the first bill), then $60.00 a month." in found, page


def test_an_order_that_came_to_nothing_can_be_made_again(organization, owner):
    found = text(client_of(owner), reverse("billing_return", args=[make_order(organization, quantity=4).public_id]))
    assert "Nothing was charged." in found
    assert "/billing/checkout?price=credits_1000&amp;quantity=4" in found
    gone = make_order(organization, state=Order.State.REVERSED, quantity=2)
    assert "The payment went back to you" in text(client_of(owner), reverse("billing_return", args=[gone.public_id]))


def test_an_order_is_canceled(shop, organization, owner):
    client = client_of(owner)
    client.post("/billing/orders", {"price": "credits_1000", "quantity": "2"})
    order = Order.objects.for_organization(organization).get()
    client.get(reverse("billing_pay", args=[order.public_id]))
    there = reverse("billing_return", args=[order.public_id])
    assert client.post(reverse("billing_order_cancel", args=[order.public_id]))["Location"] == there
    assert "Nothing was charged." in text(client, there)


def test_credits_are_bought_and_their_balance_shown(shop, organization, owner):
    client = client_of(owner)
    assert "No credits yet" in text(client, "/billing/credits")
    order = shop.buy(owner, organization, "credits_1000", quantity=5)
    found = text(client, reverse("billing_return", args=[order.public_id]))
    assert "5,000 calls were added. In all, 5,000 paid in advance are left." in found
    found = text(client, "/billing/credits")
    assert '<span class="stat-value">5,000' in found
    assert "$25.00" in found
    assert "API credits" in text(client, "/billing/payments")


def test_a_customer_on_hold_buys_nothing_and_is_told(organization, owner, settings):
    Customer.objects.create(organization=organization, held_because="a dispute")
    client = client_of(owner)
    assert "You can buy nothing new until we have looked at your account" in text(client, "/billing")
    answer = client.post("/billing/orders", {"price": "credits_1000", "quantity": "1"})
    assert answer.status_code == 422
    assert "You can buy nothing new until we have looked at your account" in words(answer)
    assert f"Write to {settings.SUPPORT_EMAIL}." in words(answer)
    row = make_subscription(organization, "api_pro")
    change = reverse("billing_change", args=[row.public_id])
    for page in ("/pricing", "/developer/plans", "/billing/credits", "/billing/checkout?price=base_monthly", change):
        found = text(client, page)
        assert "You can buy nothing new until we have looked at your account" in found, page
        assert f"Write to {settings.SUPPORT_EMAIL}." in found, page
        for offer in ("Start trial", "Upgrade", "Switch", "Choose<span", "Buy credits</a>"):
            assert offer not in found.partition("<main")[2], (page, offer)
    assert " disabled" in text(client, "/billing/checkout?price=base_monthly").partition("Continue to payment")[0][-60:]


def test_a_trial_is_offered_once(organization, owner):
    client = client_of(owner)
    found = text(client, "/pricing")
    assert "14 days free" in found
    assert "Start trial" in found
    make_subscription(organization, "base", status=Subscription.Status.CANCELED)
    found = text(client, "/pricing")
    assert "14 days free" not in found
    assert "Start trial" not in found


# Changing -------------------------------------------------------------------------------------------------------------
def change_page(shop, organization, client, price, line="api"):
    row = shop.subscription(organization, line)
    return reverse("billing_change", args=[row.public_id]), {"price": price}


def hidden(page, name):
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def confirmed(client, address, page):
    data = {name: hidden(page, name) for name in ("price", "quantity", "at", "period_end")}
    return client.post(address, data)


def test_a_plan_is_changed_as_it_was_shown(shop, organization, owner):
    shop.buy(owner, organization, "api_pro_monthly")
    client = client_of(owner)
    address = reverse("billing_change", args=[shop.subscription(organization).public_id])
    assert "API Professional" in text(client, address), "without a price the others are offered"
    page = text(client, f"{address}?price=api_enterprise_monthly")
    assert "From API Pro to API Enterprise" in page
    assert "Any number of calls" in page
    assert "Remaining time on API Enterprise" in page
    assert "$199.00" in page
    assert confirmed(client, address, page)["Location"] == "/billing"
    assert limits_of(organization).quota is None
    shop.settle()
    page = text(client, f"{address}?price=api_pro_monthly")
    assert "Credited to coming bills" in page
    assert "This is less than you have now" in page
    assert confirmed(client, address, page).status_code == 302
    assert limits_of(organization).quota == 10_000


def test_an_old_offer_is_shown_anew(shop, organization, owner):
    shop.buy(owner, organization, "api_pro_monthly")
    client = client_of(owner)
    row = shop.subscription(organization)
    address = reverse("billing_change", args=[row.public_id])
    page = text(client, f"{address}?price=api_enterprise_monthly")
    old = {name: hidden(page, name) for name in ("price", "quantity", "period_end")}
    answer = client.post(address, {**old, "at": (now() - timedelta(hours=2)).isoformat()})
    assert answer.status_code == 409
    assert "Look at the new figures first" in words(answer)
    assert "Due now" in words(answer)
    assert shop.subscription(organization).product == "api_pro"


def test_a_payment_that_fails_changes_nothing_and_says_what_to_do(shop, organization, owner):
    shop.buy(owner, organization, "api_pro_monthly", card="fails_later")
    client = client_of(owner)
    address = reverse("billing_change", args=[shop.subscription(organization).public_id])
    answer = confirmed(client, address, text(client, f"{address}?price=api_enterprise_monthly"))
    assert answer.status_code == 402
    assert "The payment failed, so nothing was changed." in words(answer)
    assert "Change payment method" in words(answer)
    assert shop.subscription(organization).product == "api_pro"
    assert client.post("/billing/portal")["Location"].startswith(shop.fake.url)


def test_seats_are_changed(shop, organization, owner, teammate):
    shop.buy(owner, organization, "base_monthly", quantity=3)
    client = client_of(owner)
    address = reverse("billing_change", args=[shop.subscription(organization, "platform").public_id])
    assert "Trial until" in text(client, "/billing")
    page = text(client, f"{address}?price=base_monthly&quantity=5")
    assert "5 seats" in page
    assert confirmed(client, address, page).status_code == 302
    assert shop.subscription(organization, "platform").quantity == 5
    for quantity in ("-1", "1000000000", "x"):
        found = text(client, f"{address}?quantity={quantity}", status=422)
        assert "A whole number between 2 and 500." in found.partition('id="id_quantity_error"')[2]
    found = text(client, f"{address}?quantity=1", status=409)
    assert "2 people are members" in found.partition('id="id_quantity_error"')[2]
    assert client.get(f"{address}?price=api_pro_monthly").status_code == 404, "another line"


def test_a_plan_is_canceled_and_resumed(shop, organization, owner):
    shop.buy(owner, organization, "api_pro_monthly")
    client = client_of(owner)
    row = shop.subscription(organization)
    assert "Cancel this plan?" in text(client, "/billing")
    client.post(reverse("billing_cancel", args=[row.public_id]))
    assert "Ends on" in text(client, "/billing")
    assert "ends already" in words(client.post(reverse("billing_cancel", args=[row.public_id]), follow=True))
    client.post(reverse("billing_resume", args=[row.public_id]))
    assert "Renews on" in text(client, "/billing")


def test_a_page_does_not_show_what_a_worker_saw_before(shop, organization, owner):
    shop.buy(owner, organization, "api_pro_monthly")
    row = shop.subscription(organization)
    looked_at = StripeObject.objects.filter(kind="subscription", object_id=row.stripe_id)
    looked_at.update(lease_until=now() + timedelta(minutes=1))
    waited = []

    def worker_ends(seconds):
        waited.append(seconds)
        looked_at.update(lease_until=None)

    with patch("apps.integrations.stripe.watching.time.sleep", worker_ends):
        client_of(owner).post(reverse("billing_cancel", args=[row.public_id]))
    assert len(waited) == 1
    assert "Ends on" in text(client_of(owner), "/billing")


def test_a_plan_that_has_to_wait_is_shown_with_the_reason(organization, owner):
    row = make_subscription(organization, "api_usage_professional", created_at=now() - timedelta(days=40))
    set_limits(organization, "usage_professional")
    client = client_of(owner)
    change = reverse("billing_change", args=[row.public_id])
    pages = ("/pricing", "/developer/plans", change)
    for page in pages:
        assert "you called more often" not in text(client, page), page
    call(organization, 12_000)
    for page in pages:
        found = text(client, page)
        assert f"From {month_of(now()).end:%-d %B} on: you called more often than it includes." in found, page
        assert f"{change}?price=api_pro_monthly" not in found, page
        assert f"{change}?price=api_enterprise_monthly" in found, "a larger one does not wait"
    assert "Enterprise tier" not in found
    assert ": API Enterprise</span>" in text(client, "/developer/plans"), "two plans are called Enterprise"


def test_one_seat_is_not_called_seats(organization):
    for most, told in ((1, "There is room for 1 member."), (1_200, "There is room for 1,200 members.")):
        with patch("apps.billing.outcome.entitlements.most", return_value=most):
            assert seats_words(organization) == told
