"""A page wide and on a phone, light and dark: nothing overflows, axe is content, `PICTURES=1` keeps pictures of it."""

import os

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import SCREENSHOTS

LOOKS = {
    "wide-light": (1280, "light"),
    "wide-dark": (1280, "dark"),
    "phone-light": (390, "light"),
    "phone-dark": (390, "dark"),
}
JUDGED = ("wide-light", "phone-dark")  # by axe: between them both layouts and both themes
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}
# Colours fade between themes. A transition of what is hidden never ends: nobody waits longer than a second.
# Two frames first: until then the page may not know of the new theme, and nothing fades yet.
STILL = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.race([
  Promise.allSettled(document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished)),
  new Promise(resolve => setTimeout(resolve, 1000)),
])).then(() => null)"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look_at(page: Page, name: str, *, axe: bool = True) -> list[str]:
    """What is wrong with the page as it is open now, in each look. Its pictures are named after it."""
    problems = []
    for look, (width, theme) in LOOKS.items():
        page.set_viewport_size({"width": width, "height": 844 if width < 600 else 900})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(STILL)
        if (pixels := page.evaluate(TOO_WIDE)) > 0:
            problems.append(f"{name}, {look}: {pixels} px wider than the window")
        if axe and look in JUDGED:
            problems += [f"{name}, {look}: {told}" for told in _judged(page)]
        if os.environ.get("PICTURES"):
            SCREENSHOTS.mkdir(exist_ok=True)
            page.screenshot(path=SCREENSHOTS / f"{name}--{look}.png", full_page=True)
    return problems


def _judged(page: Page) -> list[str]:
    """What axe finds wrong twice: a page that is still on its way to another theme looks wrong for a moment."""
    for last in (False, True):
        found = Axe().run(page, options=RULES).response["violations"]
        if not found:
            return []
        if not last:
            page.wait_for_timeout(500)
    return [
        f"{item['id']}: {node['html'][:160]}: {node['failureSummary']}" for item in found for node in item["nodes"][:1]
    ]
