"""What notifications does when something happened on floors below: quotas (USE-4), mail that did not arrive."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, Role
from apps.accounts.selectors import members_with
from apps.core.models import DomainEvent
from apps.notifications.services import mailed
from apps.notifications.services.notices import notify
from apps.usage.limits import limits_of
from apps.usage.periods import period_named

QUOTA = "quota_reached"
TOLD = (Role.OWNER.value, Role.ADMIN.value, Role.BILLING.value)


def tell_quota(event: DomainEvent) -> None:
    """Tell whoever decides about the plan how much of the month's calls is used."""
    organization = Organization.objects.filter(pk__in=[event.organization_id]).first()
    if organization is None:
        return
    percent, period = event.payload["percent"], event.payload["period"]
    words = {
        "organization": organization.name,
        "percent": percent,
        "calls": event.payload["calls"],
        "quota": event.payload["quota"],
        "reset_date": period_named(period).end.date(),
        "soft": limits_of(organization).soft,
    }
    notify(
        organization,
        members_with(organization.pk, TOLD),
        QUOTA,
        title=_title(organization.name, percent),
        body=render_to_string("notifications/quota_reached.txt", words).strip(),
        url=f"{reverse('developer')}?organization={organization.public_id}",
        idempotency_key=f"quota_reached:{organization.public_id}:{period}:{percent}",
        template="usage/quota_reached",
        context=words,
    )


def never(_payload: Mapping[str, Any]) -> bool:
    """For an old name of a handler: what was ordered by it is done, nothing new is."""
    return False


def _title(name: str, percent: int) -> str:
    if percent >= 100:
        return _("%(name)s has used this month's API calls") % {"name": name}
    return _("%(name)s has used %(percent)d %% of this month's API calls") % {"name": name, "percent": percent}


def is_of_alarm(payload: Mapping[str, Any]) -> bool:
    """Whether a mail told of an alarm."""
    return bool(payload["template"] == mailed.TEMPLATE)


def note_lost_alarm(event: DomainEvent) -> None:
    """An alarm's mail did not reach its recipient: the others hear of it."""
    mailed.mail_undeliverable(event.payload["mail"])
