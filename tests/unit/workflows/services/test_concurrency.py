"""Concurrency groups: who is skipped, who is woken, and what a cancelled run in the queue leaves behind."""

import threading
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection, transaction

from apps.core.clock import now
from apps.workflows.engine import groups, worker
from apps.workflows.engine.reconcile import reconcile
from apps.workflows.errors import ConcurrencySkippedError
from apps.workflows.models import ConcurrencySlot, Run, Workflow
from apps.workflows.selectors import open_in_group
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.services.publishing import create_workflow, publish_version
from apps.workflows.services.starting import Start, start_run
from tests.common.runs import fresh, run_of
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db

WAITING = "steps: [{id: wait, type: approval, with: {message: Go on?}}]"
SKIPPING = f"name: Alone\nconcurrency: {{key: one, on_conflict: skip}}\n{WAITING}"


def test_skip_counts_runs_that_no_worker_has_taken_yet(organization):
    workflow = create_workflow(organization, SKIPPING, None).workflow
    start_run(workflow, Start(kind="manual"))
    with pytest.raises(ConcurrencySkippedError):
        start_run(workflow, Start(kind="manual"))


def test_a_subflow_whose_group_is_full_fails_its_step_with_the_reason(organization):
    alone = create_workflow(organization, SKIPPING, None).workflow
    start_run(alone, Start(kind="manual"))
    parent = run_of(organization, "name: P\nsteps: [{id: c, type: subflow, with: {workflow: alone}}]")
    worker.work()
    assert (fresh(parent).state, fresh(parent).error["code"]) == ("failed", "concurrency_conflict")


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Act, and do what follows from its commit (which a test's own transaction would hold back)."""

    def act(do, *arguments):
        with django_capture_on_commit_callbacks(execute=True):
            do(*arguments)

    return act


@pytest.fixture
def started(organization):
    def start(count, limit=1, **options):
        source = f"name: Few\nconcurrency: {{key: one, limit: {limit}}}\n{WAITING}"
        workflow = Workflow.objects.for_organization(organization).first()
        workflow = workflow or create_workflow(organization, source, None).workflow
        return [start_run(workflow, Start(kind="manual", **options)) for _number in range(count)]

    return start


def states(runs):
    return [fresh(run).state for run in runs]


def test_two_places_that_come_free_wake_two_runs(started, committed):
    runs = started(4, limit=2)
    worker.work()
    assert states(runs) == ["waiting", "waiting", "queued", "queued"]
    committed(cancel_run, runs[0])
    committed(cancel_run, runs[1])
    worker.work()
    assert states(runs) == ["cancelled", "cancelled", "waiting", "waiting"]


def test_a_run_without_a_place_is_left_alone_until_its_turn_or_its_deadline(started):
    _first, second = started(2)
    worker.work()
    with time_machine.travel(now() + timedelta(days=1)):
        assert worker.work() == 0
    waiting = fresh(second)
    assert (waiting.state, waiting.started_at, waiting.due_at) == ("queued", None, waiting.deadline_at)
    with time_machine.travel(waiting.deadline_at):
        worker.work()
    assert fresh(second).error["code"] == "run_timeout"


def test_places_go_by_urgency_then_by_age_and_nobody_jumps_the_queue(started, committed):
    first, second, third = started(3)
    worker.work()
    [urgent] = started(1, priority="high")
    worker.work()
    [last] = started(1)
    for run, following in ((first, urgent), (urgent, second), (second, third), (third, last)):
        assert fresh(run).state == "waiting"
        committed(cancel_run, run)
        [latecomer] = started(1)
        worker.work()
        assert states([following, latecomer]) == ["waiting", "queued"]
        cancel_run(latecomer)


def test_a_place_left_by_a_process_that_died_is_filled_by_the_reconciler(started):
    first, second = started(2)
    worker.work()
    cancel_run(first)  # and what follows the commit never happens
    assert worker.work() == 0
    reconcile()
    worker.work()
    assert fresh(second).state == "waiting"
    assert list(ConcurrencySlot.objects.values_list("run", flat=True)) == [second.pk]


def test_a_vacant_place_that_nobody_wants_goes_away(started):
    [only] = started(1)
    worker.work()
    cancel_run(only)
    assert list(ConcurrencySlot.objects.values_list("run", flat=True)) == [None]
    reconcile()
    assert not ConcurrencySlot.objects.exists()


def test_woken_while_its_worker_puts_it_back(started, committed, monkeypatch):
    first, second = started(2)
    worker.work(1)
    real = groups.has_place

    def full_and_then_not(run):
        assert not real(run)
        committed(cancel_run, first)  # the place comes free before the run is back in the queue
        return False

    monkeypatch.setattr(groups, "has_place", full_and_then_not)
    worker.work(1)
    monkeypatch.undo()
    worker.work()
    assert states([first, second]) == ["cancelled", "waiting"]


def test_cancelled_while_a_worker_sends_it_back_to_the_queue(started, monkeypatch):
    first, second = started(2)
    worker.work(1)

    def full(run):
        cancel_run(run)  # somebody else, at the worst moment
        return False

    monkeypatch.setattr(groups, "has_place", full)
    worker.work()
    assert states([first, second]) == ["waiting", "cancelled"]
    assert list(ConcurrencySlot.objects.values_list("run", flat=True)) == [first.pk]


def test_a_waiting_run_that_ends_at_this_moment_gets_no_place(started):
    first, second = started(2)
    worker.work()
    cancel_run(first)
    stale = fresh(second)
    cancel_run(second)
    groups._give(ConcurrencySlot.objects.filter(key="one"), stale, None)
    assert not ConcurrencySlot.objects.exclude(run=None).exists()


def test_two_who_give_places_to_different_runs_at_once_give_no_more_than_there_are(started, monkeypatch):
    """One saw the queue before an urgent run came, the other after."""
    [patient] = started(1)
    real = groups.open_in_group
    newcomers = []

    def seen_before_the_newcomer(workflow_id, key):
        if newcomers:
            return real(workflow_id, key)
        newcomers.extend(started(1, priority="high"))
        groups.fill(workflow_id, key)
        return real(workflow_id, key).filter(pk=patient.pk)

    monkeypatch.setattr(groups, "open_in_group", seen_before_the_newcomer)
    groups.fill(patient.workflow_id, "one")
    assert list(ConcurrencySlot.objects.values_list("run", flat=True)) == [newcomers[0].pk]


def test_a_smaller_limit_waits_until_enough_have_left(started, committed, organization):
    runs = started(3, limit=3)
    worker.work()
    workflow = Workflow.objects.for_organization(organization).get()
    publish_version(workflow, f"name: Few\nconcurrency: {{key: one, limit: 1}}\n{WAITING}", None)
    workflow.refresh_from_db()
    narrow = start_run(workflow, Start(kind="manual"))
    for run in runs[:2]:
        committed(cancel_run, run)
        worker.work()
        assert fresh(narrow).state == "queued"
    committed(cancel_run, runs[2])
    worker.work()
    assert fresh(narrow).state == "waiting"


LATEST_ONLY = f"name: Newest\nconcurrency: {{key: one, on_conflict: cancel_running}}\n{WAITING}"


def test_a_newer_run_takes_the_place_of_the_one_that_goes_on(organization, committed):
    workflow = create_workflow(organization, LATEST_ONLY, None).workflow
    runs = []
    for _number in range(3):
        runs.append(start_run(workflow, Start(kind="manual")))
        committed(worker.work)
        worker.work()
    assert states(runs) == ["cancelled", "cancelled", "waiting"]
    assert list(ConcurrencySlot.objects.values_list("run", flat=True)) == [runs[2].pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory")
def test_parents_whose_children_replace_each_other_do_not_meet_in_a_deadlock(organization):
    """Each holds its own row when it starts the child that replaces both."""
    source = f"name: Newest\nconcurrency: {{key: one, limit: 2}}\n{WAITING}"
    newest = create_workflow(organization, source, None).workflow
    call = "steps: [{id: call, type: subflow, with: {workflow: newest}}]"
    parents = [run_of(organization, f"name: P{number}\n{call}") for number in range(2)]
    worker.work()
    publish_version(newest, LATEST_ONLY, None)
    newest.refresh_from_db()
    both_hold = threading.Barrier(2)

    def start_below(parent):
        with transaction.atomic():
            Run.objects.unscoped().select_for_update(no_key=True).get(pk=parent.pk)
            both_hold.wait(5)
            return start_run(newest, Start(kind="manual"))

    run_in_threads(*[partial(start_below, parent) for parent in parents])
    worker.work()
    children = Run.objects.for_organization(organization).filter(workflow=newest).order_by("pk")
    assert states(children)[:2] == ["cancelled", "cancelled"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory")
def test_many_workers_never_give_more_places_than_there_are(organization):
    workflow = create_workflow(
        organization,
        "name: Two\nconcurrency: {key: one, limit: 2}\nsteps: [{id: s, type: transform, with: {value: 1}}]",
        None,
    ).workflow
    most = []
    real = worker.Execution.walk

    def watched(execution):
        most.append(ConcurrencySlot.objects.exclude(run=None).count())
        return real(execution)

    def start_and_work():
        for _number in range(15):
            start_run(workflow, Start(kind="manual"))
            worker.work()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Execution, "walk", watched)
        run_in_threads(*[start_and_work] * 4)
        for _round in range(60):
            reconcile()
            if not worker.work():
                break
    assert set(Run.objects.for_organization(organization).values_list("state", flat=True)) == {"succeeded"}
    assert len(most) == 60
    assert max(most) == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plan")
def test_a_group_is_found_by_its_own_index(organization):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = open_in_group(Run().pk, "one").order_by("priority", "pk").explain()
    assert "run_open_in_group" in plan
