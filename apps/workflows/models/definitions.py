"""Workflows, their immutable versions, and what starts them by itself."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Workflow(Entity):
    """A named workflow of an organization. What it does is in its versions."""

    public_prefix = "wf"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="workflows")
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=80)
    description = models.TextField(_("description"), blank=True)
    latest_version = models.ForeignKey(
        "workflows.WorkflowVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    enabled = models.BooleanField(_("triggers enabled"), default=True)
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = OrganizationManager["Workflow"]()

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")
        constraints = (models.UniqueConstraint(fields=("organization", "slug"), name="one_workflow_per_slug"),)
        indexes = (models.Index(fields=("organization", "archived_at", "-id"), name="workflow_list"),)

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(Entity):
    """One published definition. Never changed: a new text is a new version."""

    public_prefix = "wfv"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    source = models.TextField(_("source"))
    definition = models.JSONField(_("definition"))
    digest = models.CharField(_("digest"), max_length=64)
    message = models.CharField(_("message"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OrganizationManager["WorkflowVersion"]()

    class Meta:
        verbose_name = _("workflow version")
        verbose_name_plural = _("workflow versions")
        constraints = (models.UniqueConstraint(fields=("workflow", "number"), name="one_version_per_number"),)

    def __str__(self) -> str:
        return f"v{self.number}"


class Trigger(Entity):
    """A schedule or a webhook that a version declares; kept by name across versions, so its address stays."""

    public_prefix = "trg"

    class Kind(models.TextChoices):
        CRON = "cron", _("Schedule")
        WEBHOOK = "webhook", _("Webhook")

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    config = models.JSONField(_("configuration"), default=dict)
    signing_secret = EncryptedTextField(_("signing secret"), blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    slot = models.DateTimeField(_("next slot"), null=True, blank=True)
    due_at = models.DateTimeField(_("looked at next"), null=True, blank=True)
    waiting = models.JSONField(_("slots that wait"), default=list, db_default=[], blank=True)
    """The slots, oldest first, that came in time or are caught up on and wait for the run before them to end."""
    dropped_until = models.DateTimeField(_("slots dropped until"), null=True, blank=True)
    last_fired_at = models.DateTimeField(_("last fired"), null=True, blank=True)
    last_outcome = models.CharField(_("last outcome"), max_length=200, blank=True)
    last_run = models.ForeignKey("workflows.Run", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = OrganizationManager["Trigger"]()

    class Meta:
        verbose_name = _("trigger")
        verbose_name_plural = _("triggers")
        constraints = (models.UniqueConstraint(fields=("workflow", "name"), name="one_trigger_per_name"),)
        indexes = (models.Index(fields=("due_at",), condition=models.Q(due_at__isnull=False), name="trigger_due"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"
