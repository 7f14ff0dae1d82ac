"""What staff see of a job's slot: how often it was begun, whether it is tried again, why it failed."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from apps.core.clock import now
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed
from tests.common.roles import client_of
from tests.common.staff import staff_with

pytestmark = pytest.mark.django_db
ERROR = "ValueError: no disk"


@pytest.fixture
def pages():
    """A function that gives the texts of a run's line in the list and of its page."""
    client = client_of(staff_with("", is_superuser=True))

    def read(**fields):
        run = JobRun.objects.create(job="tried", slot=now(), started_at=now(), **fields)
        listed = client.get(reverse("admin:core_jobrun_changelist"), {"period": "any"})
        shown = client.get(reverse("admin:core_jobrun_change", args=[run.pk]))
        assert (listed.status_code, shown.status_code) == (200, 200)
        return listed.content.decode(), shown.content.decode()

    with contributed(ScheduledJob("tried", "Tried job", lambda slot: "", "0 3 * * *", retries=4)):
        yield read


def test_a_slot_to_be_retried_shows_attempts_next_try_and_failure(pages):
    due = now() + timedelta(minutes=5)
    for page in pages(state="failed", attempt=2, due_at=due, finished_at=now(), outcome=ERROR):
        assert "2 of 5" in page
        assert "failed, to be retried" in page
        assert ERROR in page
        assert f'datetime="{due.isoformat()[:16]}' in page, "the next try"


def test_a_slot_that_was_given_up_is_failed_for_good(pages):
    for page in pages(state="failed", attempt=5, finished_at=now(), outcome=ERROR):
        assert "5 of 5" in page
        assert '<span class="staff-tag bad">Failed</span>' in page
        assert "to be retried" not in page


def test_an_ordered_run_is_told_from_one_by_schedule(pages):
    listed, shown = pages(attempt=0, by_hand=True)
    assert '<span class="staff-tag wait">ordered</span>' in listed
    assert re.search(r">\s*hand\s*<", shown)
    assert re.search(r">\s*its schedule\s*<", pages(attempt=1)[1])


def test_the_runs_of_a_job_that_is_gone_are_still_shown(pages):
    JobRun.objects.create(job="gone", slot=now() - timedelta(days=1), started_at=now(), attempt=7)
    listed, _shown = pages()
    assert ">gone<" in listed
