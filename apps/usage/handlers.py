"""What usage does when something happened: mail about quotas."""

from django.urls import reverse

from apps.accounts.models import Organization, Role
from apps.accounts.selectors import member_emails
from apps.core.brand import current_brand
from apps.core.models import DomainEvent
from apps.integrations.mail.services import queue_mail
from apps.usage.limits import limits_of
from apps.usage.periods import period_named

TOLD = (Role.OWNER.value, Role.ADMIN.value, Role.BILLING.value)


def mail_quota(event: DomainEvent) -> None:
    """Tell whoever decides about the plan how much of the month's calls is used."""
    organization = Organization.objects.filter(pk__in=[event.organization_id]).first()
    if organization is None or not (recipients := member_emails(organization.pk, TOLD)):
        return
    percent, period = event.payload["percent"], event.payload["period"]
    queue_mail(
        "usage/quota_reached",
        recipients[:50],
        {
            "organization": organization.name,
            "percent": percent,
            "calls": event.payload["calls"],
            "quota": event.payload["quota"],
            "reset_date": period_named(period).end.date(),
            "soft": limits_of(organization).soft,
            "url": f"{current_brand().site_url}{reverse('developer')}?organization={organization.public_id}",
        },
        idempotency_key=f"quota_reached:{organization.public_id}:{period}:{percent}",
        organization_id=organization.pk,
        realm_id=organization.realm_id,
    )
