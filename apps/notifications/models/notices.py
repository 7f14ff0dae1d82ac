"""What people are told in their inbox."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Notification(Entity):
    """One thing that one person is told about one organization; gone with either of them."""

    public_prefix = "ntf"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="notifications", verbose_name=_("organization")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", verbose_name=_("person")
    )
    code = models.CharField(_("type"), max_length=60)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("body"), blank=True)
    url = models.CharField(max_length=500, blank=True)
    idempotency_key = models.CharField(max_length=200)
    in_app = models.BooleanField(_("in the inbox"), default=True)
    mailed = models.BooleanField(_("by mail"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    objects = OrganizationManager["Notification"]()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("user", "idempotency_key"), name="one_notification_per_event_and_person"),
        )
        indexes = (
            models.Index(fields=("user", "organization", "-id"), condition=Q(in_app=True), name="notification_inbox"),
            models.Index(
                fields=("user", "organization"), condition=Q(in_app=True, read_at__isnull=True), name="notification_new"
            ),
            models.Index(fields=("organization", "-id"), name="notification_by_organization"),
            models.Index(fields=("code", "-id"), name="notification_by_type"),
        )

    def __str__(self) -> str:
        return self.title


class NoticePreference(models.Model):
    """How a person wants to hear of one type of notice; without a row, as the type has it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_preferences")
    code = models.CharField(_("type"), max_length=60)
    in_app = models.BooleanField(_("in the inbox"), default=True)
    mail = models.BooleanField(_("by mail"), default=True)

    class Meta:
        verbose_name = _("notice preference")
        verbose_name_plural = _("notice preferences")
        constraints = (models.UniqueConstraint(fields=("user", "code"), name="one_preference_per_person_and_type"),)

    def __str__(self) -> str:
        return self.code
