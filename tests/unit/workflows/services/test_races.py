"""Several at once: they store the same thing, publish, start, or fire one schedule.

On SQLite there is one writer at a time, so it is PostgreSQL's locks and unique constraints that are tried here.
"""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from apps.core.errors import ConflictError
from apps.workflows.errors import ConcurrencySkippedError, OvertakenError
from apps.workflows.models import Run, Secret, Trigger, Workflow, WorkflowVersion
from apps.workflows.services import publishing, schedules
from apps.workflows.services.publishing import create_workflow, publish_version
from apps.workflows.services.schedules import fire_due
from apps.workflows.services.secrets import put_secret
from tests.common.roles import actor_of
from tests.common.threads import run_in_threads
from tests.common.workflows import GREETING, make_run, make_workflow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory"),
]


NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)
EACH_MINUTE = """
name: Each minute
triggers: [{name: minutes, type: cron, cron: '* * * * *', catch_up: all, overlap: POLICY}]
steps: [{id: w, type: approval, with: {message: go?}}]
"""


@pytest.fixture
def clock():
    with time_machine.travel(NINE - timedelta(seconds=90), tick=False) as traveller:
        yield traveller


def slots():
    """The minutes whose runs were started."""
    runs = Run.objects.unscoped().order_by("pk")
    return [run.trigger_data["scheduled_for"][11:16] for run in runs]


@pytest.fixture
def met(monkeypatch):
    """`met(model)`: the first two who save such a row wait for one another before they do."""

    def meet(model):
        real, barrier, first_two = model.save, threading.Barrier(2), threading.Semaphore(2)

        def save(self, *args, **kwargs):
            if first_two.acquire(blocking=False):
                barrier.wait(10)
            real(self, *args, **kwargs)

        monkeypatch.setattr(model, "save", save)

    return meet


def test_two_workflows_of_one_slug(organization, owner, met):
    met(Workflow)

    def create():
        try:
            return create_workflow(organization, GREETING, actor_of(owner, organization)).version.number
        except ConflictError as refusal:
            return refusal.code

    assert sorted(map(str, run_in_threads(create, create))) == ["1", "slug_taken"]
    assert Workflow.objects.for_organization(organization).count() == 1


def test_one_secret_stored_by_two_has_one_of_their_values(organization, owner, met):
    met(Secret)
    actor = actor_of(owner, organization)
    run_in_threads(*(lambda value=value: put_secret(organization, "TOKEN", value, actor) for value in ("one1", "two2")))
    assert Secret.objects.for_organization(organization).get().value in ("one1", "two2")


def test_versions_published_at_once_are_numbered_one_after_another(organization, owner):
    workflow, actor = make_workflow(organization, owner), actor_of(owner, organization)
    sources = [GREETING.replace("Hello", f"Hello {number}") for number in range(4)]
    run_in_threads(*(lambda source=source: publish_version(workflow, source, actor) for source in sources))
    numbers = WorkflowVersion.objects.for_organization(organization).values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("policy", "runs"), [("queue", 1), ("skip", 1), ("allow", 4)])
def test_schedulers_at_the_same_time_start_each_slot_once(organization, owner, clock, policy, runs):
    make_workflow(organization, owner, EACH_MINUTE.replace("POLICY", policy))
    clock.move_to(NINE + timedelta(minutes=2, seconds=10))
    assert sum(run_in_threads(*[fire_due] * 6)) == 1, "the others find it taken, or no longer due"
    assert slots() == ["08:59", "09:00", "09:01", "09:02"][:runs]
    assert len(Trigger.objects.unscoped().get().waiting) == 4 - runs


def test_of_two_who_edit_one_version_the_second_sees_the_first(organization, owner):
    workflow, actor = make_workflow(organization, owner), actor_of(owner, organization)

    def publish(words):
        try:
            return publish_version(workflow, GREETING.replace("Hello", words), actor, base=1).version.number
        except OvertakenError as refusal:
            return refusal.extra["newest"]

    assert run_in_threads(lambda: publish("Hi"), lambda: publish("Hey")) == [2, 2]
    assert workflow.versions.count() == 2


SKIPPING = "concurrency: {key: one, on_conflict: skip}"


def test_of_two_who_start_at_once_where_one_may_run_one_is_refused(organization, owner, monkeypatch):
    workflow = make_workflow(organization, owner, f"{GREETING}{SKIPPING}\n")
    real, both = Run.save, threading.Barrier(2)

    def save(self, *args, **kwargs):
        with suppress(threading.BrokenBarrierError):  # the other one does not come this far
            both.wait(0.5)
        real(self, *args, **kwargs)

    monkeypatch.setattr(Run, "save", save)

    def start():
        try:
            return make_run(workflow, {"who": "Ada"}).state
        except ConcurrencySkippedError:
            return "refused"

    assert sorted(run_in_threads(start, start)) == ["queued", "refused"]
    assert Run.objects.unscoped().count() == 1


def test_a_start_that_nothing_can_refuse_waits_for_nobody(organization, owner, django_assert_num_queries):
    workflow = make_workflow(organization, owner)
    make_run(workflow, {"who": "Ada"})  # the version is loaded, and the organization's runs are counted
    with django_assert_num_queries(1):
        make_run(workflow, {"who": "Ada"})


@pytest.mark.parametrize("concurrency", ["", SKIPPING])
def test_a_schedule_fires_while_a_version_is_published(organization, owner, clock, monkeypatch, concurrency):
    """One holds the workflow and wants its triggers, the other holds a trigger and refers to the workflow."""
    source = EACH_MINUTE.replace("POLICY", "skip") + concurrency
    workflow = make_workflow(organization, owner, source)
    clock.move_to(NINE - timedelta(seconds=50))
    publish_began, fired = threading.Event(), threading.Event()
    sync_triggers, start_run = publishing.sync_triggers, schedules.start_run

    def sync_later(*arguments):
        publish_began.set()
        fired.wait(5)
        return sync_triggers(*arguments)

    def start_and_tell(*arguments):
        run = start_run(*arguments)
        fired.set()
        publish_began.wait(5)
        return run

    monkeypatch.setattr(publishing, "sync_triggers", sync_later)
    monkeypatch.setattr(schedules, "start_run", start_and_tell)
    run_in_threads(fire_due, lambda: publish_version(workflow, source.replace("go?", "now?"), None))
    assert slots() == ["08:59"]
    assert workflow.versions.count() == 2
