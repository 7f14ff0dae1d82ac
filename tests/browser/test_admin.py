"""The administration in real Chromium: its content policy breaks nothing, nothing overflows, menus and search work."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.looking import look_at

STAFF = "staff@demo.levqor.test"
OWNER = "owner@demo.levqor.test"


def staff_page(opened, **look) -> Page:
    """A member of staff, led from the administration to the login and back."""
    page = opened(**look)
    page.goto("/admin/")
    page.get_by_label("E-mail").fill(STAFF)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    return page


def test_every_list_and_a_row_of_each(opened):
    page = staff_page(opened)
    lists = page.eval_on_selector_all("#nav-sidebar-apps a", "links => links.map(link => link.getAttribute('href'))")
    assert len(lists) > 20
    problems = []
    for address in lists:
        page.goto(address)
        row = page.locator("#result_list tbody a[href*='/change/']")
        found = [address, row.first.get_attribute("href")] if row.count() else [address]
        for place in found:
            page.set_viewport_size({"width": 1280, "height": 900})  # as somebody opens it, not as the last look left it
            answer = page.goto(place)
            assert answer is not None
            assert answer.status == 200, place
            name = "-".join(part for part in place.strip("/").split("/") if len(part) < 30)
            problems += look_at(page, name, axe=False)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_first_page_can_be_read_by_everybody(opened, dark):
    page = staff_page(opened, dark=dark)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}
    violations = Axe().run(page, context=".staff-overview", options=options).response["violations"]
    assert not [(item["id"], item["nodes"][0]["html"][:200]) for item in violations]


def test_search_menu_question_and_theme(opened):
    page = staff_page(opened)
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Type to search").fill(OWNER)
    page.keyboard.press("End")  # the search listens to keys
    page.locator("#command-results-list a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(OWNER)
    page.get_by_text("Actions", exact=False).first.click()
    page.get_by_text("End sessions").click()
    expect(page.get_by_text("logged out of every browser")).to_be_visible()
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(OWNER)
    page.goto("/admin/workflows/workflow/")
    page.get_by_text("Filters").first.click()
    page.locator("#changelist-filter .select2-selection").first.click()
    page.keyboard.type("Demo")
    page.get_by_role("option", name="Demo Organization", exact=True).click()
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**organization__id__exact=**")
    assert page.locator("#result_list tbody tr").count() >= 5


def test_the_form_of_an_emergency_fits(opened):
    page = staff_page(opened)
    for form in ("/admin/monitoring/incident/add/", "/admin/notifications/maintenancewindow/add/"):
        page.goto(form)
        assert not look_at(page, form.strip("/").replace("/", "-"), axe=False)
    page.goto("/admin/monitoring/incident/add/")
    for name in ("words", "effect"):
        assert page.locator(f"[name={name}]").evaluate("field => getComputedStyle(field).borderTopStyle") == "solid", (
            name
        )
