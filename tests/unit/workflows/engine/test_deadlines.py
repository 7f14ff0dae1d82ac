"""A run's timeout and its limits end it wherever it is: in a queue, or in a loop that goes on after errors."""

from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.workflows import limits
from apps.workflows.engine.worker import work
from apps.workflows.models import ConcurrencySlot
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run
from tests.common.runs import fresh, run_of

pytestmark = pytest.mark.django_db


def test_a_run_that_waits_for_its_place_ends_with_its_timeout(organization):
    source = """
name: Q
timeout: 1h
concurrency: {key: one}
steps: [{id: wait, type: approval, with: {message: Go on?}}]
"""
    workflow = create_workflow(organization, source, None).workflow
    with time_machine.travel(now(), tick=False) as clock:
        first = start_run(workflow, Start(kind="manual"))
        work()
        clock.shift(timedelta(minutes=1))
        second = start_run(workflow, Start(kind="manual"))
        work()
        ConcurrencySlot.objects.update(run=first)
        type(first).objects.unscoped().filter(pk=first.pk).update(deadline_at=now() + timedelta(hours=9))
        clock.shift(timedelta(hours=1))
        assert work(most=5) < 5, "a run that is too late is looked at for ever"
    assert fresh(first).state == "waiting"
    assert (fresh(second).state, fresh(second).error["code"]) == ("failed", "run_timeout")


def test_a_loop_that_goes_on_after_errors_stops_at_the_limit_of_steps(organization, monkeypatch):
    monkeypatch.setattr(limits, "STEPS_PER_RUN", 3)
    run = run_of(
        organization,
        "name: L\nsteps: [{id: e, type: foreach, items: [1, 2, 3, 4], on_item_error: continue, "
        "steps: [{id: t, type: transform, with: {value: 1}}]}]",
    )
    work()
    assert (fresh(run).state, fresh(run).error["code"]) == ("failed", "too_many_steps")
