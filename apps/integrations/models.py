"""The mail outbox, the event inbox, what is to be looked at again at Stripe, tables at Notion: as rows first."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity

BODY = ("text", "html")  # what only sending and showing a mail reads


class MailMessage(Entity):
    """A mail as it was rendered, from the wish to send it to what the vendor says became of it.

    Its words are encrypted: some hold a link that lets in whoever has it, where everything else keeps only hashes.
    """

    public_prefix = "mail"

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        DELIVERED = "delivered", _("Delivered")
        BOUNCED = "bounced", _("Bounced")
        COMPLAINED = "complained", _("Reported as spam")
        FAILED = "failed", _("Failed")
        UNKNOWN = "unknown", _("Outcome unknown")

    idempotency_key = models.CharField(max_length=255, unique=True)
    realm_id = models.UUIDField(null=True, blank=True)
    organization_id = models.UUIDField(null=True, blank=True)
    template = models.CharField(max_length=80)
    from_address = models.CharField(max_length=320)
    to = models.TextField(help_text=_("Addresses separated by commas."))
    subject = models.CharField(max_length=255)
    text = EncryptedTextField()
    html = EncryptedTextField(blank=True)
    headers = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    uncertain_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Start of the first attempt that may have gone out without our knowing.")
    )
    provider_message_id = models.CharField(max_length=200, blank=True, db_index=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True, help_text=_("When the vendor told what became of it."))

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mail")
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("due_at",), condition=models.Q(state="queued"), name="mail_due"),
            models.Index(fields=("lease_until",), condition=models.Q(state="sending"), name="mail_leases"),
            models.Index(fields=("state", "-created_at"), name="mail_by_state"),
            models.Index(fields=("organization_id", "-created_at"), name="mail_by_organization"),
            models.Index(fields=("-created_at",), name="mail_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.template} {self.public_id}"

    @property
    def recipients(self) -> list[str]:
        """The addresses in `to`."""
        return [address.strip() for address in self.to.split(",") if address.strip()]


class ExternalEvent(Entity):
    """Something that a vendor told us, stored once its signature was good and before anybody acts on it."""

    public_prefix = "xev"

    class State(models.TextChoices):
        RECEIVED = "received", _("Received")
        HANDLED = "handled", _("Handled")
        DEAD = "dead", _("Gave up")

    vendor = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    type = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    last_error = models.TextField(blank=True)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("external event")
        verbose_name_plural = _("external events")
        ordering = ("-received_at",)
        constraints = (models.UniqueConstraint(fields=("vendor", "external_id"), name="one_row_per_vendor_event"),)
        indexes = (
            models.Index(fields=("due_at",), condition=models.Q(state="received"), name="external_event_due"),
            models.Index(fields=("state", "-received_at"), name="external_event_by_state"),
            models.Index(fields=("-received_at",), name="external_event_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.vendor} {self.type} {self.external_id}"


class StripeObject(models.Model):
    """That something happened to an object at Stripe: it is to be looked at, and whoever keeps something of it told.

    One row an object, however often and in whatever order it was told of. `noted` counts the notices; what came while
    somebody looked is looked at once more.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SEEN = "seen", _("Seen")
        DEAD = "dead", _("Gave up")

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=40)
    object_id = models.CharField(_("object"), max_length=120)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    noted = models.PositiveBigIntegerField(_("notices"), default=1)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"))
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("Stripe object")
        verbose_name_plural = _("Stripe objects")
        ordering = ("-pk",)
        constraints = (models.UniqueConstraint(fields=("kind", "object_id"), name="one_row_per_stripe_object"),)
        indexes = (
            models.Index(fields=("due_at",), condition=models.Q(state="waiting"), name="stripe_object_due"),
            models.Index(fields=("object_id",), name="stripe_object_by_object"),
            models.Index(fields=("state", "-id"), name="stripe_object_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class NotionTable(models.Model):
    """A table at Notion that we keep up to date, or follow: one row for each that an app contributes."""

    class Direction(models.TextChoices):
        OUTBOUND = "out", _("We write it")
        INBOUND = "in", _("We follow it")

    class State(models.TextChoices):
        MISSING = "missing", _("Not there yet")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices)
    title = models.CharField(_("title"), max_length=200)
    database_id = models.CharField(_("database"), max_length=40, blank=True)
    data_source_id = models.CharField(_("data source"), max_length=40, blank=True)
    url = models.URLField(max_length=500, blank=True)
    columns_hash = models.CharField(max_length=64, blank=True, help_text=_("Of the columns that are there for sure."))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.MISSING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), null=True, blank=True, help_text=_("When a failed sync is tried again."))
    lease_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    provisioned_at = models.DateTimeField(_("set up"), null=True, blank=True)
    synced_at = models.DateTimeField(_("last synced"), null=True, blank=True)
    seen_until = models.DateTimeField(
        _("seen until"), null=True, blank=True, help_text=_("Of a followed table: the latest change that we know.")
    )

    class Meta:
        verbose_name = _("Notion table")
        verbose_name_plural = _("Notion tables")
        ordering = ("title",)
        constraints = (models.UniqueConstraint(fields=("direction", "name"), name="one_row_per_notion_table"),)

    def __str__(self) -> str:
        return self.title


class NotionPage(models.Model):
    """A row of a table at Notion: what should be there, and what is known to be.

    It is an order for an outside effect. `values` are kept until they are there; `wanted` is "" for a page that should
    be gone. `maybe_made` says that a page may have been created without our knowing: it is looked for before another.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENDING = "sending", _("On its way")
        SYNCED = "synced", _("Up to date")
        FAILED = "failed", _("Failed")

    id = models.BigAutoField(primary_key=True)
    table = models.ForeignKey(NotionTable, verbose_name=_("table"), on_delete=models.CASCADE, related_name="pages")
    external_id = models.CharField(_("external id"), max_length=200)
    page_id = models.CharField(_("page"), max_length=40, blank=True)
    values = models.JSONField(_("values"), default=dict, blank=True)
    wanted = models.CharField(max_length=64, blank=True)
    present = models.CharField(max_length=64, blank=True)
    maybe_made = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"))
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    synced_at = models.DateTimeField(_("synced"), null=True, blank=True)

    class Meta:
        verbose_name = _("Notion page")
        verbose_name_plural = _("Notion pages")
        ordering = ("-pk",)
        constraints = (models.UniqueConstraint(fields=("table", "external_id"), name="one_row_per_notion_page"),)
        indexes = (
            models.Index(
                fields=("table", "due_at"), condition=models.Q(state__in=("pending", "sending")), name="notion_page_due"
            ),
            models.Index(fields=("state", "-id"), name="notion_page_by_state"),
        )

    def __str__(self) -> str:
        return self.external_id
