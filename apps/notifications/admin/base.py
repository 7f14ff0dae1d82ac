"""What the pages of alarms share."""

from typing import Any

from django.http import HttpRequest

from apps.core.admin_base import Sets, StaffModelAdmin

ALERT_TONES = {"critical": "bad", "warning": "wait", "info": "go", "success": "ok"}
DELIVERY_TONES = {"pending": "wait", "posted": "wait", "sent": "ok", "skipped": "", "dead": "bad"}


class SetUpAdmin(StaffModelAdmin):
    """Rows that staff with the right make, change and delete by a form."""

    new_fieldsets: Sets = ()
    list_before_template = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Django's own right."""
        return self._may(request, "add")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's own right."""
        return self._may(request, "delete")

    def _may(self, request: HttpRequest, what: str) -> bool:
        return bool(request.user.has_perm(f"{self.opts.app_label}.{what}_{self.opts.model_name}"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new row has nothing to be looked at yet."""
        return self.fieldsets if obj is not None else self.new_fieldsets
