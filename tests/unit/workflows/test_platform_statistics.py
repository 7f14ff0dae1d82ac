"""All organizations' runs in numbers."""

import itertools
import uuid
from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.workflows import platform_statistics as statistics
from apps.workflows import staff_contributions as staff_page
from apps.workflows.models import Run, Workflow
from apps.workflows.services.publishing import create_workflow
from tests.common.roles import actor_of, make_organization, make_user

pytestmark = pytest.mark.django_db
NUMBERS = itertools.count(1)
SOURCE = "name: Tried\nsteps: [{id: a, type: transform, with: {expression: inputs}}]\n"


@pytest.fixture
def workflows(organization, owner):
    """A workflow in each of two organizations."""
    other = make_user("Other Owner")
    elsewhere = make_organization(other, "Elsewhere")
    return [
        create_workflow(organization, SOURCE, actor_of(owner, organization)).workflow,
        create_workflow(elsewhere, SOURCE, actor_of(other, elsewhere)).workflow,
    ]


def made(workflow: Workflow, state: str, age: timedelta = timedelta(), **fields):
    moment = now() - age
    return Run.objects.create(
        id=uuid.UUID(int=lowest_id(moment).int + next(NUMBERS)),
        organization_id=workflow.organization_id,
        workflow=workflow,
        version_id=workflow.latest_version_id,
        trigger_kind="manual",
        state=state,
        created_at=moment,
        **fields,
    )


def figure(figures, label):
    return next(figure for figure in figures if str(figure.label) == label)


@time_machine.travel("2026-05-20T12:00:00Z", tick=False)
def test_days_count_all_organizations_and_leave_sandboxes_out(workflows):
    one, two = workflows
    made(one, "succeeded")
    made(two, "succeeded")
    made(two, "failed", timedelta(days=1))
    made(one, "waiting", timedelta(days=1))
    made(one, "succeeded", timedelta(days=20))
    made(one, "succeeded", livemode=False)
    days = statistics.per_day(3)
    assert [(day.succeeded, day.failed, day.cancelled, still_open) for day, still_open in days] == [
        (0, 0, 0, 0),
        (0, 1, 0, 1),
        (2, 0, 0, 0),
    ]
    total = statistics.total(days)
    assert (total.runs, total.success_rate) == (4, pytest.approx(2 / 3))
    shown = staff_page.runs()
    assert figure(shown, "Runs today").value == "2"
    assert figure(shown, "Success rate today").tone == "ok"
    assert figure(shown, "Success rate in 7 days").tone == "bad"


def test_recent_days_are_counted_once_for_a_while(workflows, settings, django_assert_num_queries):
    statistics.recent_days()
    with django_assert_num_queries(0 if settings.ENV.REDIS_URL else 1):  # the cache's own, where it is in the database
        statistics.recent_days()


def test_the_queue(workflows):
    one, _two = workflows
    assert figure(staff_page.queue(), "Oldest due run").value == "—"
    made(one, "queued", due_at=now() - timedelta(minutes=5))
    made(one, "waiting", due_at=now() + timedelta(hours=1))
    made(one, "running", lease_until=now() - timedelta(minutes=1))
    made(one, "running", lease_until=now() + timedelta(minutes=1), due_at=now())
    shown = staff_page.queue()
    assert [figure.value for figure in shown] == ["1", "5 minutes ago", "1"]
    assert [figure.tone for figure in shown] == ["", "bad", "wait"]


def test_latest_failures_are_the_newest_of_a_week(workflows, django_assert_num_queries):
    one, two = workflows
    made(one, "failed", timedelta(days=9))
    older = made(one, "failed", timedelta(days=2), error={"message": "no", "step": "a", "code": "x"})
    newer = made(two, "failed")
    made(two, "succeeded")
    with django_assert_num_queries(1):
        shown = staff_page.latest_failures()["rows"]
    assert [row["run"].pk for row in shown] == [newer.pk, older.pk]
    assert (shown[1]["message"], shown[1]["step"], shown[0]["message"]) == ("no", "a", "")


def test_facts_of_an_organization(workflows, organization):
    one, two = workflows
    made(one, "failed")
    made(one, "succeeded")
    made(one, "succeeded", timedelta(days=40))
    made(two, "failed")
    assert [figure.value for figure in staff_page.organization_facts(organization)] == ["1", "2", "1"]
