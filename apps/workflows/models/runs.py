"""A run is rows: the run, its steps, and the slots that limit how many run at once."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import Entity, new_id
from apps.core.scope import OrganizationManager
from apps.workflows import limits
from apps.workflows.models.definitions import Trigger, Workflow, WorkflowVersion


class Run(Entity):
    """One execution of one version.

    A worker may take it when `due_at` has passed and nobody holds its lease. While it waits for something outside
    (an approval, a subflow) `due_at` is empty and whoever brings the answer sets it.
    """

    public_prefix = "run"

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waiting")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    FINISHED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    class TriggerKind(models.TextChoices):
        MANUAL = "manual", _("By hand")
        API = "api", _("API")
        CRON = "cron", _("Schedule")
        WEBHOOK = "webhook", _("Webhook")
        SUBFLOW = "subflow", _("Another workflow")
        FAILURE = "failure", _("A failed run")

    class Priority(models.IntegerChoices):
        HIGH = 0, _("High")
        NORMAL = 5, _("Normal")
        LOW = 9, _("Low")

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="runs", db_index=False)
    version = models.ForeignKey(WorkflowVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    trigger = models.ForeignKey(
        Trigger, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    trigger_kind = models.CharField(_("started by"), max_length=10, choices=TriggerKind.choices)
    trigger_data = models.JSONField(_("trigger data"), default=dict, blank=True)
    inputs = models.JSONField(_("inputs"), default=dict, blank=True)
    livemode = models.BooleanField(_("live"), default=True)

    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    output = models.JSONField(_("output"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)

    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    concurrency_key = models.CharField(_("concurrency key"), max_length=200, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    claims = models.PositiveIntegerField(_("times claimed"), default=0)
    cancel_requested_at = models.DateTimeField(_("cancel requested at"), null=True, blank=True)

    parent_step = models.ForeignKey(
        "workflows.StepRun", on_delete=models.CASCADE, null=True, blank=True, related_name="children", db_index=False
    )
    depth = models.PositiveSmallIntegerField(_("nesting"), default=0)
    idempotency_key = models.CharField(_("idempotency key"), max_length=255, null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(_("created at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OrganizationManager["Run"]()

    others_are_due: bool = False
    """Whether more runs waited for a worker when this one was claimed. No column: the claim says it."""

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "idempotency_key"),
                condition=models.Q(idempotency_key__isnull=False),
                name="one_run_per_idempotency_key",
            ),
        )
        indexes = (
            models.Index(fields=("organization", "-id"), name="run_by_organization"),
            models.Index(fields=("organization", "state", "-id"), name="run_by_state"),
            models.Index(fields=("workflow", "-id"), name="run_by_workflow"),
            # Who may be worked on, whose turn it is, and who has how many workers (`engine/claims.py`).
            models.Index(
                fields=("organization", "priority", "due_at"),
                condition=models.Q(due_at__isnull=False, lease_until__isnull=True),
                name="run_claimable",
            ),
            models.Index(
                fields=("due_at",),
                condition=models.Q(due_at__isnull=False, lease_until__isnull=True),
                name="run_due",
            ),
            models.Index(fields=("organization",), condition=models.Q(lease_until__isnull=False), name="run_leased"),
            # Each change of a run's state writes every index that has the row: these have few.
            models.Index(fields=("trigger",), condition=models.Q(trigger__isnull=False), name="run_by_trigger"),
            models.Index(fields=("created_by",), condition=models.Q(created_by__isnull=False), name="run_by_creator"),
            models.Index(fields=("parent_step",), condition=models.Q(parent_step__isnull=False), name="run_by_parent"),
            # Of the millions that have ended, a group and a schedule never look at one.
            models.Index(
                fields=("workflow", "concurrency_key", "priority", "id"),
                condition=models.Q(finished_at__isnull=True) & ~models.Q(concurrency_key=""),
                name="run_open_in_group",
            ),
            models.Index(
                fields=("trigger",),
                condition=models.Q(finished_at__isnull=True, trigger__isnull=False),
                name="run_open_by_trigger",
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def finished(self) -> bool:
        """Whether the run has reached its last state."""
        return self.state in self.FINISHED

    @property
    def took(self) -> timedelta | None:
        """The time between begin and end; None before the end."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None


class StepRun(Entity):
    """One step of one run. Its `path` is its place: `fetch`, or `each[3].call` inside a loop."""

    public_prefix = "step"

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waiting")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")
        CANCELLED = "cancelled", _("Cancelled")

    FINISHED = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED)

    class WaitingFor(models.TextChoices):
        RETRY = "retry", _("The next attempt")
        DELAY = "delay", _("Its time")
        APPROVAL = "approval", _("An approval")
        SUBFLOW = "subflow", _("Another workflow")

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps", db_index=False)
    path = models.CharField(_("path"), max_length=limits.STEP_PATH_CHARACTERS)
    name = models.CharField(_("name"), max_length=120, blank=True)
    type = models.CharField(_("type"), max_length=40)
    position = models.PositiveIntegerField(_("position"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    attempt = models.PositiveIntegerField(_("attempt"), default=1)
    interruptions = models.PositiveIntegerField(_("interruptions"), default=0)
    input = models.JSONField(_("input"), null=True, blank=True)
    output = models.JSONField(_("output"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)
    attempts = models.JSONField(_("earlier attempts"), default=list, blank=True)
    signal = models.JSONField(_("answer from outside"), null=True, blank=True)
    waiting_for = models.CharField(_("waiting for"), max_length=10, choices=WaitingFor.choices, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OrganizationManager["StepRun"]()

    class Meta:
        verbose_name = _("step run")
        verbose_name_plural = _("step runs")
        constraints = (models.UniqueConstraint(fields=("run", "path"), name="one_row_per_step"),)
        indexes = (
            models.Index(
                fields=("organization", "-id"), condition=models.Q(waiting_for="approval"), name="step_waiting_approval"
            ),
        )

    def __str__(self) -> str:
        return self.path

    @property
    def took(self) -> timedelta | None:
        """The time between begin and end; None before the end."""
        return self.finished_at - self.started_at if self.started_at and self.finished_at else None


class ConcurrencySlot(models.Model):
    """A place in a concurrency group: at most `limit` have a run. One without is vacant: its run ended just now."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    number = models.PositiveSmallIntegerField()
    run = models.OneToOneField(Run, on_delete=models.CASCADE, null=True, related_name="slot")

    class Meta:
        verbose_name = _("concurrency slot")
        verbose_name_plural = _("concurrency slots")
        constraints = (models.UniqueConstraint(fields=("workflow", "key", "number"), name="one_run_per_slot"),)
        indexes = (models.Index(fields=("id",), condition=models.Q(run__isnull=True), name="slot_vacant"),)

    def __str__(self) -> str:
        return f"{self.key} #{self.number}"
