"""A logged call sent again from its page, in Chromium: as it was, after a question, or not at all."""

import json

from playwright.sync_api import Page, expect

from tests.browser.test_journeys import OWNER, VIEWER

VALIDATE = "/api/v1/workflows/validate"
SOURCE = 'name: "Quoted & <tagged> é"\nsteps: []\n'
SEND = """async ([path, body]) => {
  const csrf = document.getElementById("replay").dataset.csrf;
  const headers = { "X-CSRFToken": csrf, "Content-Type": "application/json" };
  return (await fetch(path, { method: "POST", headers, body })).status;
}"""
TRY = """async (path) => {
  const token = await window.levqorSandbox.token(document.getElementById("replay").dataset);
  return (await fetch(path, { headers: { Authorization: `Bearer ${token}` } })).status;
}"""


def find(page: Page, call: str, query: str = "") -> str:
    """Open a call that was made just now: it is in the log about a second later."""
    link = page.get_by_role("link", name=call, exact=True).first
    for _look in range(40):
        page.goto(f"/developer/requests{query}")
        if link.count():
            break
        page.wait_for_timeout(250)
    link.click()
    page.wait_for_url("**/developer/requests/req_*")
    return page.url


def test_replay_sends_the_logged_call(opened):
    page = opened(OWNER)
    assert page.request.get("/api/v1/me?replay=a%20b").status == 200
    find(page, "GET /api/v1/me?replay=a%20b")
    with page.expect_request("**/api/v1/me?replay=a%20b&organization=org_*"):
        page.get_by_role("button", name="Replay").click()
    expect(page.locator("#replayed-status")).to_have_text("HTTP 200")
    expect(page.locator("#replayed-body")).to_contain_text(OWNER)

    body = json.dumps({"source": SOURCE}, ensure_ascii=False)
    status = page.evaluate(SEND, [VALIDATE, body])
    watched = find(page, f"POST {VALIDATE}")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Replay").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#replayed")).to_be_hidden()
    page.get_by_role("button", name="Replay").click()
    with page.expect_request(f"**{VALIDATE}?organization=org_*") as sent:
        dialog.get_by_role("button", name="Send again").click()
    assert sent.value.method == "POST"
    assert sent.value.post_data == body
    expect(page.locator("#replayed-status")).to_have_text(f"HTTP {status}")

    viewer = opened(VIEWER)
    viewer.goto(watched)
    expect(viewer.get_by_text(VALIDATE).first).to_be_visible()
    expect(viewer.get_by_role("button", name="Replay")).to_have_count(0)
    expect(viewer.get_by_text("Quoted")).to_have_count(0)


def test_replay_of_a_call_of_the_sandbox_stays_there(opened):
    page = opened(OWNER)
    page.request.get("/api/v1/me?replay=before")
    find(page, "GET /api/v1/me?replay=before")
    assert page.evaluate(TRY, "/api/sandbox/v1/ping") == 200
    find(page, "GET /api/sandbox/v1/ping", "?environment=test")
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#replayed-status")).to_have_text("HTTP 200")


def test_replay_is_not_offered_for_a_call_that_is_not_whole(opened):
    page = opened(OWNER)
    page.request.get("/api/v1/me?replay=whole")
    find(page, "GET /api/v1/me?replay=whole")
    address = f"{VALIDATE}?long=1"
    page.evaluate(SEND, [address, json.dumps({"source": "x" * 9_000})])
    find(page, f"POST {address}")
    expect(page.get_by_role("button", name="Replay")).to_be_disabled()
    expect(page.get_by_text("it is too long")).to_be_visible()
