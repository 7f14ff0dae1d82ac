"""What developers does when something happened elsewhere."""

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey, Role
from apps.accounts.selectors import members_with
from apps.core.models import DomainEvent
from apps.notifications.services.notices import notify

LEAKED = "api_key_leaked"
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
    notify(
        key.organization,
        [key.created_by, *members_with(key.organization_id, TOLD)],
        LEAKED,
        title=_("We revoked the API key %(shown)s of %(name)s") % {"shown": key.shown, "name": key.organization.name},
        body=_("It was found in a public place. Programs that use it are refused from now on."),
        url=f"{reverse('api_keys')}?organization={key.organization.public_id}",
        idempotency_key=f"api_key_leaked:{key.public_id}",
        template="developers/api_key_leaked",
        context={"key_name": key.name, "shown": key.shown, "organization": key.organization.name},
    )
