"""Who is who: realms, people, organizations, and the credentials that they hold."""

from apps.accounts.models.access import DeviceAuthorization, Impersonation, TokenFamily
from apps.accounts.models.api_keys import ApiKey
from apps.accounts.models.organizations import Invitation, Membership, Organization, Realm, Role
from apps.accounts.models.users import User

__all__ = [
    "ApiKey",
    "DeviceAuthorization",
    "Impersonation",
    "Invitation",
    "Membership",
    "Organization",
    "Realm",
    "Role",
    "TokenFamily",
    "User",
]
