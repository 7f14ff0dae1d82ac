"""Runs that are stopped, and the subflows that nobody waits for any more."""

import time
from contextlib import suppress

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.workflows.engine import worker
from apps.workflows.engine.worker import work
from apps.workflows.errors import RunEndedError
from apps.workflows.models import Run
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.services.publishing import create_workflow
from tests.common.runs import fresh, run_of, steps
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db

CHILD = "name: Child\nsteps: [{id: ok, type: approval, with: {message: Go on?}}]"
CALL = "{id: call, type: subflow, with: {workflow: child}}"


@pytest.fixture
def child(organization):
    return create_workflow(organization, CHILD, None).workflow


def run_of_child(child):
    return Run.objects.unscoped().get(workflow=child)


def test_a_cancelled_run_stops_its_subflow_and_is_on_record(organization, child):
    run = run_of(organization, f"name: P\nsteps: [{CALL}]")
    work()
    assert run_of_child(child).state == "waiting"
    cancel_run(run)
    assert (fresh(run).state, run_of_child(child).state) == ("cancelled", "cancelled")
    assert {row.state for row in steps(run).values()} == {"cancelled"}
    codes = AuditEntry.objects.unscoped().values_list("code", "target_id")
    assert [target for code, target in codes if code == "workflows.run_cancelled"] == [run.public_id]


def test_a_run_that_fails_stops_the_subflows_that_it_waits_for(organization, child):
    run = run_of(
        organization,
        "name: P\nsteps: [{id: each, type: foreach, items: [1, 2], steps: ["
        "{id: bad, type: transform, skip_if: 'loop.index == `0`', with: {expression: 'join(`1`, `2`)'}}, "
        f"{CALL}]}}]",
    )
    work()
    assert fresh(run).state == "failed"
    assert run_of_child(child).state == "cancelled"


def test_a_run_that_goes_on_without_a_failed_loop_stops_the_subflows_of_its_other_items(organization, child):
    run = run_of(
        organization,
        "name: P\nsteps: [{id: each, type: foreach, items: [1, 2], on_error: continue, steps: ["
        "{id: bad, type: transform, skip_if: 'loop.index == `0`', with: {expression: 'join(`1`, `2`)'}}, "
        f"{CALL}]}}]",
    )
    work()
    assert (fresh(run).state, steps(run)["each[0].call"].state) == ("succeeded", "cancelled")
    assert run_of_child(child).state == "cancelled"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory")
def test_a_parent_is_cancelled_while_its_child_ends(organization, monkeypatch):
    """Both write both runs: whoever is second waits, nobody is thrown out."""
    create_workflow(organization, "name: Child\nsteps: [{id: ok, type: transform, with: {value: 1}}]", None)
    parents = [run_of(organization, f"name: P{number}\nsteps: [{CALL}]") for number in range(8)]
    work(8)
    ending = worker.ending

    def slowly(*arguments):
        time.sleep(0.005)  # between the locks of the one and those of the other
        return ending(*arguments)

    monkeypatch.setattr(worker, "ending", slowly)
    broken = []
    monkeypatch.setattr(worker, "_give_back", broken.append)

    def cancel_all():
        for parent in parents:
            with suppress(RunEndedError):
                cancel_run(parent)

    run_in_threads(cancel_all, work, work)
    work()
    assert broken == []
    assert {fresh(parent).state for parent in parents} <= {"cancelled", "succeeded"}
    assert not Run.objects.for_organization(organization).filter(finished_at=None).exists()
