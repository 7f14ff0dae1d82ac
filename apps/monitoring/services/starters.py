"""Words that an installation begins with, so that nobody has to find them in an emergency."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import seeds
from apps.monitoring.models import Incident, IncidentTemplate


def ensure_templates() -> int:
    """Make two incident templates, once: staff may change and delete them. Returns how many were made."""
    starters = (
        IncidentTemplate(
            name=_("Investigating"),
            state=Incident.State.INVESTIGATING,
            words=_("Something does not work as it should. We are looking into it, and tell more as soon as we know."),
        ),
        IncidentTemplate(
            name=_("Resolved"),
            state=Incident.State.RESOLVED,
            words=_("Everything works again as it should. We are sorry for the trouble."),
        ),
    )
    with transaction.atomic():
        if not seeds.is_first("incident_templates"):
            return 0
        known = set(IncidentTemplate.objects.values_list("name", flat=True))
        return len(IncidentTemplate.objects.bulk_create(one for one in starters if one.name not in known))
