"""What fault tests ask the driver process to do, inside of the platform that is being hurt."""

from datetime import timedelta
from typing import Any

from django.core.cache import caches
from django.db import connection
from django.db.models import Count

from apps.accounts.models import Organization, TokenFamily, User
from apps.accounts.services import tokens
from apps.accounts.services.organizations import create_organization
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.models import DomainEvent, EventDelivery, IdempotentRequest, JobRun, JobState
from apps.integrations.models import MailMessage
from apps.workflows.models import Run, StepRun, Trigger, Workflow
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run


def publish(sources: dict[str, str]) -> int:
    """An organization with these workflows, and the table of marks. Returns how many workflows there are."""
    user = User.objects.create_user("owner@example.com", "correct-horse-battery", name="Olivia Owner")
    organization = create_organization(user, name="Acme")
    for slug, source in sources.items():
        create_workflow(organization, source, None, slug=slug)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE fault_marks (kind varchar(40) NOT NULL, mark varchar(80) NOT NULL)")
    return len(sources)


def start(slug: str, count: int = 1, unless_unfinished: int | None = None) -> list[str]:
    """Start runs, or none while there are so many unfinished ones. Returns their ids."""
    if unless_unfinished is not None and unfinished() >= unless_unfinished:
        return []
    workflow = Workflow.objects.unscoped().get(slug=slug)
    return [str(start_run(workflow, Start(kind="manual")).pk) for _number in range(count)]


def unfinished() -> int:
    """How many runs have not ended."""
    return Run.objects.unscoped().filter(finished_at=None).count()


def unsettled() -> int:
    """How many deliveries and mails are still to be made."""
    mails = MailMessage.objects.filter(state__in=(MailMessage.State.QUEUED, MailMessage.State.SENDING))
    return EventDelivery.objects.filter(state=EventDelivery.State.PENDING).count() + mails.count()


def pending() -> list[dict[str, Any]]:
    """The runs that have not ended, for a message."""
    fields = ("pk", "workflow__slug", "state", "due_at", "lease_until", "claims", "revision")
    return list(Run.objects.unscoped().filter(finished_at=None).values(*fields)[:10])


def runs() -> list[dict[str, Any]]:
    """Every run with its steps."""
    found: dict[Any, dict[str, Any]] = {}
    for run in Run.objects.unscoped().select_related("workflow").order_by("pk"):
        found[run.pk] = {
            "id": str(run.pk),
            "public_id": run.public_id,
            "slug": run.workflow.slug,
            "state": run.state,
            "error": run.error,
            "output": run.output,
            "revision": run.revision,
            "parent_step": str(run.parent_step_id) if run.parent_step_id else None,
            "key": run.idempotency_key,
            "trigger_data": run.trigger_data,
            "steps": {},
        }
    for step in StepRun.objects.unscoped().order_by("pk"):
        found[step.run_id]["steps"][step.path] = {
            "id": str(step.pk),
            "public_id": step.public_id,
            "type": step.type,
            "state": step.state,
            "attempt": step.attempt,
            "interruptions": step.interruptions,
            "finished_at": step.finished_at.isoformat() if step.finished_at else None,
        }
    return list(found.values())


def marks(kind: str) -> list[str]:
    """The marks that the plugin left, in any order, repeated ones repeated."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark FROM fault_marks WHERE kind = %s", [kind])
        return [row[0] for row in cursor.fetchall()]


def finished_events() -> list[str]:
    """The run of each `run_finished` event."""
    return [
        payload["run_id"]
        for payload in DomainEvent.objects.filter(name="run_finished").values_list("payload", flat=True)
    ]


def deliveries() -> dict[str, int]:
    """How many deliveries there are in each state."""
    return dict(EventDelivery.objects.values_list("state").annotate(Count("pk")))


def attempts(handler: str, run_id: str) -> int:
    """How often the delivery of a run's end to a handler was begun."""
    return int(EventDelivery.objects.get(handler=handler, event__payload__run_id=run_id).attempts)


def expire_deliveries() -> int:
    """Pretend that the rest after an interrupted delivery is over. Returns how many were pending."""
    return EventDelivery.objects.filter(state=EventDelivery.State.PENDING).update(due_at=now())


def mails() -> list[dict[str, Any]]:
    """The outbox."""
    return list(MailMessage.objects.filter(template="workflow_step").values("idempotency_key", "state", "id"))


def job_runs() -> list[dict[str, Any]]:
    """The slots of the plugin's job."""
    return list(JobRun.objects.filter(job="faults_job").values("slot", "state", "attempt"))


def forget_jobs() -> None:
    """As if nobody had ever heard of the plugin's job, which runs on the first day of a year."""
    JobRun.objects.filter(job="faults_job").delete()
    JobState.objects.filter(job="faults_job").delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM fault_marks WHERE kind LIKE 'job_%%'")


def expire_jobs() -> int:
    """Pretend that the lease of the plugin's job has run out, its last chance too. Returns of how many slots: jobs of
    the platform's own may run as well."""
    past = now() - timedelta(seconds=1)
    return JobRun.objects.filter(job="faults_job", state=JobRun.State.RUNNING).update(lease_until=past, due_at=past)


def free_requests() -> int:
    """Pretend that the leases of interrupted API requests have run out. Returns how many."""
    return IdempotentRequest.objects.filter(status=None).update(lease_until=now() - timedelta(seconds=1))


def send(task: str, arguments: list[Any] | None = None, times: int = 1) -> None:
    """Send a task."""
    for _number in range(times):
        ring(task, *(arguments or []))


def miss_slots(minutes: int) -> list[str]:
    """Pretend that the clockwork's schedule was last looked at so many minutes ago. Returns the slots now due."""
    latest = now().replace(second=0, microsecond=0)
    slots = [latest - timedelta(minutes=number) for number in range(minutes)][::-1]
    Trigger.objects.unscoped().filter(name="minutes").update(slot=slots[0], due_at=slots[0])
    return [slot.isoformat() for slot in slots]


def pause_clockwork() -> None:
    """No more slots."""
    Trigger.objects.unscoped().filter(name="minutes").update(enabled=False, due_at=None)


def forget_limits() -> None:
    """As if nobody had asked for anything lately."""
    for cache in caches.all(initialized_only=False):
        cache.clear()


def token() -> str:
    """An access token of the owner."""
    user = User.objects.get(email="owner@example.com")
    organization = Organization.objects.get(slug="acme")
    return tokens.mint(user, organization, origin=TokenFamily.Origin.SESSION, client_name="faults").access
