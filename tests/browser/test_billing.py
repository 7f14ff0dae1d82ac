"""Money as a customer meets it: from the plans to the payment page and back, changed, ended, refused."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.looking import look_at
from tests.browser.test_every_page import STAFF


def test_a_customer_buys_changes_and_ends(opened: Callable[..., Page]) -> None:
    page, problems = _in_a_new_organization(opened), []
    page.goto("/developer/plans")
    page.get_by_role("row", name="Pro 10,000").get_by_role("link").click()
    page.get_by_label("Coupon").fill("launch50")
    page.get_by_role("button", name="Continue to payment").click()
    _pay(page)
    expect(page.get_by_text("Your quota is 10,000 calls a month.")).to_be_visible()
    problems += look_at(page, "billing-order")

    page.goto("/pricing")
    problems += look_at(page, "billing-pricing")
    page.goto("/billing")
    page.get_by_role("link", name="Change plan").click()
    problems += look_at(page, "billing-change-which")
    page.get_by_role("row", name="API Enterprise Any number").get_by_role("link").click()
    problems += look_at(page, "billing-change-offer")
    page.get_by_role("button", name="and change").click()
    expect(page.get_by_text("Changed to API Enterprise. Any number of API calls is included now.")).to_be_visible()

    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel plan").click()
    expect(page.get_by_text("API Enterprise ends with its period.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("API Enterprise goes on.")).to_be_visible()

    page.goto("/billing/credits")
    page.get_by_label("Thousands of calls").fill("5")
    expect(page.get_by_text("$25.00")).to_be_visible()
    page.get_by_role("button", name="Continue to payment").click()
    _pay(page)
    expect(page.get_by_text("5,000 calls were added.")).to_be_visible()

    for address in ("/billing", "/billing/credits", "/billing/invoices", "/billing/payments"):
        page.goto(address)
        problems += look_at(page, "full-" + address.strip("/").replace("/", "-"))
    page.goto("/billing/invoices")
    page.locator("td a.mono").last.click()
    problems += look_at(page, "billing-invoice")
    assert not problems, "\n".join(problems)


def test_what_can_not_be_bought_is_told_beside_its_field(opened: Callable[..., Page]) -> None:
    page, problems = _in_a_new_organization(opened), []
    page.goto("/billing/credits")
    page.get_by_label("Thousands of calls").fill("-1")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("A whole number between 1 and 1,000.")).to_be_visible()
    problems += look_at(page, "error-checkout")
    page.goto("/billing")
    page.get_by_label("Number").fill("no tax id")
    page.get_by_role("button", name="Add tax id").click()
    expect(page.get_by_text("Stripe does not know such a number.")).to_be_visible()
    problems += look_at(page, "error-tax-id")
    assert not problems, "\n".join(problems)


def test_a_card_that_fails_at_a_change_changes_nothing(opened: Callable[..., Page]) -> None:
    page = _in_a_new_organization(opened)
    page.goto("/billing/checkout?price=api_pro_monthly")
    page.get_by_role("button", name="Continue to payment").click()
    _pay(page, "Succeeds now, fails at the next renewal")
    expect(page.get_by_text("Your quota is 10,000 calls a month.")).to_be_visible()
    page.goto("/developer/plans")
    page.get_by_role("row", name="Enterprise Unlimited").get_by_role("link").click()
    page.get_by_role("button", name="and change").click()
    expect(page.get_by_text("The payment failed, so nothing was changed.")).to_be_visible()
    assert not look_at(page, "error-change")
    page.get_by_role("button", name="Change payment method").click()
    page.wait_for_url("**/portal/**")


def _in_a_new_organization(opened: Callable[..., Page]) -> Page:
    """What is bought here changes no other test's limits."""
    page = opened(STAFF)
    page.goto("/organizations/new")
    page.get_by_label("Name").fill("Somebody who pays")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/dashboard")
    return page


def _pay(page: Page, card: str = "Payment succeeds") -> None:
    page.wait_for_url("**/pay/**")
    page.get_by_label(card).check()
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url("**/billing/orders/**")
