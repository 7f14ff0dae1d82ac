"""What was used, in rows: raw events, their sums by hour and by period, and the limits on both."""

import uuid
from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager
from apps.usage.plans import PLANS, SANDBOX

NOBODY = uuid.UUID(int=0)
STAFF = "staff"  # source of the events by which staff correct


class OrganizationLimits(models.Model):
    """What an organization may use, where that is not the default plan. A figure goes before the plan's."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="usage_limits"
    )
    plan = models.CharField(
        _("plan"), max_length=40, default=SANDBOX.code, choices=[(plan.code, plan.name) for plan in PLANS.values()]
    )
    calls = models.PositiveBigIntegerField(_("calls a month"), null=True, blank=True)
    per_minute = models.PositiveIntegerField(_("calls a minute"), null=True, blank=True)
    credits = models.PositiveBigIntegerField(_("calls paid by credits"), default=0, db_default=0)
    credits_of = models.CharField(_("in the month"), max_length=10, blank=True, default="", db_default="")
    overage = models.PositiveBigIntegerField(_("most overage"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=now, editable=False)

    objects = OrganizationManager["OrganizationLimits"]()

    class Meta:
        verbose_name = _("organization's limits")
        verbose_name_plural = _("organizations' limits")
        constraints = (
            models.CheckConstraint(condition=models.Q(plan__in=list(PLANS)), name="limits_plan_is_known"),
            models.CheckConstraint(
                condition=models.Q(per_minute=None) | models.Q(per_minute__gte=1), name="limits_some_calls_a_minute"
            ),
        )

    def __str__(self) -> str:
        return f"{self.organization.name}: {self.get_plan_display()}"


class UsageEvent(models.Model):
    """One thing that was used. Never changed: a correction is a further event with the opposite sign.

    `source` and `source_id` say where it was counted; an event that arrives twice is kept once. `corrects` is the
    `source_id` of the event that a correction takes back, always the whole of it: who wants another value counts again.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    meter = models.CharField(_("meter"), max_length=40)
    category = models.CharField(_("category"), max_length=40)
    user_id = models.UUIDField(_("user"), default=NOBODY)
    key_id = models.UUIDField(_("key"), default=NOBODY)
    value = models.BigIntegerField(_("value"))
    at = models.DateTimeField(_("at"))
    hour = models.DateTimeField(_("hour"), editable=False)  # that `at` belongs to, UTC
    source = models.CharField(_("source"), max_length=40)
    source_id = models.CharField(_("id at the source"), max_length=80)
    corrects = models.CharField(_("corrects"), max_length=80, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    objects = OrganizationManager["UsageEvent"]()

    class Meta:
        verbose_name = _("usage event")
        verbose_name_plural = _("usage events")
        constraints = (models.UniqueConstraint(fields=("source", "source_id"), name="usage_event_once"),)
        indexes = (
            models.Index(fields=("organization", "hour"), name="usage_event_of_organization"),
            models.Index(fields=("at",), name="usage_event_by_time"),
            models.Index(fields=("request_id",), name="usage_event_by_request"),
            models.Index(
                fields=("organization", "hour", "corrects"),
                condition=models.Q(corrects__gt=""),  # few are, and the others need not write here
                name="usage_event_that_corrects",
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter} {self.value:+d}"


class UsageHour(models.Model):
    """The sum of an organization's events in an hour (UTC): made anew from the events whenever one is added.

    `events` are those that count something, less those that take something back: below zero where what is taken back
    was counted in the hour before. `highest` is the largest that was not taken back in its own hour, if there is one.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField(_("hour"))
    meter = models.CharField(_("meter"), max_length=40)
    category = models.CharField(_("category"), max_length=40)
    user_id = models.UUIDField(_("user"))
    key_id = models.UUIDField(_("key"))
    total = models.BigIntegerField(_("total"))
    events = models.BigIntegerField(_("events"))
    highest = models.BigIntegerField(_("highest"), null=True)

    objects = OrganizationManager["UsageHour"]()

    class Meta:
        verbose_name = _("usage by hour")
        verbose_name_plural = _("usage by hour")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "hour", "meter", "category", "user_id", "key_id"), name="usage_hour_once"
            ),
        )
        indexes = (models.Index(fields=("hour",), name="usage_hour_by_time"),)

    def __str__(self) -> str:
        return f"{self.meter} {self.hour:%Y-%m-%d %H}:00 {self.total}"


class UsageHourToSum(models.Model):
    """An hour of an organization whose events changed since they were summed up."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    noted = models.PositiveBigIntegerField(default=1)
    taken = models.BooleanField(default=False, db_default=False)  # within the transaction that sums it up

    objects = OrganizationManager["UsageHourToSum"]()

    class Meta:
        verbose_name = _("hour to sum up")
        verbose_name_plural = _("hours to sum up")
        constraints = (models.UniqueConstraint(fields=("organization", "hour"), name="hour_to_sum_once"),)

    def __str__(self) -> str:
        return f"{self.organization_id} {self.hour:%Y-%m-%d %H}:00"


class UsageTotal(models.Model):
    """What an organization used of a meter in a period, all together (category "") and by category.

    The period is a month ("2026-11") or, for a sandbox, a day ("2026-11-27"). It is what limits are compared with, by
    the database itself or by the counter in Redis that begins from it.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    period = models.CharField(_("period"), max_length=10)
    meter = models.CharField(_("meter"), max_length=40)
    category = models.CharField(_("category"), max_length=40, blank=True)
    total = models.BigIntegerField(_("total"))

    objects = OrganizationManager["UsageTotal"]()

    class Meta:
        verbose_name = _("usage in a period")
        verbose_name_plural = _("usage in periods")
        constraints = (
            models.UniqueConstraint(fields=("organization", "period", "meter", "category"), name="usage_total_once"),
        )
        # Looked through every minute for those who come near their quota.
        indexes = (
            models.Index(fields=("period", "meter"), condition=models.Q(category=""), name="usage_total_of_period"),
        )

    def __str__(self) -> str:
        return f"{self.period} {self.meter} {self.category} {self.total}"


class StaleCounter(models.Model):
    """A counter in Redis that lags behind the database, which counted while Redis was away."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    period = models.CharField(max_length=10)
    noted = models.PositiveBigIntegerField(default=1)

    objects = OrganizationManager["StaleCounter"]()

    class Meta:
        verbose_name = _("stale counter")
        verbose_name_plural = _("stale counters")
        constraints = (models.UniqueConstraint(fields=("organization", "period"), name="stale_counter_once"),)

    def __str__(self) -> str:
        return f"{self.organization_id} {self.period}"


class RateBucket(models.Model):
    """Where the database limits how fast somebody calls: when their bucket would be full again."""

    subject = models.CharField(max_length=80, primary_key=True)
    full_at = models.BigIntegerField()  # microseconds since 1970

    class Meta:
        verbose_name = _("rate bucket")
        verbose_name_plural = _("rate buckets")
        indexes = (models.Index(fields=("full_at",), name="rate_bucket_by_time"),)

    def __str__(self) -> str:
        return self.subject


class QuotaAlert(models.Model):
    """That an organization was told how much of a period's quota is used: once for each share of each quota."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    period = models.CharField(_("period"), max_length=10)
    percent = models.PositiveSmallIntegerField(_("percent"))
    calls = models.BigIntegerField(_("calls"))
    quota = models.BigIntegerField(_("quota"))
    created_at = models.DateTimeField(_("told"), default=now, editable=False)

    objects = OrganizationManager["QuotaAlert"]()

    class Meta:
        verbose_name = _("quota alert")
        verbose_name_plural = _("quota alerts")
        constraints = (
            models.UniqueConstraint(fields=("organization", "period", "percent", "quota"), name="quota_alert_once"),
        )
        indexes = (models.Index(fields=("period", "percent"), name="quota_alert_by_period"),)

    def __str__(self) -> str:
        return f"{self.period} {self.percent} %"


class StreamPosition(models.Model):
    """How far the database has read the stream of events in Redis: one row, locked by whoever reads on.

    `incarnation` names the stream: another Redis, or one that forgot everything, begins another.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    incarnation = models.CharField(max_length=32, blank=True)
    entry = models.CharField(max_length=40, default="0-0")
    read_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name = _("stream position")
        verbose_name_plural = _("stream positions")
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_stream_position"),)

    def __str__(self) -> str:
        return self.entry


class ApiRequest(Entity):
    """One call to the API as its organization's developers see it again: for a while, and not for the bill.

    `body` is what was sent, where it is short and holds no secret by its nature; `left_out` says why a call is not here
    as it was, so that another one is never sent in its name. The id is made when the call is noted: it tells the time,
    and a call that arrives twice is kept once.
    """

    public_prefix = "req"

    class Outcome(models.TextChoices):
        """How it ended, in the words that the log is narrowed by."""

        OK = "ok", _("Answered")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Failed")

        @classmethod
        def of(cls, status: int) -> "ApiRequest.Outcome":
            """That of a status."""
            return cls.FAILED if status >= 500 else cls.REFUSED if status >= 400 else cls.OK

    class LeftOut(models.TextChoices):
        """What of a call is not kept."""

        LONG_BODY = "long", _("What was sent is not kept: it is too long.")
        SECRET_BODY = "secret", _("What was sent is not kept: it is a secret.")
        UNREAD_BODY = "unread", _("What was sent is not kept: nobody read it, or it is no text.")
        ADDRESS = "address", _("The address is not kept as it was: it is too long, or browsers would change it.")
        SECRET_ADDRESS = "masked", _("The address is not kept as it was: there was a secret in it.")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.UUIDField(_("user"), default=NOBODY)
    key_id = models.UUIDField(_("key"), default=NOBODY)
    request_id = models.CharField(_("request"), max_length=64)
    method = models.CharField(_("method"), max_length=8)
    path = models.CharField(_("address"), max_length=500)
    category = models.CharField(_("category"), max_length=40)
    status = models.PositiveSmallIntegerField(_("status"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)  # of `status`, for its indexes
    milliseconds = models.PositiveIntegerField(_("milliseconds"))
    address = models.GenericIPAddressField(_("from"), null=True, blank=True)
    body = EncryptedTextField(blank=True)
    left_out = models.CharField(_("left out"), max_length=8, blank=True, choices=LeftOut)
    at = models.DateTimeField(_("at"))

    objects = OrganizationManager["ApiRequest"]()

    class Meta:
        verbose_name = _("API request")
        verbose_name_plural = _("API requests")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(outcome="ok", status__lt=400)
                | models.Q(outcome="refused", status__gte=400, status__lt=500)
                | models.Q(outcome="failed", status__gte=500),
                name="api_request_outcome_of_status",
            ),
        )
        # One for each thing that the log is narrowed by: the newest that fit are found without reading others. They go
        # by `at`: in the order of `id` PostgreSQL would rather walk along the primary key, past everybody's calls.
        indexes = (
            models.Index(fields=("organization", "-at"), name="api_request_of_organization"),
            models.Index(fields=("organization", "outcome", "-at"), name="api_request_by_outcome"),
            models.Index(fields=("organization", "key_id", "-at"), name="api_request_of_key"),
            models.Index(fields=("organization", "key_id", "outcome", "-at"), name="api_request_of_key_by_outcome"),
            models.Index(fields=("request_id", "organization", "-at"), name="api_request_by_request"),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"

    @property
    def took(self) -> timedelta:
        """How long the view took."""
        return timedelta(milliseconds=self.milliseconds)
