"""What a person does on the first day, in Chromium, on a platform started as the README says."""

import json
import re
import time
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from standardwebhooks.webhooks import Webhook

from tests.browser.conftest import log_in

OWNER = "owner@demo.levqor.test"
VIEWER = "viewer@demo.levqor.test"
EACH_MINUTE = """\
name: Each minute
triggers: [{name: minutes, type: cron, cron: "* * * * *"}]
steps: [{id: tick, type: transform, with: {value: 1}}]
"""


@pytest.fixture(scope="session", autouse=True)
def each_minute(platform: str, chromium: Browser) -> str:
    """A workflow that runs each minute, published first of all: whoever looks at it last need not wait for it."""
    context = chromium.new_context(base_url=platform)
    page = context.new_page()
    log_in(page, OWNER)
    page.goto("/workflows/new")
    page.locator("textarea").first.fill(EACH_MINUTE)
    page.get_by_role("button", name=re.compile("Publish|Create")).first.click()
    page.wait_for_url("**/workflows/each-minute")
    context.close()
    return "each-minute"


def run_now(page: Page, slug: str, **inputs: str) -> None:
    page.goto(f"/workflows/{slug}")
    page.get_by_role("link", name="Run now").or_(page.get_by_role("button", name="Run now")).first.click()
    start = page.get_by_role("button", name=re.compile("^(Start|Run)"))
    for name, value in inputs.items():
        page.get_by_label(name).first.fill(value)
    if "/runs/" not in page.url:
        start.last.click()
    page.wait_for_url("**/runs/run_*")


def ended(page: Page, state: str) -> None:
    expect(page.locator(".run-state [role=status]")).to_have_text(state, timeout=30_000)


def test_sign_up_confirm_and_arrive(opened):
    page = opened()
    page.goto("/accounts/signup/")
    email = f"new{time.time_ns()}@example.com"
    page.get_by_label("Name").fill("New Person")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("a-long-and-new-password")
    page.get_by_role("button", name=re.compile("Sign up|Create account")).click()
    page.wait_for_url("**/confirm-email/")
    page.goto("/dev/mail")
    mail = page.get_by_role("link", name=re.compile("[Cc]onfirm")).first
    for _attempt in range(60):  # a worker sends it
        if mail.count():
            break
        page.wait_for_timeout(250)
        page.reload()
    mail.click()
    link = re.search(r"http://\S+/accounts/confirm-email/\S+/", page.content())
    assert link, "the mail has no link to confirm"
    page.goto(link[0])
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/dashboard")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_an_example_runs_to_its_end_while_one_watches(opened):
    page = opened(OWNER)
    run_now(page, "order-digest")
    ended(page, "Succeeded")
    expect(page.get_by_text("Mail the digest")).to_be_visible()
    page.goto("/dev/mail")
    expect(page.get_by_text("Open orders").first).to_be_visible()


def test_an_approval_is_given_on_the_run_page(opened):
    page = opened(OWNER)
    run_now(page, "lead-intake", Lead="by-hand", email="person@example.com", seats="80")
    ended(page, "Waiting")
    page.get_by_role("button", name="Approve").first.click()
    dialog = page.get_by_role("dialog")
    if dialog.count() and dialog.first.is_visible():
        dialog.first.get_by_role("button", name="Approve").click()
    ended(page, "Succeeded")


def test_a_failing_item_is_shown_and_the_run_goes_on(opened):
    page = opened(OWNER)
    run_now(page, "notify-customers")
    ended(page, "Succeeded")
    loop = page.get_by_text("Notify each")
    expect(page.get_by_text("1 failed")).to_be_visible()
    loop.click()
    page.get_by_text("Item 5").click()
    expect(page.get_by_text("503").first).to_be_visible()


def test_a_signed_webhook_starts_a_run(opened, platform):
    page = opened(OWNER)
    page.goto("/workflows/lead-intake/triggers")
    address = re.search(r"/hooks/trg_\w+", page.content())
    assert address
    page.get_by_role("button", name=re.compile("Reveal|Show secret", re.I)).first.click()
    expect(page.locator("body")).to_contain_text(re.compile(r"whsec_[A-Za-z0-9+/=]+"))
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page.inner_text("body"))
    assert secret
    moment = datetime.now(UTC)
    body = json.dumps({"lead_id": f"l{time.time_ns()}", "email": "a@example.com", "seats": 3})
    headers = {
        "content-type": "application/json",
        "webhook-id": f"msg_{time.time_ns()}",
        "webhook-timestamp": str(int(moment.timestamp())),
    }
    headers["webhook-signature"] = Webhook(secret[0]).sign(headers["webhook-id"], moment, body)
    answer = httpx.post(platform + address[0], content=body, headers=headers)
    assert answer.status_code == 202
    page.goto(f"/runs/{answer.json()['run_id']}")
    ended(page, "Succeeded")


def test_the_editor_tells_mistakes_as_one_types_and_publishes(opened):
    page = opened(OWNER)
    page.goto("/workflows/new")
    editor = page.locator("textarea").first
    editor.fill("name: Typed\nsteps:\n  - {id: a, type: magic}\n")
    expect(page.get_by_text("magic").last).to_be_visible()
    expect(page.get_by_text(re.compile(r"line 3|3:\d", re.I)).first).to_be_visible()
    name = f"Typed {time.time_ns()}"
    editor.fill(f"name: {name}\nsteps:\n  - {{id: a, type: transform, with: {{value: 1}}}}\n")
    page.get_by_role("button", name=re.compile("Publish|Create")).first.click()
    page.wait_for_url(re.compile(r"/workflows/typed-\d+"))
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_viewer_sees_but_cannot_change(opened):
    page = opened(VIEWER)
    page.goto("/workflows/order-digest")
    expect(page.get_by_role("button", name="Run now")).to_have_count(0)
    assert page.goto("/workflows/new").status == 403


def test_the_reference_tries_out_what_the_sandbox_has(opened):
    page = opened(OWNER)
    page.goto("/docs/api")
    for path, offers in (("/api/v1/me", 1), ("/api/usage", 0), ("/api/key/new", 0)):
        operation = page.locator(".opblock").filter(has=page.locator(f"[data-path='{path}']"))
        operation.locator(".opblock-summary-control").click()
        expect(operation.get_by_role("heading", name="Parameters")).to_be_visible()
        expect(operation.get_by_role("button", name="Try it out")).to_have_count(offers)


def test_a_schedule_fires_by_itself(opened, each_minute):
    page = opened(OWNER)
    page.goto(f"/workflows/{each_minute}/triggers")
    expect(page.get_by_text("* * * * *").first).to_be_visible()
    started = page.get_by_role("link", name=re.compile("^run_"))
    deadline = time.monotonic() + 85
    while not started.count() and time.monotonic() < deadline:
        page.wait_for_timeout(500)
        page.reload()
    started.first.click()
    ended(page, "Succeeded")
    expect(page.get_by_text("Schedule").first).to_be_visible()
