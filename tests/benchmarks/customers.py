"""What the benchmarks of the gate ask the driver process to do: make many customers in bulk, and store their calls."""

import time
from datetime import timedelta
from typing import Any

from django.db import connection

from apps.accounts import key_format, selectors
from apps.accounts.models import ApiKey, Membership, Organization, Role, User
from apps.accounts.permissions import key_scopes
from apps.core.clock import now
from apps.core.ids import new_id
from apps.usage.models import OrganizationLimits, UsageEvent
from apps.usage.request_store import store_waiting
from apps.usage.services.draining import drain
from apps.workflows.models import Run, Workflow, WorkflowVersion

NO_LIMIT = 10_000_000  # calls a minute
SOURCE = """
name: Order digest
steps:
  - {id: fetch, type: http, with: {method: GET, url: "https://shop.example/orders"}}
  - {id: digest, type: transform, with: {value: "{{ steps.fetch.output }}"}}
"""
ORDERS = [{"number": number, "item": f"Item {number}", "cents": 1990 + number} for number in range(5)]


def make(count: int) -> list[dict[str, str]]:
    """So many organizations, each with an owner, a key without limits and one finished run.

    Returns for each its `organization`, its `key` and its `run`'s public id.
    """
    realm, today, scopes = selectors.default_realm(), now().date(), sorted(key_scopes())
    made: dict[type, list[Any]] = {
        model: []
        for model in (User, Organization, Membership, OrganizationLimits, ApiKey, Workflow, WorkflowVersion, Run)
    }
    found = []
    for number in range(count):
        user = User(id=new_id(), email=f"bench{number}@example.com", name=f"Owner {number}", password="!")
        organization = Organization(realm=realm, name=f"Bench {number}", slug=f"bench-{number}", created_by=user)
        secret = key_format.new_secret("live")
        key = ApiKey(organization=organization, created_by=user, name="bench", environment="live", scopes=scopes)
        key.digest, key.last_four, key.created_on = key_format.digest(secret), secret[-4:], today
        workflow = Workflow(organization=organization, name="Order digest", slug="order-digest", created_by=user)
        version = WorkflowVersion(organization=organization, workflow=workflow, number=1, source=SOURCE, definition={})
        run = _run(workflow, version)
        for row in (user, organization, key, workflow, version, run):
            made[type(row)].append(row)
        made[Membership].append(Membership(organization=organization, user=user, role=Role.OWNER))
        made[OrganizationLimits].append(
            OrganizationLimits(organization=organization, plan="enterprise", per_minute=NO_LIMIT)
        )
        found.append({"organization": str(organization.pk), "key": secret, "run": run.public_id})
    for model, rows in made.items():
        model._base_manager.bulk_create(rows, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the server does by itself a while after so many rows
    return found


def store_calls() -> dict[str, float]:
    """Bring what was counted into the database. Returns how many events, and the seconds that it took."""
    began = time.perf_counter()
    return {"events": drain(), "seconds": time.perf_counter() - began}


def leave_nothing_behind() -> int:
    """Store all that waits, so that it is no work for who is measured next. Returns how much it was."""
    return drain() + store_waiting()


def stored_calls() -> int:
    """How many calls the database knows of."""
    return UsageEvent.objects.unscoped().count()


def _run(workflow: Workflow, version: WorkflowVersion) -> Run:
    started = now() - timedelta(seconds=2)
    return Run(
        organization=workflow.organization,
        workflow=workflow,
        version=version,
        trigger_kind=Run.TriggerKind.API,
        inputs={"since": "2026-11-20", "orders": ORDERS},
        state=Run.State.SUCCEEDED,
        output={"digest": f"{len(ORDERS)} orders", "orders": ORDERS},
        created_at=started,
        started_at=started,
        finished_at=now(),
    )
