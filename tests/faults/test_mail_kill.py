"""kill -9 of mail senders at random moments: every mail reaches Resend exactly once, and none is lost."""

import os
import random
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.common.platform import Platform, running_platform
from tests.common.processes import Program, eventually
from tests.contracts.fake_resend import API_KEY, FakeResend
from tests.faults.load import seed_of

KILLS = 30  # on each of the two setups
MAILS = 400


@pytest.fixture(params=["embedded", "services"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Platform, FakeResend]]:
    """A platform that mails through a Resend which takes its time to answer."""
    with FakeResend(delay=0.03) as fake:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.mail_settings",
            "MAIL_TRANSPORT": "resend",
            "RESEND_API_KEY": API_KEY,
            "FAKE_RESEND_URL": fake.url,
        }
        with running_platform(tmp_path, services=request.param == "services", **settings) as (platform, _redis):
            yield request.param, platform, fake


def child_of(parent: Program, dead: set[int]) -> int:
    """The process that sends for this parent now; 0 while there is none."""
    pids = re.findall(r"^sending (\d+)$", parent.log.read_text(), re.MULTILINE)
    return int(pids[-1]) if pids and int(pids[-1]) not in dead else 0


@pytest.mark.timeout(300)
def test_every_mail_goes_out_once_although_senders_are_killed(post: tuple[str, Platform, FakeResend]) -> None:
    name, platform, fake = post
    seed = seed_of(name)
    chance = random.Random(seed)
    assert platform.call("tests.faults.mail_actions:queue", count=MAILS) == MAILS
    parents = [
        platform.program(f"sender{number}", sys.executable, "-m", "tests.faults.mail_sender") for number in (1, 2)
    ]
    for parent in parents:
        parent.start()
    victims: set[int] = set()
    for number in range(KILLS):
        victim = eventually(lambda: child_of(parents[number % 2], victims), 60, "a sender starts", every=0.01)  # noqa: B023 - called at once
        victims.add(victim)
        time.sleep(chance.uniform(0.02, 0.6))
        os.kill(victim, signal.SIGKILL)
        platform.call("tests.faults.mail_actions:expire_leases")

    def all_sent() -> bool:
        platform.call("tests.faults.mail_actions:expire_leases")
        return platform.call("tests.faults.mail_actions:states") == {"sent": MAILS}

    eventually(all_sent, 120, "all mails are sent", every=1)
    arrived = sorted(mail["subject"] for mail in fake.accepted.values())
    assert arrived == sorted(f"Mail {number}" for number in range(MAILS))
    repeated = len(fake.requests) - MAILS
    assert repeated > 0, "no kill hit a mail on its way: this proved nothing"
    tried_again = platform.call("tests.faults.mail_actions:tried_again")
    most = platform.call("tests.faults.mail_actions:most_attempts")
    print(  # noqa: T201 - figures for whoever reads
        f"{name}: {len(victims)} senders killed; {MAILS} mails arrived once each; {tried_again} were tried again"
        f" (at most {most}), {repeated} requests were answered from Resend's memory"
    )
