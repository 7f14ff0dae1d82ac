"""Organizations with many rows, and what it costs to list them."""

import re
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import ApiKey, Membership, Organization, TokenFamily, User
from apps.audit.services import record
from apps.core.clock import now
from apps.core.ids import new_id
from apps.notifications.models import Notification
from apps.usage.models import NOBODY
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, Secret, StepRun, Trigger, Workflow, WorkflowVersion
from tests.common.gates import sum_up_all
from tests.common.usage import call, logged
from tests.common.workflows import LOOP, make_run, make_workflow

GATE = re.compile(r'SAVEPOINT|"?usage_|FROM "accounts_tokenfamily"')
COUNTER = 'FROM "usage_usagetotal"'


def grow(first: Workflow, user: User, count: int) -> None:
    """Add so many workflows like the first one to its organization, each with a finished run that asked somebody."""
    organization = first.organization
    rows = [
        Workflow(organization=organization, name="More", slug=f"{count}-{n}", latest_version=first.latest_version)
        for n in range(count)
    ]
    Workflow.objects.bulk_create(rows, batch_size=2000)
    archived = [
        Workflow(organization=organization, name="Old", slug=f"old-{count}-{n}", archived_at=now())
        for n in range(count)
    ]
    Workflow.objects.bulk_create(archived, batch_size=2000)
    runs = [
        Run(
            organization=organization,
            workflow=row,
            version_id=first.latest_version_id,
            trigger_kind="manual",
            state=Run.State.SUCCEEDED,
            created_at=now(),
            started_at=now(),
            finished_at=now(),
            created_by=user,
        )
        for row in rows
    ]
    Run.objects.bulk_create(runs, batch_size=2000)
    steps = [
        StepRun(
            organization=organization, run=run, path="ask", type="approval", state="waiting", waiting_for="approval"
        )
        for run in runs
    ]
    StepRun.objects.bulk_create(steps, batch_size=2000)


def notices(user: User, organization: Organization, count: int) -> None:
    """So many unread notifications for one person."""
    rows = [
        Notification(
            organization=organization, user=user, code="run_failed", title="Failed", idempotency_key=f"{count}:{n}"
        )
        for n in range(count)
    ]
    Notification.objects.bulk_create(rows, batch_size=2000)


def deepen(organization: Organization, user: User, count: int) -> tuple[Workflow, Run]:
    """A workflow with so many versions and a run of so many passes, and so many of all that organization and user list.

    Returns the workflow and its run.
    """
    workflow = make_workflow(organization, user, LOOP, slug=f"loop-{count}")
    run = make_run(workflow, {"rows": [{"name": "a"}] * count}, user=user)
    assert work() > 0
    first = workflow.latest_version
    assert first is not None
    versions = [
        WorkflowVersion(
            organization=organization,
            workflow=workflow,
            number=number,
            source=first.source,
            definition=first.definition,
            digest=first.digest,
            created_by=user,
        )
        for number in range(2, count + 2)
    ]
    WorkflowVersion.objects.bulk_create(versions)
    triggers = [
        Trigger(organization=organization, workflow=workflow, name=f"hook {n}", kind="webhook") for n in range(count)
    ]
    Trigger.objects.bulk_create(triggers)
    people = User.objects.bulk_create(
        User(email=f"{new_id()}@example.com", name="More", password="!") for _number in range(count)
    )
    Membership.objects.bulk_create(Membership(organization=organization, user=one, role="viewer") for one in people)
    secrets = [
        Secret(organization=organization, name=f"S{new_id().hex}", value="hush", updated_by=user) for _n in range(count)
    ]
    Secret.objects.bulk_create(secrets)
    later = now() + timedelta(days=1)
    families = [
        TokenFamily(organization=organization, user=user, origin="device", expires_at=later) for _n in range(count)
    ]
    TokenFamily.objects.bulk_create(families)
    keys = [
        ApiKey(
            organization=organization,
            created_by=user,
            name="Old",
            environment="live",
            state="revoked",
            origin="rotation",
            digest=new_id().hex,
            created_on=now().date(),
        )
        for _n in range(count)
    ]
    ApiKey.objects.bulk_create(keys)
    for summed in (True, False):
        for person, key in zip(people, keys, strict=True):
            call(organization, user_id=person.pk, key_id=key.pk)
        call(organization, 3, user_id=user.pk, key_id=NOBODY)
        if summed:
            sum_up_all()
    for key in keys:
        logged(organization, key_id=key.pk)
    for _number in range(count):
        record("accounts.profile_changed", actor=user, target=user, organization_id=organization.pk)
    return workflow, run


def queries(client: Client, address: str) -> int:
    """How often a page asks the database, once it has read what is read once per process or session.

    Without what depends on where the gate keeps its counters, and what it asks at every call of the API.
    """
    assert client.get(address).status_code == 200, address
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    asked = [query["sql"] for query in found if COUNTER not in query["sql"]]
    return sum(not (address.startswith("/api/") and GATE.search(sql)) for sql in asked)
