"""Reading the audit log."""

import uuid

from django.db.models import Q, QuerySet

from apps.audit.models import AuditChain, AuditEntry


def entries_for(organization_id: uuid.UUID) -> QuerySet[AuditEntry]:
    """An organization's entries, the newest first, with their personal values."""
    return AuditEntry.objects.for_organization(organization_id).select_related("personal")


def entries_of_user(user_id: str) -> QuerySet[AuditEntry]:
    """What a person did and what was done to their account, in every organization; `user_id` is the public id."""
    return AuditEntry.objects.unscoped().filter(Q(actor_id=user_id) | Q(target_id=user_id)).select_related("personal")


def chain_names() -> list[str]:
    """All chains, including those whose head row is gone."""
    heads = set(AuditChain.objects.values_list("name", flat=True))
    return sorted(heads | set(AuditEntry.objects.unscoped().order_by().values_list("chain", flat=True).distinct()))
