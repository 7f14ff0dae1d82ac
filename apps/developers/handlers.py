"""What developers does when something happened elsewhere."""

from django.urls import reverse

from apps.accounts.models import ApiKey, Role
from apps.accounts.selectors import member_emails
from apps.core.brand import current_brand
from apps.core.models import DomainEvent
from apps.integrations.mail.services import queue_mail

TOLD = (Role.OWNER.value, Role.ADMIN.value)


def mail_leak(event: DomainEvent) -> None:
    """Tell whoever made a leaked key, the owners and the admins that it was revoked."""
    key = (
        ApiKey.objects.unscoped()
        .select_related("organization", "created_by")
        .filter(pk=ApiKey.parse_public_id(event.payload["key"]))
        .first()
    )
    if key is None:
        return
    recipients = list(dict.fromkeys([key.created_by.email, *member_emails(key.organization_id, TOLD)]))[:50]
    address = f"{current_brand().site_url}{reverse('api_keys')}?organization={key.organization.public_id}"
    queue_mail(
        "developers/api_key_leaked",
        recipients,
        {"key_name": key.name, "shown": key.shown, "organization": key.organization.name, "url": address},
        idempotency_key=f"api_key_leaked:{key.public_id}",
        organization_id=key.organization_id,
        realm_id=key.organization.realm_id,
    )
