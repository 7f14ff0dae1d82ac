"""Schedules of a sandbox: kept, and never fired, so that nothing that was tried out runs for ever."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.accounts.services.sandbox import sandbox_of
from apps.workflows.models import Run, Trigger
from apps.workflows.services.publishing import (
    archive_workflow,
    create_workflow,
    publish_version,
    restore_workflow,
    set_enabled,
)
from apps.workflows.services.schedules import fire_due

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 8, 58, tzinfo=UTC)
SOURCE = """
name: S
triggers: [{name: often, type: cron, cron: '* * * * *'}]
steps: [{id: t, type: transform, with: {value: 1}}]
"""


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def twin(organization, owner):
    return sandbox_of(organization, owner)


def trigger_of(workflow):
    return Trigger.objects.for_organization(workflow.organization_id).get(workflow=workflow)


def runs_of(workflow):
    return Run.objects.for_organization(workflow.organization_id).filter(workflow=workflow).count()


def test_they_have_no_slot_and_start_nothing(twin, organization, clock):
    tried, live = (create_workflow(place, SOURCE, None).workflow for place in (twin, organization))
    clock.move_to(START + timedelta(minutes=2))
    assert fire_due() == 1
    assert (runs_of(tried), runs_of(live)) == (0, 1)
    trigger = trigger_of(tried)
    assert (trigger.slot, trigger.due_at, trigger.enabled) == (None, None, True)
    assert trigger.last_outcome == "not fired: schedules of a sandbox start nothing by themselves"


def test_nothing_that_is_done_to_the_workflow_sets_them_going(twin, clock):
    workflow = create_workflow(twin, SOURCE, None).workflow
    publish_version(workflow, SOURCE.replace("* * * * *", "*/2 * * * *"), None)
    set_enabled(workflow, enabled=False)
    set_enabled(workflow, enabled=True)
    archive_workflow(workflow)
    restore_workflow(workflow)
    clock.move_to(START + timedelta(minutes=5))
    assert fire_due() == 0
    assert trigger_of(workflow).slot is None


def test_those_that_were_fired_before_stand_still_at_the_next_look(twin, clock):
    workflow = create_workflow(twin, SOURCE, None).workflow
    Trigger.objects.for_organization(twin).update(slot=START, due_at=START, waiting=[START.isoformat()])
    assert fire_due() == 1
    assert fire_due() == 0
    trigger = trigger_of(workflow)
    assert (trigger.slot, trigger.due_at, trigger.waiting, runs_of(workflow)) == (None, None, [], 0)
    assert trigger.last_outcome
