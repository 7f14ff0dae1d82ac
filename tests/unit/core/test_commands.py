"""Commands that are thin: what they print and how they end."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.errors import NotFoundError
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed

pytestmark = pytest.mark.django_db


def output_of(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def jobs() -> Iterator[None]:
    def broken(_slot: Any) -> str:
        raise ValueError("no disk")

    with contributed(
        ScheduledJob("good", "Good", lambda slot: "3 rows", "0 3 * * *"),
        ScheduledJob("broken", "Broken", broken, "0 4 * * *", tz="Asia/Tokyo"),
    ):
        yield


@pytest.mark.usefixtures("jobs")
def test_run_job() -> None:
    assert output_of("run_job", "good") == "good: 3 rows\n"
    assert JobRun.objects.get(job="good").state == JobRun.State.SUCCEEDED
    with pytest.raises(CommandError, match="broken failed: ValueError: no disk"):
        call_command("run_job", "broken")
    with pytest.raises(NotFoundError):
        call_command("run_job", "unknown")


@pytest.mark.usefixtures("jobs")
def test_run_job_lists_the_jobs() -> None:
    lines = output_of("run_job").splitlines()
    assert any(line.split()[:1] == ["broken"] and "Asia/Tokyo" in line for line in lines)
    assert not JobRun.objects.exists()


def test_sync_schedules_is_quiet_the_second_time() -> None:
    assert output_of("sync_schedules") != "0 schedules changed\n"
    assert output_of("sync_schedules") == "0 schedules changed\n"


def test_seed_prints_what_it_did() -> None:
    assert "accounts: Demo Organization" in output_of("seed")
