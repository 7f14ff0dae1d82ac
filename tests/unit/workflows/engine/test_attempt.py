"""What happens right before a call outside: the lease is looked at, and somebody is sent for the other runs."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from apps.accounts.models import Organization
from apps.core import http
from apps.core.clock import now
from apps.workflows.engine import attempt
from apps.workflows.engine.leases import LEASE
from apps.workflows.engine.wake import WORK_TASK
from apps.workflows.engine.worker import work
from tests.common.runs import fresh, run_of, steps

pytestmark = pytest.mark.django_db

CALL = "name: {name}\nsteps: [{{id: h, type: http, with: {{url: 'https://x.example/'}}}}]"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that were called; each call is answered."""
    urls: list[str] = []

    def request(_method: str, url: str, **_options: Any) -> http.Response:
        urls.append(url)
        return http.Response(status=200, headers={}, body=b"", url=url, elapsed_ms=1)

    monkeypatch.setattr(http, "request", request)
    return urls


def test_no_call_leaves_after_the_lease_is_over(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    run = run_of(organization, CALL.format(name="Frozen"))
    run_of(organization, CALL.format(name="Another"))
    with time_machine.travel(now(), tick=False) as clock:
        # The process stands still in the last moment before the call.
        monkeypatch.setattr(attempt, "ring_once_now", lambda _task: clock.shift(LEASE + timedelta(seconds=1)))
        assert work(1) == 1
    assert not sent
    assert fresh(run).state == "running"
    assert steps(run)["h"].state == "running"


def test_a_call_sends_somebody_for_the_other_runs(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, sent: list[str]
) -> None:
    rings: list[str] = []
    monkeypatch.setattr(attempt, "ring_once_now", rings.append)
    run_of(organization, CALL.format(name="One"))
    run_of(organization, CALL.format(name="Two"))
    assert work() == 2
    assert len(sent) == 2
    assert rings == [WORK_TASK]  # by the first; when the second was claimed nothing else was due
