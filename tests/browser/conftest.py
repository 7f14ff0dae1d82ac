"""A whole platform as a user starts it (embedded, demo data), and a Chromium to use it with."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.common.processes import free_port
from tests.common.surroundings import bare_environment

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
PASSWORD = "levqor-demo"


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running platform with demo data."""
    with started(tmp_path_factory.mktemp("platform")) as address:
        yield address


@contextmanager
def started(var: Path) -> Iterator[str]:
    """A platform as a user starts it, with this folder for its files. Yields its address."""
    port = free_port()
    environment = bare_environment(LEVQOR_VAR=str(var), PORT=str(port), STRIPE_FAKE_PORT=str(free_port()))
    log = (var / "platform.log").open("wb")
    command = [sys.executable, "manage.py", "start", "--end-with-parent"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, var / "platform.log")
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        log.close()


def _wait_until_up(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the platform did not start:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(platform: str, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`opened(email=…, width=…, dark=…)`: a page, logged in when an e-mail is given; fails on any console error."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(email: str = "", *, width: int = 1280, dark: bool = False) -> Page:
        context = chromium.new_context(
            base_url=platform,
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if email:
            log_in(page, email)
        return page

    yield make
    for context in contexts:
        context.close()
    expected = (
        "status of 401",
        "status of 402",
        "status of 404",
        "status of 403",
        "status of 400",
        "status of 422",
        "status of 409",
        "status of 405",
        "cdn.redoc.ly",  # Redoc asks for its maker's logo, which our policy refuses
    )
    assert not [text for text in complaints if not any(part in text for part in expected)], complaints


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Through the login page, as a person does."""
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)
