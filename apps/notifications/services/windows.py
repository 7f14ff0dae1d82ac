"""Maintenance windows: what they held back is looked at anew when one changes."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.notifications.models import MaintenanceWindow
from apps.notifications.services.telling import looks_again_at


def save(window: MaintenanceWindow) -> None:
    """Keep a new window, or one with other times."""
    with transaction.atomic():
        window.save()
        looks_again_at(now())


def delete(window: MaintenanceWindow) -> None:
    """Take a window back."""
    with transaction.atomic():
        window.delete()
        looks_again_at(now())


def end_now(window: MaintenanceWindow) -> None:
    """End a window early. Raises `ConflictError` when it does not run."""
    moment = now()
    with transaction.atomic():
        running = MaintenanceWindow.objects.filter(pk=window.pk, starts_at__lt=moment, ends_at__gt=moment)
        if not running.update(ends_at=moment):
            raise ConflictError(_("This window does not run at the moment."))
        looks_again_at(moment)
