"""What one organization may use at a time."""

from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.core.errors import LimitExceededError
from apps.integrations.models import MailMessage
from apps.workflows import limits
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.services import room
from apps.workflows.services.starting import Start, start_run
from tests.common.runs import fresh, run_of
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db
HOLD = "name: Hold\nsteps: [{id: d, type: delay, with: {for: 10m}}]"


@pytest.fixture(autouse=True)
def _nothing_known():
    room._counts.clear()
    yield
    room._counts.clear()


def test_an_organization_has_so_many_open_runs_and_no_more(organization, owner, monkeypatch):
    monkeypatch.setattr(limits, "QUEUED_RUNS_PER_ORGANIZATION", 3)
    workflow = make_workflow(organization, owner, HOLD)
    runs = [start_run(workflow, Start(kind="manual")) for _number in range(3)]
    with pytest.raises(LimitExceededError) as refused:
        start_run(workflow, Start(kind="manual"))
    assert (refused.value.code, refused.value.status) == ("too_many_open_runs", 429)
    Run.objects.unscoped().filter(pk=runs[0].pk).update(state=Run.State.CANCELLED)
    room._counts.clear()  # ten seconds later
    start_run(workflow, Start(kind="manual"))


def test_a_count_holds_for_a_while(organization, owner, django_assert_num_queries):
    room.check_room_for_runs(organization.pk)
    with django_assert_num_queries(0):
        room.check_room_for_runs(organization.pk)


def test_subflows_are_runs_too(organization, owner, monkeypatch):
    make_workflow(organization, owner, HOLD)
    monkeypatch.setattr(limits, "QUEUED_RUNS_PER_ORGANIZATION", 3)
    loop = "{id: each, type: foreach, items: [1, 2, 3, 4], steps: [{id: s, type: subflow, with: {workflow: hold}}]}"
    run = run_of(organization, f"name: Fan\nsteps: [{loop}]")
    work()
    assert fresh(run).error["code"] == "too_many_open_runs"
    assert Run.objects.unscoped().filter(workflow__slug="hold").count() <= 2


MAIL = "name: Mail {}\nsteps: [{{id: m, type: email, with: {{to: a@example.com, subject: s, text: t}}}}]"


def test_workflows_send_so_many_mails_a_day(organization, monkeypatch):
    monkeypatch.setattr(limits, "MAILS_PER_DAY", 2)
    states = []
    for number in range(3):
        run = run_of(organization, MAIL.format(number))
        work()
        states.append((fresh(run).error or {}).get("code"))
    assert states == [None, None, "too_many_mails"]
    with time_machine.travel(now() + timedelta(days=1, minutes=1), tick=False):
        room.check_room_for_mail(organization.pk)
    assert MailMessage.objects.filter(template="workflow_step").count() == 2


def test_inputs_may_have_rules_that_are_just_true(organization, owner):
    run = run_of(organization, HOLD + "\ninputs: {type: object, properties: {a: true}}", a=1)
    assert run.inputs == {"a": 1}


def test_very_many_wrong_inputs_are_told_in_part(organization, owner):
    rule = "{type: object, properties: {a: {type: array, items: {type: string}}}}"
    with pytest.raises(Exception, match=r"a\.0") as refused:
        run_of(organization, f"{HOLD}\ninputs: {rule}", a=list(range(5000)))
    assert len(refused.value.extra["errors"]) == 50
