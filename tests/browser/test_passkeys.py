"""Passkeys in Chromium, with its virtual authenticator: added, enough to log in, a second proof, removed."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import PASSWORD

MEMBER = "developer@demo.levqor.test"


class Device:
    """Chromium's virtual authenticator: a laptop with a fingerprint reader."""

    def __init__(self, page: Page) -> None:
        self.chromium: CDPSession = page.context.new_cdp_session(page)
        self.chromium.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list[dict[str, object]]:
        """What it keeps."""
        return self.chromium.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def recognises(self, finger: bool) -> None:
        """Whether the finger on the reader is the owner's."""
        self.chromium.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": finger})


@pytest.fixture
def named(opened: Callable[..., Page], platform: str) -> Callable[..., Page]:
    """As `opened`, at http://localhost: browsers offer no passkeys at a numeric address."""

    def make(**look: object) -> Page:
        page = opened(**look)
        page.goto(platform.replace("127.0.0.1", "localhost") + "/accounts/login/")
        return page

    return make


def log_out(page: Page) -> None:
    page.goto(here(page, "/accounts/logout/"))
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    page.wait_for_url(re.compile(r"//[^/]+/$"))


def here(page: Page, path: str) -> str:
    return re.sub(r"^(https?://[^/]+).*", rf"\1{path}", page.url)


def enter(page: Page, email: str) -> None:
    page.goto(here(page, "/accounts/login/"))
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_a_passkey_from_its_making_to_its_end(named):
    page = named()
    device = Device(page)
    enter(page, MEMBER)
    page.wait_for_url("**/dashboard")

    page.goto(here(page, "/accounts/2fa/"))
    page.get_by_role("link", name="Add a passkey").click()
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    expect(page.get_by_text("The passkey was added.")).to_be_visible()
    assert [key["isResidentCredential"] for key in device.credentials()] == [True]
    page.goto(here(page, "/accounts/2fa/"))
    expect(page.get_by_text("Laptop", exact=True)).to_be_visible()
    expect(page.get_by_text("Lets you in by itself")).to_be_visible()

    log_out(page)
    page.goto(here(page, "/accounts/login/?next=/runs"))
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(re.compile(r"//[^/]+/runs$"))

    log_out(page)
    enter(page, MEMBER)
    page.wait_for_url("**/2fa/authenticate/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/dashboard")

    page.goto(here(page, "/accounts/2fa/"))
    page.get_by_role("link", name="Rename Laptop").click()
    if "reauthenticate" in page.url:
        page.get_by_role("link", name="Use a passkey").click()
        page.get_by_role("button", name="Use a passkey").click()
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Remove Old laptop").click()
    page.get_by_role("button", name="Remove").click()
    page.wait_for_url("**/accounts/2fa/")
    expect(page.get_by_text("Old laptop", exact=True)).to_have_count(0)

    log_out(page)
    page.goto(here(page, "/accounts/login/"))
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_text("This passkey was not accepted")).to_be_visible()


def test_a_finger_that_is_not_known_changes_nothing(named):
    page = named()
    Device(page).recognises(False)
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    assert page.url.endswith("/accounts/login/")


def test_a_browser_without_passkeys_says_so(named):
    page = named()
    page.add_init_script("delete window.PublicKeyCredential")
    page.reload()
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_disabled()
    expect(page.get_by_role("alert")).to_contain_text("knows no passkeys")


def test_a_numeric_address_leads_to_the_named_one(opened, platform):
    page = opened()
    page.goto("/accounts/login/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_have_count(0)
    page.get_by_role("link", name="Use localhost").click()
    page.wait_for_url(platform.replace("127.0.0.1", "localhost") + "/accounts/login/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_visible()
