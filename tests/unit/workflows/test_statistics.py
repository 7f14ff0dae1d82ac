"""Runs in numbers: the right period, the right organization, the right days."""

import datetime as dt
from typing import Any

import pytest
import time_machine

from apps.accounts.models import Organization, User
from apps.core.clock import now
from apps.workflows import statistics
from apps.workflows.models import Run, Workflow
from tests.common.roles import make_organization
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def ended(workflow: Workflow, state: str, ago: dt.timedelta, *, seconds: float = 2, **fields: Any) -> Run:
    """A run of the past. Its id is of now, as in a copied database: the period must not depend on ids alone."""
    at = now() - ago
    return Run.objects.create(
        organization_id=workflow.organization_id,
        workflow=workflow,
        version=workflow.latest_version,
        trigger_kind="manual",
        state=state,
        created_at=at,
        started_at=at,
        finished_at=at + dt.timedelta(seconds=seconds),
        **fields,
    )


@pytest.fixture
def workflow(organization: Organization, owner: User) -> Workflow:
    return make_workflow(organization, owner)


def test_figures_of_a_period(workflow: Workflow, organization: Organization, outsider: User) -> None:
    other = make_workflow(make_organization(outsider, "Other"), outsider)
    ended(other, "failed", DAY)
    ended(workflow, "succeeded", DAY, seconds=2)
    ended(workflow, "succeeded", 2 * DAY, seconds=4)
    ended(workflow, "failed", 3 * DAY)
    ended(workflow, "cancelled", 4 * DAY)
    ended(workflow, "failed", 40 * DAY)
    ended(workflow, "failed", DAY, livemode=False)
    moment = now()
    found = statistics.figures(organization, moment - statistics.PERIOD, moment)
    assert (found.runs, found.succeeded, found.failed) == (4, 2, 1)
    assert found.success_rate == pytest.approx(2 / 3)
    assert found.average == dt.timedelta(seconds=3)
    before = statistics.figures(organization, moment - 2 * statistics.PERIOD, moment - statistics.PERIOD)
    assert (before.runs, before.failed, before.average) == (1, 1, None)
    assert statistics.success_rates(organization, [workflow])[workflow.pk].success_rate == pytest.approx(2 / 3)


def test_nothing_ended_has_no_rate(organization: Organization) -> None:
    found = statistics.figures(organization, now() - DAY, now())
    assert (found.runs, found.success_rate, found.average) == (0, None, None)


def test_days_follow_the_organizations_zone(workflow: Workflow, organization: Organization) -> None:
    organization.timezone = "Pacific/Auckland"
    with time_machine.travel("2026-11-19T12:30:00Z", tick=False):  # half past one in the night of the 20th there
        ended(workflow, "succeeded", dt.timedelta(minutes=5))  # 20th
        ended(workflow, "failed", dt.timedelta(hours=2))  # 19th
        ended(workflow, "queued", dt.timedelta(hours=2))  # not ended
        ended(workflow, "failed", 31 * DAY)
        days = statistics.runs_per_day(organization)
    assert len(days) == 30
    assert days[-1] == statistics.Day(dt.date(2026, 11, 20), succeeded=1)
    assert days[-2] == statistics.Day(dt.date(2026, 11, 19), failed=1)
    assert days[0] == statistics.Day(dt.date(2026, 10, 22))


def test_latest_runs_are_the_newest_of_each(workflow: Workflow, organization: Organization, owner: User) -> None:
    second = make_workflow(organization, owner, slug="second")
    ended(workflow, "failed", DAY)
    newest = ended(workflow, "succeeded", DAY)
    assert statistics.latest_runs(organization, [workflow, second]) == {workflow.pk: newest}
