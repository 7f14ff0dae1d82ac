"""Compiled versions, kept per process: a version never changes, so neither does its entry."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

from apps.workflows.definition.compiled import Definition, compile_definition
from apps.workflows.engine.vault import secret_names
from apps.workflows.models import WorkflowVersion


@dataclass(frozen=True)
class Loaded:
    """A version ready to run."""

    definition: Definition
    secret_names: frozenset[str]
    workflow_name: str
    workflow_slug: str
    organization_slug: str
    realm_id: uuid.UUID


@lru_cache(maxsize=512)
def load(version_id: uuid.UUID) -> Loaded:
    """The version with this primary key."""
    version = WorkflowVersion.objects.unscoped().select_related("workflow", "organization").get(pk=version_id)
    return Loaded(
        definition=compile_definition(version.definition),
        secret_names=secret_names(version.definition),
        workflow_name=version.workflow.name,
        workflow_slug=version.workflow.slug,
        organization_slug=version.organization.slug,
        realm_id=version.organization.realm_id,
    )
