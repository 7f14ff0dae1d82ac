"""Every page of the URL configuration as visitors and owners find it, and the first pages of a new organization."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.looking import look_at
from tests.common.routes import routes

OWNER = "owner@demo.levqor.test"
STAFF = "staff@demo.levqor.test"

# No pages: parts of one, downloads, addresses of programs, and a tool for developers.
NO_PAGES = {
    *("run_live", "run_items", "workflow_check", "favicon", "robots", "styleguide", "status_feed"),
    *("dev_mail_raw", "dev_mail_html", "mfa_download_recovery_codes"),
    *("demo_orders", "demo_customers", "demo_notify", "demo_tickets", "demo_status", "hook", "vendor_webhook"),
    *("mfa_reauthenticate_webauthn", "mfa_login_webauthn"),
    *("google_login", "google_callback", "google_login_by_token", "github_login", "github_callback"),
}
# Made by Swagger UI and Redoc: what they look like inside is theirs.
OF_OTHERS = {"docs_api", "docs_api_redoc"}
EMPTY = (
    *("/dashboard", "/workflows", "/runs", "/approvals", "/secrets", "/settings/members", "/settings/tokens"),
    *("/billing", "/billing/credits", "/billing/invoices", "/billing/payments", "/billing/checkout?price=base_monthly"),
    *("/notifications", "/settings/notifications"),
    *("/developer", "/developer/api-keys", "/developer/requests", "/developer/usage", "/developer/plans"),
)
PARTS = 4  # in which they are gone through, so that two browsers share the work


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("who", ["", OWNER], ids=["visitor", "owner"])
def test_pages(opened: Callable[..., Page], who: str, part: int) -> None:
    page = opened(who)
    values = _objects(opened(OWNER))
    problems, seen = [], set()
    for route in list(routes())[part::PARTS]:
        if route.is_api or route.name in NO_PAGES:
            continue
        address = route.address(values)
        answer = page.goto(address)
        assert answer is not None, address
        assert answer.status < 500, (address, answer.status)
        place = urlsplit(page.url).path  # where the address led
        kind = str(answer.status) if answer.status >= 400 else place if place != address else route.pattern
        if kind in seen:
            continue
        seen.add(kind)
        judged = route.name not in OF_OTHERS
        problems += look_at(
            page, f"{who.partition('@')[0] or 'visitor'}-{answer.status}-{route.name or 'old'}", axe=judged
        )
    assert not problems, "\n".join(problems)
    assert len(seen) > (30 if who else 8) / PARTS, "the addresses led nowhere"


def test_staff_who_want_to_act_as_a_customer(opened: Callable[..., Page]) -> None:
    values = _objects(opened(OWNER))
    page = opened(STAFF)
    page.goto(f"/staff/impersonate/{values['user_id']}")
    assert not look_at(page, "staff-impersonation")


def test_a_new_organization_is_shown_what_to_do(opened: Callable[..., Page]) -> None:
    """Pages without anything on them yet."""
    page = opened(STAFF)
    page.goto("/organizations/new")
    page.get_by_label("Name").fill("Nothing here yet")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/dashboard")
    problems = []
    for address in EMPTY:
        page.goto(address)
        problems += look_at(page, "empty-" + address.strip("/").replace("/", "-"))
    assert not problems, "\n".join(problems)


def test_a_form_that_was_refused(opened: Callable[..., Page]) -> None:
    """Errors stand next to their fields."""
    page = opened()
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail").fill("nobody@example")
    page.get_by_role("button", name="Create account").click()
    problems = look_at(page, "error-signup")
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("wrong-password")
    page.get_by_role("button", name="Log in").click()
    problems += look_at(page, "error-login")
    assert not problems, "\n".join(problems)


def _objects(page: Page) -> dict[str, str]:
    """An object of the demo for each parameter of an address."""
    me = page.request.get("/api/v1/me").json()
    runs = page.request.get("/api/v1/runs?workflow=notify-customers").json()["data"]
    run = runs[0]["id"]
    step = page.request.get(f"/api/v1/runs/{run}/steps").json()["data"][0]["id"]
    page.goto("/dev/mail")
    mail = page.locator("a[href^='/dev/mail/']").first.get_attribute("href") or ""
    calls = page.locator("a[href^='/developer/requests/']")
    for _look in range(20):  # a call is in the log a second after it was made
        page.goto("/developer/requests")
        if calls.count():
            break
        page.wait_for_timeout(250)
    logged = calls.first.get_attribute("href") or ""
    return {
        "code": "conflict",
        "vendor": "resend",
        "public_id": mail.rpartition("/")[2],
        "pk": "1",
        "key": "no-such-key",
        "uidb36": "1",
        "membership_id": "mem_x",
        "invitation_id": "inv_x",
        "session_id": "1",
        "family_id": "tok_x",
        "key_id": "key_x",
        "token": "no-such-token",
        "user_id": me["user"]["id"],
        "trigger": "trg_x",
        "trigger_id": "trg_x",
        "customer": "1",
        "slug": "notify-customers",
        "number": "1",
        "run_id": run,
        "step_id": step,
        "name": "NONE",
        "guide": "overview",
        "package": "none",
        "notification_id": "ntf_x",
        "incident": "inc_x",
        "month": "2026-01",
        "order_id": "order_x",
        "subscription_id": "sub_x",
        "invoice_id": "inv_x",
        "line_id": "1",
        "request_key": logged.rpartition("/")[2],
    }
