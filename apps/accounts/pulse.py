"""The figures of the business that accounts know."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, User
from apps.core.ids import lowest_id
from apps.core.kinds import PulseMetric

CUSTOMERS = _("Customers")


def sign_ups(start: datetime, end: datetime) -> int:
    """People who joined; staff are no customers."""
    rows = User.objects.filter(date_joined__gte=start, date_joined__lt=end, is_staff=False)
    return rows.filter(pk__gte=lowest_id(start)).count()  # by the key's time, which has an index


def new_organizations(start: datetime, end: datetime) -> int:
    """Organizations that were made; a sandbox is none."""
    rows = Organization.objects.filter(created_at__gte=start, created_at__lt=end, livemode=True)
    return rows.filter(pk__gte=lowest_id(start)).count()


def organizations(_start: datetime, end: datetime) -> int:
    """All there are."""
    return Organization.objects.filter(created_at__lt=end, livemode=True).count()


METRICS = (
    PulseMetric("sign_ups", _("Sign-ups"), "count", sign_ups, CUSTOMERS, order=40),
    PulseMetric("new_organizations", _("New organizations"), "count", new_organizations, CUSTOMERS, order=41),
    PulseMetric("organizations", _("Organizations"), "count", organizations, CUSTOMERS, "stock", order=42),
)
