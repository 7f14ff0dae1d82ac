"""The fake Stripe as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import stripe

from tests.common.stripe_pages import Browser

KEYS = {"STRIPE_FAKE_API_KEY": f"sk_test_{'a' * 40}", "STRIPE_FAKE_WEBHOOK_SECRET": f"whsec_{'b' * 40}"}
ROOT = Path(__file__).parents[4]


def start(*arguments: str, **surroundings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "apps.integrations.stripe.fake", "--port", "0", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **surroundings},  # no settings: it needs nothing of Django's
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_says_where_it_is_and_keeps_what_it_was_told_when_killed(tmp_path: Path) -> None:
    customers = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        with start("--state", str(tmp_path / "state.db"), **KEYS) as process:
            assert process.stdout
            said = process.stdout.readline()
            [address] = re.findall(r"http://\S+?(?=:\s)", said)
            v1 = stripe.StripeClient(KEYS["STRIPE_FAKE_API_KEY"], base_addresses={"api": address}).v1
            customers.append(v1.customers.create({"name": "Ann"}).id)
            page = v1.billing_portal.sessions.create({"customer": customers[-1]}).url
            assert "Your billing" in Browser().open(page).text
            assert {one.id for one in v1.customers.list().data} == set(customers)
            process.send_signal(number)
            assert process.wait(20) == (0 if number == signal.SIGTERM else -number)


@pytest.mark.parametrize("key", ["", f"sk_live_{'a' * 40}"])
def test_it_wants_test_keys(key: str) -> None:
    with start(**{**KEYS, "STRIPE_FAKE_API_KEY": key}) as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "must begin with sk_test_" in said
    assert "sk_live_" not in said
