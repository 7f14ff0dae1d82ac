"""A customer buys, changes and goes beyond the plan; staff give money back: as people do it, from page to page."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, log_in, started
from tests.common.surroundings import bare_environment

OWNER, STAFF = "owner@demo.levqor.test", "staff@demo.levqor.test"
SOON = 20_000  # milliseconds until a worker has done it


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paying")


@pytest.fixture(scope="module")
def shop(var: Path) -> Iterator[str]:
    """A platform of its own: time passes at its Stripe."""
    with started(var) as address:
        yield address


@pytest.fixture
def person(shop: str, chromium: Browser) -> Iterator[Callable[[str], Page]]:
    contexts = []

    def make(email: str) -> Page:
        context = chromium.new_context(base_url=shop, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        log_in(page, email)
        return page

    yield make
    for context in contexts:
        context.close()


def in_the_platform(var: Path, code: str) -> str:
    """Run Python beside the platform, with its settings and its database."""
    setup = "import django; django.setup()\n"
    environment = bare_environment(LEVQOR_VAR=str(var), DJANGO_SETTINGS_MODULE="levqor.settings.local")
    done = subprocess.run(
        [sys.executable, "-c", setup + code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def call(var: Path, calls: int) -> None:
    """So many calls of the demo's organization."""
    in_the_platform(
        var,
        "from apps.accounts.models import Organization\nfrom tests.common.usage import call\n"
        f"call(Organization.objects.get(slug='demo', twin_of=None), {calls})\n",
    )


def job(var: Path, name: str) -> None:
    environment = bare_environment(LEVQOR_VAR=str(var))
    command = [sys.executable, "manage.py", "run_job", name]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def pay(page: Page, card: str) -> str:
    """On the payment page. Returns its address's beginning."""
    page.wait_for_url(re.compile("/pay/"))
    expect(page.get_by_text("no money moves").first).to_be_visible()
    origin = page.url.split("/pay/")[0]
    page.get_by_label(card).check()
    page.get_by_role("button", name=re.compile("^(Pay|Start|Subscribe)")).click()
    return origin


def quota(page: Page, words: str) -> None:
    page.goto("/developer")
    expect(page.get_by_text(words, exact=False).first).to_be_visible()


def shown_soon(page: Page, address: str, words: str) -> None:
    """Open a page again until it says so."""
    deadline = time.monotonic() + SOON / 1_000
    while time.monotonic() < deadline:
        page.goto(address)
        if page.get_by_text(words, exact=False).first.is_visible():
            return
        page.wait_for_timeout(300)
    raise AssertionError(f"{address} does not say “{words}”")


def test_a_plan_is_bought_refunded_and_bought_again(shop: str, var: Path, person: Callable[[str], Page]) -> None:
    page = person(OWNER)
    quota(page, "of 1,000")

    # Upgrade from Sandbox to Pro: a declined card first, then one whose bank asks.
    page.goto("/developer/plans")
    page.get_by_role("row", name=re.compile("^Pro ")).get_by_role("link", name=re.compile("Upgrade via Stripe")).click()
    page.get_by_role("button", name="Continue to payment").click()
    pay(page, "Payment is declined")
    expect(page.get_by_role("alert").first).to_contain_text("declined")
    fake = pay(page, "3-D Secure")
    page.get_by_role("button", name="Complete authentication").click()
    page.wait_for_url(re.compile("/billing/orders/"))
    expect(page.get_by_text("10,000 calls").first).to_be_visible(timeout=SOON)
    quota(page, "of 10,000")

    # Staff give the money back: the quota shrinks.
    staff = person(STAFF)
    staff.goto("/admin/billing/payment/")
    staff.locator("#result_list a").first.click()
    staff.locator("a[href*='/do/refund/']").first.click()
    staff.get_by_label("Reason").select_option(label="The customer asked for it")
    staff.get_by_role("button", name=re.compile("Continue|Refund")).last.click()
    expect(staff.get_by_text("This will follow")).to_be_visible()
    staff.get_by_role("button", name="Refund", exact=True).click()
    shown_soon(page, "/developer", "of 1,000")
    page.goto("/billing/payments")
    expect(page.get_by_role("row", name=re.compile("API Pro"))).to_have_text(
        re.compile(r"\$\d\.\d\d.*\$\d\.\d\d", re.S)
    )

    # By usage, and beyond it: the overage is on the bill of the 1st.
    page.goto("/developer/plans")
    page.get_by_role("row", name=re.compile("^Developer ")).get_by_role("link", name=re.compile("Upgrade")).click()
    page.get_by_role("button", name="Continue to payment").click()
    pay(page, "Payment succeeds")
    page.wait_for_url(re.compile("/billing/orders/"))
    expect(page.get_by_text("10,000 calls").first).to_be_visible(timeout=SOON)
    call(var, 12_500)
    job(var, "billing_meters")
    shown_soon(page, "/billing", "$7.50")
    overview = page.context.new_page()
    for _reported in range(40):
        reported = in_the_platform(
            var,
            "from apps.billing.models import OverageReport\n"
            "print(OverageReport.objects.unscoped().filter(state='sent').count())",
        )
        if reported.strip() == "1":
            break
    overview.goto(fake)
    overview.get_by_role("button", name="Go to the next renewal").click()
    overview.get_by_role("button", name="Let a day pass").click()
    shown_soon(page, "/billing/invoices", "$36.50")
    page.get_by_role("row", name=re.compile(r"36\.50")).get_by_role("link").first.click()
    expect(page.get_by_text("2,500").first).to_be_visible()
