"""What the audit log itself contributes."""

from django.utils.translation import gettext_lazy as _

from apps.audit import health
from apps.audit.services import ERASED
from apps.core.kinds import AuditAction, HealthCheck, ScheduledJob
from apps.core.registry import register

register(
    AuditAction(code=ERASED, label=_("Erased a person from the audit log")),
    HealthCheck(name="audit_append_only", label=_("Audit log"), run=health.append_only),
    ScheduledJob(name="verify_audit", label=_("Verify the audit log"), run=health.verify_all, crontab="20 3 * * *"),
)
