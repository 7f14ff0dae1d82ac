"""The organization's vault."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Secret(Entity):
    """A value that steps may use as `{{ secrets.NAME }}` and nobody can read back."""

    public_prefix = "sec"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(_("name"), max_length=64)
    value = EncryptedTextField(_("value"))
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = OrganizationManager["Secret"]()

    class Meta:
        verbose_name = _("secret")
        verbose_name_plural = _("secrets")
        constraints = (models.UniqueConstraint(fields=("organization", "name"), name="one_secret_per_name"),)

    def __str__(self) -> str:
        return self.name
