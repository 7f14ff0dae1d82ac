"""What happens when a person makes a mistake, hesitates, or clicks a moment too late."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_journeys import OWNER, ended, run_now

SLOW = "name: {name}\nsteps:\n  - {{id: pause, type: delay, with: {{for: {pause}}}}}\n"


def create(page: Page, source: str) -> None:
    page.goto("/workflows/new")
    page.locator("#source").fill(source)
    page.get_by_role("button", name="Create").click()


def test_a_refused_workflow_shows_why_on_a_phone_and_keeps_its_graph(opened):
    page = opened(OWNER, width=390)
    page.goto("/workflows/new?from=order-digest")
    expect(page.locator("#problem-count")).to_be_hidden()
    page.locator("#source").fill("name: Wrong\nsteps:\n  - {id: a, type: nothing}\n")
    expect(page.locator("#problem-count")).to_have_text("1 problem")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was created")
    expect(page.locator("#check-title")).to_be_focused()
    expect(page.locator("#check-problems .problem").first).to_be_in_viewport()
    expect(page.locator("#check-graph.stale .graph-node").first).to_be_visible()


def test_who_hesitates_to_cancel_keeps_the_run(opened):
    page = opened(OWNER)
    create(page, SLOW.format(name="Long pause", pause="10m"))
    run_now(page, "long-pause")
    page.get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Keep running").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Cancel the run").click()
    ended(page, "Cancelled")


def test_a_click_meant_for_cancel_starts_no_second_run(opened):
    page = opened(OWNER)
    create(page, SLOW.format(name="Short pause", pause="2s"))
    run_now(page, "short-pause")
    page.locator("[data-run-actions][inert] [data-key=again]").wait_for(state="attached")
    expect(page.locator("[inert]")).to_have_count(0)
    watched = page.url
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: "/runs/run_" in url and url != watched)


@pytest.mark.parametrize("way", ["words", "heading", "keyboard"])
def test_an_example_is_opened_from_a_new_organization(opened, way):
    page = opened(OWNER)
    page.goto("/organizations/new")
    page.get_by_label("Name").fill(f"New {way}")
    page.get_by_role("button", name="Create organization").click()
    page.wait_for_url("**/dashboard")
    heading = page.get_by_role("link", name="Order digest", exact=True)
    if way == "words":
        page.get_by_text("Use this").first.click()
    elif way == "heading":
        heading.click()
    else:
        heading.focus()
        page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/workflows/new\?from="))


def test_a_refused_form_can_be_loaded_anew(opened):
    page = opened(OWNER)
    page.goto("/secrets")
    page.get_by_role("button", name="New secret").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("not a name")
    dialog.get_by_label("Value").fill("not-to-be-seen")
    dialog.get_by_role("button", name="Store").click()
    expect(page.get_by_role("dialog")).to_contain_text("Enter the value again")
    page.goto(page.url)
    expect(page).to_have_url(re.compile("/secrets$"))
    assert "not-to-be-seen" not in page.content()
