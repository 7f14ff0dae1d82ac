"""What the audit log refuses."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ConflictError, InvalidInputError


class AppendOnlyError(ConflictError):
    """Somebody tried to change or delete an entry."""

    code, title = "audit_append_only", _("Audit entries are never changed")


class AuditDataError(InvalidInputError):
    """The data of an entry is no plain JSON object or too large."""

    code, title = "audit_data_refused", _("Audit data refused")
