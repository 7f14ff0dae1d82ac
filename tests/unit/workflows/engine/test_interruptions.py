"""What stops a run in the middle: dead and stalled workers, broken steps, timeouts, cancelling."""

from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.workflows import limits
from apps.workflows.engine import claims, leases
from apps.workflows.engine.worker import advance, work
from apps.workflows.models import Run, StepRun
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.services.publishing import create_workflow
from tests.common.runs import due_again, fresh, run_of, steps

pytestmark = pytest.mark.django_db


def test_a_worker_that_dies_in_a_step_is_followed_by_another_with_the_same_key(organization, calls):
    calls.plan += ["first", KeyboardInterrupt()]
    run = run_of(organization, "name: K\nsteps:\n  - {id: p, type: probe}\n  - {id: q, type: probe}")
    with time_machine.travel(now(), tick=False) as clock:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert (fresh(run).state, steps(run)["q"].state) == ("running", "running")
        assert leases.release_expired() == 0
        clock.shift(leases.LEASE + timedelta(seconds=1))
        assert leases.release_expired() == 1
        work()
    assert fresh(run).state == "succeeded"
    assert [call.path for call in calls.seen] == ["p", "q", "q"]
    assert calls.seen[1].idempotency_key == calls.seen[2].idempotency_key
    assert steps(run)["q"].interruptions == 1


def test_on_interrupt_fail_never_guesses(organization, calls):
    calls.plan += [KeyboardInterrupt()]
    run = run_of(organization, "name: U\nsteps: [{id: p, type: probe, on_interrupt: fail}]")
    with pytest.raises(KeyboardInterrupt):
        work()
    due_again(run)
    work()
    assert fresh(run).error["code"] == "unknown_outcome"
    assert len(calls.seen) == 1


def test_a_run_that_kills_every_worker_is_given_up(organization, calls):
    calls.plan += [KeyboardInterrupt()] * 20
    run = run_of(organization, "name: P\nsteps: [{id: p, type: probe}]")
    for _claim in range(limits.CLAIMS_WITHOUT_PROGRESS + 2):
        try:
            work()
        except KeyboardInterrupt:
            due_again(run)
    assert fresh(run).state == "failed"
    assert len(calls.seen) <= limits.CLAIMS_WITHOUT_PROGRESS + 1


def test_a_broken_step_type_fails_its_step_and_says_so(organization, calls):
    calls.plan += [ZeroDivisionError("secret detail")]
    run = run_of(organization, "name: B\nsteps: [{id: p, type: probe}]")
    work()
    assert fresh(run).error["code"] == "internal_error"
    assert "secret detail" not in str(fresh(run).error)


def test_a_worker_that_lost_its_lease_records_nothing(organization, calls):
    run = run_of(organization, "name: L\nsteps: [{id: p, type: probe}]")
    stalled = claims.claim_run()
    due_again(run)
    assert work() == 1
    advance(stalled)
    assert fresh(run).state == "succeeded"
    assert [call.path for call in calls.seen] == ["p"]


def test_a_wake_up_while_working_is_not_lost(organization, calls):
    run = run_of(organization, "name: A\nsteps: [{id: ok, type: approval, with: {message: go?}}]")
    claimed = claims.claim_run()
    Run.objects.unscoped().filter(pk=run.pk).update(due_at=now())  # what `wake` does while the run is held
    advance(claimed)
    assert fresh(run).due_at <= now()
    assert fresh(run).state == "waiting"


def test_a_run_ends_at_its_timeout(organization):
    with time_machine.travel(now(), tick=False) as clock:
        run = run_of(organization, "name: T\ntimeout: 1m\nsteps: [{id: a, type: approval, with: {message: go?}}]")
        work()
        clock.shift(timedelta(seconds=61))
        work()
    assert (fresh(run).state, fresh(run).error["code"]) == ("failed", "run_timeout")
    assert steps(run)["a"].state == "cancelled"


def test_cancel_of_a_waiting_run_is_immediate_and_takes_its_subflows_along(organization):
    create_workflow(organization, "name: Child\nsteps: [{id: a, type: approval, with: {message: go?}}]", None)
    run = run_of(organization, "name: Parent\nsteps: [{id: c, type: subflow, with: {workflow: child}}]")
    work()
    assert Run.objects.unscoped().get(workflow__slug="child").state == "waiting"
    cancel_run(run)
    assert {row.state for row in Run.objects.unscoped()} == {"cancelled"}
    assert {row.state for row in StepRun.objects.unscoped()} == {"cancelled"}


def test_cancel_of_a_running_run_stops_it_before_the_next_step(organization, calls):
    run = run_of(organization, "name: Z\nsteps:\n  - {id: p, type: probe}\n  - {id: q, type: probe}")
    claimed = claims.claim_run()
    cancel_run(run)
    assert fresh(run).state == "running"
    advance(Run.objects.unscoped().get(pk=claimed.pk))
    assert fresh(run).state == "cancelled"
    assert calls.seen == []
