"""The nightly clean-up of credentials that ended."""

from datetime import datetime, timedelta

from django.db.models import Q

from apps.accounts.models import ApiKey, DeviceAuthorization, Invitation, TokenFamily
from apps.accounts.services.api_keys import end_expired
from apps.core.clock import now

KEEP_FAMILIES = timedelta(days=30)  # the list "revoked, why" is of use for a while
KEEP_KEYS = timedelta(days=400)
KEEP_INVITATIONS = timedelta(days=90)
KEEP_DEVICE_LOGINS = timedelta(days=1)


def token_cleanup(_slot: datetime) -> str:
    """Delete what ended long ago. Returns how much of each. (Sessions go with `core.retention`.)"""
    moment = now()
    old = moment - KEEP_FAMILIES
    families = TokenFamily.objects.unscoped().filter(Q(expires_at__lt=old) | Q(revoked_at__lt=old)).delete()[0]
    devices = DeviceAuthorization.objects.unscoped().filter(expires_at__lt=moment - KEEP_DEVICE_LOGINS).delete()[0]
    invitations = Invitation.objects.unscoped().filter(expires_at__lt=moment - KEEP_INVITATIONS).delete()[0]
    end_expired()
    keys = ApiKey.objects.unscoped().filter(revoked_at__lt=moment - KEEP_KEYS).delete()[0]
    return f"{families} token families, {devices} device logins, {invitations} invitations, {keys} API keys"
