"""From nothing to calls that are counted: what a developer does in Chromium and in a shell on the first day."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import CHROMIUM, started
from tests.browser.conftest import chromium as chromium  # fixtures, found by their names
from tests.browser.conftest import opened as opened
from tests.common.processes import eventually
from tests.sdk.clients import Client, install_python, install_typescript

# The clients can be built and offered on a server, where nobody looks at pages.
pytestmark = pytest.mark.skipif(not os.access(CHROMIUM, os.X_OK), reason="Chromium is not installed")
ORGANIZATION = "Nora's shop"


@pytest.fixture(scope="session")
def platform(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a platform that offers what was built, as it will be once all tests have passed."""
    var = tmp_path_factory.mktemp("offering")
    offered = var / "sdk"
    offered.mkdir()
    for package in (*built.glob("*.whl"), *built.glob("*.tgz")):
        shutil.copy(package, offered)
    shutil.copy(built / "manifest.json.new", offered / "manifest.json")
    with started(var) as address:
        yield address


def test_from_signing_up_to_calls_that_are_counted(opened: Callable[..., Page], platform: str, tmp_path: Path) -> None:
    page = opened()
    email = f"nora{time.time_ns()}@example.com"
    sign_up(page, email)
    create_organization(page)
    surroundings = {"LEVQOR_API_KEY": make_key(page), "LEVQOR_URL": platform}

    page.goto("/docs/sdk")
    python = install_python(download(page, ".whl", tmp_path), folder(tmp_path, "python"))
    node = install_typescript(download(page, ".tgz", tmp_path), folder(tmp_path, "node"))
    said = f"{email} for {ORGANIZATION}\n"
    assert run_what_the_page_shows(page, "Python", python, "whoami.py", surroundings) == said
    assert run_what_the_page_shows(page, "Node", node, "whoami.mjs", surroundings) == said

    calls = page.locator(".stat", has_text="Calls this month").locator(".stat-value")
    visit_until(page, "/developer/usage", lambda: re.match(r"2\s", calls.inner_text()))
    expect(page.get_by_role("row", name="First program")).to_contain_text("2")
    listed = page.get_by_role("link", name="GET /api/v1/me")
    visit_until(page, "/developer/requests", lambda: listed.count() == 2)
    expect(page.get_by_role("row").filter(has=listed).filter(has_text="First program")).to_have_count(2)


def sign_up(page: Page, email: str) -> None:
    """With the link of the mail, which a worker sends."""
    page.goto("/accounts/signup/")
    page.get_by_label("Name").fill("Nora New")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("a-long-and-new-password")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/confirm-email/")
    mail = page.get_by_role("link", name=re.compile("confirm", re.I))
    visit_until(page, "/dev/mail", lambda: mail.count() > 0)
    mail.first.click()
    link = re.search(r"http://\S+/accounts/confirm-email/\S+/", page.content())
    assert link, "the mail has no link to confirm"
    page.goto(link[0])
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/dashboard")


def create_organization(page: Page) -> None:
    """Beside the one that signing up brings."""
    page.get_by_text("Switch organization").locator("xpath=ancestor::summary").click()
    page.get_by_role("link", name="New organization").click()
    page.get_by_label("Name").fill(ORGANIZATION)
    page.get_by_role("button", name="Create organization").click()
    page.wait_for_url("**/dashboard")


def make_key(page: Page) -> str:
    """A key for live data; the secret by the button that copies it."""
    page.get_by_role("link", name="Developer").click()
    page.get_by_role("link", name="Get API key").click()
    page.get_by_role("button", name="New key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("First program")
    dialog.get_by_role("button", name="Create key").click()
    secret = copied(page, page.get_by_role("button", name="Copy API key"))
    assert re.fullmatch(r"lvq_live_\w+", secret)
    page.goto("/developer/api-keys")
    expect(page.get_by_role("row", name="First program")).to_be_visible()
    assert secret not in page.content(), "a secret is shown once"
    return secret


def copied(page: Page, button: Locator) -> str:
    """What a button has put into the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    expect(button).to_have_class(re.compile("copied"))
    return str(page.evaluate("navigator.clipboard.readText()"))


def download(page: Page, ending: str, place: Path) -> Path:
    """The package behind the page's link, under the name that the page gives it."""
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile(rf"{re.escape(ending)}$")).click()
    kept = place / downloading.value.suggested_filename
    downloading.value.save_as(kept)
    return kept


def folder(place: Path, name: str) -> Path:
    """A fresh one."""
    made = place / name
    made.mkdir()
    return made


def run_what_the_page_shows(page: Page, label: str, client: Client, name: str, surroundings: dict[str, str]) -> str:
    """The first snippet in this language as it stands on the page. Returns what it printed."""
    section = page.get_by_role("region", name="Ask who the key speaks for")
    shown = section.locator(f"h3:text-is('{label}') + .docs-code code").inner_text()
    (client.folder / name).write_text(shown)
    return client.run(name, **surroundings)


def visit_until(page: Page, address: str, satisfied: Callable[[], object]) -> None:
    """Look at the page again and again: a worker, or the log's writer, is behind by a moment."""

    def look() -> object:
        page.goto(address)
        return satisfied()

    eventually(look, 30, f"{address} shows it", every=0.25)
