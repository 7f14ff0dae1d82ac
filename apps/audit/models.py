"""Audit entries, the personal values that may be erased from them, and the head of each chain."""

import uuid
from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.audit.errors import AppendOnlyError
from apps.core.ids import Entity
from apps.core.kinds import AuditAction
from apps.core.registry import registry
from apps.core.scope import OrganizationManager

PLATFORM_CHAIN = "platform"


def chain_name(organization_id: uuid.UUID | None) -> str:
    """The chain an organization's entries belong to; entries without an organization share one."""
    return str(organization_id) if organization_id else PLATFORM_CHAIN


class AppendOnlyQuerySet(models.QuerySet["AuditEntry"]):
    """Reads and inserts. Changes are refused here, and by triggers in the database for whoever comes another way."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError


class AuditManager(OrganizationManager["AuditEntry"]):
    """Scoped to an organization, append-only."""

    _queryset_class = AppendOnlyQuerySet


class AuditEntry(Entity):
    """Something that somebody did. Holds no personal value: those are in `AuditPersonalData`, here are only digests."""

    public_prefix = "aud"

    chain = models.CharField(max_length=36)
    sequence = models.PositiveBigIntegerField()
    organization_id = models.UUIDField(null=True, blank=True)
    realm_id = models.UUIDField(null=True, blank=True)
    code = models.CharField(max_length=80)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=80, blank=True)
    impersonator_id = models.CharField(max_length=80, blank=True)
    target_type = models.CharField(max_length=80, blank=True)
    target_id = models.CharField(max_length=80, blank=True)
    data = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    personal_digests = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects = AuditManager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-created_at", "-sequence")
        constraints = (models.UniqueConstraint(fields=("chain", "sequence"), name="audit_one_entry_per_sequence"),)
        indexes = (
            models.Index(fields=("organization_id", "-created_at"), name="audit_by_organization"),
            models.Index(fields=("actor_id", "-created_at"), name="audit_by_actor"),
            models.Index(fields=("target_id", "-created_at"), name="audit_by_target"),
            models.Index(fields=("code", "-created_at"), name="audit_by_code"),
            models.Index(fields=("-created_at",), name="audit_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.public_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert. Raises `AppendOnlyError` for an entry that is stored already."""
        if not self._state.adding:
            raise AppendOnlyError
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError

    @property
    def label(self) -> str:
        """The action in words."""
        action = registry(AuditAction).find(self.code)
        return str(action.label) if action else self.code

    @property
    def actor_label(self) -> str:
        """Who did it, as known then; empty once erased. Select `personal` with the query."""
        return self.stored_personal().actor_label

    @property
    def target_label(self) -> str:
        """What it was done to, as called then; empty once erased."""
        return self.stored_personal().target_label

    @property
    def ip(self) -> str | None:
        """Where it came from; None when unknown or erased."""
        return self.stored_personal().ip

    @property
    def full_data(self) -> dict[str, Any]:
        """The data with those personal members that have not been erased."""
        return {**self.data, **self.stored_personal().data}

    def stored_personal(self) -> "AuditPersonalData":
        """The erasable values; an empty row where there are none any more."""
        personal: AuditPersonalData | None = getattr(self, "personal", None)
        return personal or AuditPersonalData(entry=self)


class AuditPersonalData(models.Model):
    """The erasable values of an entry, each with the salt of its digest. Erasing removes value and salt together."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="personal")
    actor_label = models.CharField(max_length=254, blank=True)
    target_label = models.CharField(max_length=254, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    data = models.JSONField(default=dict)
    salts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("personal data of an audit entry")
        verbose_name_plural = _("personal data of audit entries")
        indexes = (models.Index(fields=("actor_label",), name="audit_by_actor_label"),)

    def __str__(self) -> str:
        return f"{self.entry_id}"


class AuditChain(models.Model):
    """The newest link of a chain. Its row is the lock that puts writers in one line."""

    name = models.CharField(max_length=36, primary_key=True)
    sequence = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit chain")
        verbose_name_plural = _("audit chains")

    def __str__(self) -> str:
        return f"{self.name} ({self.sequence})"
