"""Rows behind the doorbells: domain events, job slots, signs of life, idempotent requests, loaded seeds."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity, new_id


class DomainEvent(Entity):
    """Something that happened, stored in the transaction in which it happened."""

    public_prefix = "evt"

    name = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    organization_id = models.UUIDField(null=True, blank=True, db_index=True)
    realm_id = models.UUIDField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("domain event")
        verbose_name_plural = _("domain events")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("name", "created_at")),)

    def __str__(self) -> str:
        return f"{self.name} {self.public_id}"


class EventDelivery(models.Model):
    """One handler's copy of one event. It is consumed in the transaction that does the handler's work."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DONE = "done", _("Done")
        DEAD = "dead", _("Gave up")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(DomainEvent, on_delete=models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=160)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("event delivery")
        verbose_name_plural = _("event deliveries")
        constraints = (models.UniqueConstraint(fields=("event", "handler"), name="one_delivery_per_handler"),)
        indexes = (
            models.Index(fields=("due_at",), condition=models.Q(state="pending"), name="delivery_due"),
            models.Index(fields=("state", "-due_at"), name="delivery_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.handler} ({self.state})"


class JobRun(models.Model):
    """One slot of a scheduled job: whoever inserts the row runs it.

    A run by hand has the moment of its order as its slot. `attempt` counts the times that it was begun; `due_at` is
    when a slot that failed is tried again, None when that was the last time, and when one whose lease ran out is taken
    from its worker. `log` is what it wrote to the log, the newest lines of it.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    job = models.CharField(max_length=80)
    slot = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    by_hand = models.BooleanField(default=False, db_default=False)
    attempt = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True)
    log = models.TextField(blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ("-slot",)
        constraints = (models.UniqueConstraint(fields=("job", "slot"), name="one_run_per_job_slot"),)
        indexes = (
            models.Index(fields=("state", "lease_until")),
            models.Index(fields=("due_at",), condition=models.Q(due_at__isnull=False), name="job_run_due"),
        )

    def __str__(self) -> str:
        return f"{self.job} {self.slot:%Y-%m-%d %H:%M}"


class JobState(models.Model):
    """What this installation owes a scheduled job: each slot after `owed_since`.

    That moment moves on when staff let the job go on or choose another schedule, so that nobody catches up on slots
    that were never wanted.
    """

    job = models.CharField(max_length=80, primary_key=True)
    owed_since = models.DateTimeField()

    class Meta:
        verbose_name = _("job state")
        verbose_name_plural = _("job states")

    def __str__(self) -> str:
        return self.job


class Heartbeat(models.Model):
    """A process's sign of life: `beats` rises while it lives. Whoever watches compares beats, not clocks.

    `told` is what it has to say to whoever watches; it may hold keys.
    """

    process = models.CharField(max_length=20)
    name = models.CharField(max_length=120, blank=True)
    beats = models.PositiveBigIntegerField(default=1)
    seen_at = models.DateTimeField()
    told = EncryptedTextField(blank=True, default="")

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        constraints = (models.UniqueConstraint(fields=("process", "name"), name="one_heartbeat_per_process"),)

    def __str__(self) -> str:
        return f"{self.process} {self.name}".strip()


class IdempotentRequest(models.Model):
    """The answer once given to an `Idempotency-Key`, kept for a day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("idempotent request")
        verbose_name_plural = _("idempotent requests")
        constraints = (models.UniqueConstraint(fields=("owner", "key"), name="one_answer_per_idempotency_key"),)

    def __str__(self) -> str:
        return self.key


class LoadedSeed(models.Model):
    """Demo data that was loaded once: `make run` does not bring back what somebody deleted since."""

    name = models.CharField(max_length=80, primary_key=True)
    outcome = models.TextField(blank=True)
    loaded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("loaded seed")
        verbose_name_plural = _("loaded seeds")

    def __str__(self) -> str:
        return self.name


class StruckVersion(models.Model):
    """A version (`apps.core.versions`) that is still to be struck, noted while Redis was away."""

    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("struck version")
        verbose_name_plural = _("struck versions")

    def __str__(self) -> str:
        return self.name
