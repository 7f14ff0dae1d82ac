"""What the ledger adds to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import HealthCheck, ScheduledJob
from apps.core.registry import register
from apps.ledger import health

register(
    HealthCheck("ledger_append_only", _("Ledger"), health.protected),
    ScheduledJob("verify_ledger", _("Verify the ledger"), health.verify, "40 3 * * *"),
)
