"""Workflows and their versions: created, published, changed, archived."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.permissions import Actor
from apps.audit.services import record
from apps.core import entitlements
from apps.core.clock import now
from apps.core.errors import ConflictError, LimitExceededError, PlanLimitError
from apps.workflows import limits, selectors
from apps.workflows.definition.meaning import each_step
from apps.workflows.definition.validate import parse_source
from apps.workflows.errors import InvalidDefinitionError, OvertakenError
from apps.workflows.models import Trigger, Workflow, WorkflowVersion
from apps.workflows.services.triggers import check_room_for_schedules, sync_triggers

WORKFLOWS = "workflows.count"
RESERVED_SLUGS = {"new", "validate"}  # addresses beside those of workflows


@dataclass(frozen=True)
class Published:
    """The workflow's newest version, and whether the text made a new one."""

    workflow: Workflow
    version: WorkflowVersion
    created: bool


def create_workflow(
    organization: Organization, source: str, actor: Actor | None, *, slug: str | None = None, message: str = ""
) -> Published:
    """A new workflow with its first version.

    Raises `InvalidDefinitionError`, `ConflictError`, `LimitExceededError`, `PlanLimitError`.
    """
    definition = parse_source(source)
    slug = slug or definition.get("slug") or slugify(definition["name"])[:80] or "workflow"
    slug = f"{slug}-workflow" if slug in RESERVED_SLUGS else slug
    with transaction.atomic():
        _check_room(organization.pk)
        try:
            with transaction.atomic():
                workflow = Workflow.objects.create(
                    organization=organization,
                    name=definition["name"],
                    slug=slug,
                    description=definition.get("description", ""),
                    created_by=actor.user if actor else None,
                )
        except IntegrityError as error:
            raise ConflictError(
                _("A workflow “%(slug)s” exists already. Publish a version of it, or choose another slug.")
                % {"slug": slug},
                code="slug_taken",
            ) from error
        record("workflows.workflow_created", target=workflow, organization_id=organization.pk)
        return _publish(workflow, source, definition, actor, message)


def _check_room(organization_id: uuid.UUID) -> None:
    """Raise `LimitExceededError` where the organization has all the workflows that it may have in use."""
    count = selectors.count_in_use(organization_id)
    if count >= limits.WORKFLOWS_PER_ORGANIZATION:
        raise LimitExceededError(
            _("An organization keeps at most %(most)s workflows.") % {"most": limits.WORKFLOWS_PER_ORGANIZATION}
        )
    if count >= (included := entitlements.most(organization_id, WORKFLOWS)):
        raise PlanLimitError(
            _("Your plan includes %(most)s workflows. Archive one, or choose a larger plan.") % {"most": included},
            feature=WORKFLOWS,
        )


def publish_version(
    workflow: Workflow, source: str, actor: Actor | None, *, message: str = "", base: int | None = None
) -> Published:
    """A new immutable version, unless the text is the newest one's.

    `base` is the number of the version that the text was made from, where a newer one must not be replaced unseen.
    Raises `InvalidDefinitionError`, `LimitExceededError` or `OvertakenError`.
    """
    definition = parse_source(source)
    with transaction.atomic():
        locked = Workflow.objects.unscoped().select_for_update(no_key=True).get(pk=workflow.pk)
        return _publish(locked, source, definition, actor, message, base)


def _publish(
    workflow: Workflow,
    source: str,
    definition: dict[str, Any],
    actor: Actor | None,
    message: str,
    base: int | None = None,
) -> Published:
    digest = hashlib.sha256(source.encode()).hexdigest()
    latest = workflow.latest_version
    if latest is not None and latest.digest == digest:
        return Published(workflow, latest, created=False)
    if latest is not None and base not in {None, latest.number}:
        raise OvertakenError(latest.number)
    _refuse_circles(workflow, definition)
    version = WorkflowVersion.objects.create(
        organization_id=workflow.organization_id,
        workflow=workflow,
        number=latest.number + 1 if latest else 1,
        source=source,
        definition=definition,
        digest=digest,
        message=message[:200],
        created_by=actor.user if actor else None,
    )
    workflow.latest_version = version
    workflow.name, workflow.description = definition["name"], definition.get("description", "")
    workflow.save()
    sync_triggers(workflow, definition)
    record(
        "workflows.version_published",
        target=workflow,
        data={"version": version.number},
        organization_id=workflow.organization_id,
    )
    return Published(workflow, version, created=True)


def called_workflows(definition: dict[str, Any]) -> set[str]:
    """The slugs of the workflows that a definition starts: as subflows, or when it fails."""
    called = (step.get("with", {}).get("workflow") for _path, step in each_step(definition["steps"], ()))
    names = {name for name in called if isinstance(name, str) and "{{" not in name}
    if "on_failure" in definition:
        names.add(definition["on_failure"]["workflow"])
    return names


def _refuse_circles(workflow: Workflow, definition: dict[str, Any]) -> None:
    """Raise `InvalidDefinitionError` when the workflow would call itself through others."""
    frontier, seen = called_workflows(definition), set()
    while frontier:
        if workflow.slug in frontier:
            problem = {
                "line": 0,
                "column": 0,
                "path": "steps",
                "message": _("The workflow would call itself, directly or through another."),
                "expected": _("subflows without a circle"),
            }
            raise InvalidDefinitionError([problem])
        seen |= frontier
        called = Workflow.objects.for_organization(workflow.organization_id).filter(slug__in=frontier)
        definitions = called.values_list("latest_version__definition", flat=True)
        frontier = set().union(*(called_workflows(other) for other in definitions if other)) - seen


def set_enabled(workflow: Workflow, *, enabled: bool) -> None:
    """Let the workflow's triggers fire, or not."""
    with transaction.atomic():
        changed = Workflow.objects.unscoped().filter(pk=workflow.pk, enabled=not enabled).update(enabled=enabled)
        if changed:
            record(f"workflows.triggers_{'enabled' if enabled else 'disabled'}", target=workflow)
    workflow.enabled = enabled


def archive_workflow(workflow: Workflow) -> None:
    """Take the workflow out of use: no new runs, no triggers. Its runs stay readable."""
    with transaction.atomic():
        archived = Workflow.objects.unscoped().filter(pk=workflow.pk, archived_at=None).update(archived_at=now())
        if archived:
            record("workflows.workflow_archived", target=workflow)
    workflow.refresh_from_db(fields=["archived_at"])


def restore_workflow(workflow: Workflow) -> None:
    """Bring an archived workflow back. Raises `LimitExceededError` where it or its schedules are too many by now."""
    with transaction.atomic():
        archived = Workflow.objects.unscoped().filter(pk=workflow.pk, archived_at__isnull=False)
        if archived.select_for_update(no_key=True).values_list("pk"):
            _check_room(workflow.organization_id)
            check_room_for_schedules(workflow, workflow.triggers.filter(kind=Trigger.Kind.CRON).count())
            archived.update(archived_at=None)
            record("workflows.workflow_restored", target=workflow)
    workflow.refresh_from_db(fields=["archived_at"])
