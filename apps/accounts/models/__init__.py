"""Who is who: realms, people, organizations, and the credentials that they hold."""

from apps.accounts.models.access import DeviceAuthorization, Environment, Impersonation, TokenFamily
from apps.accounts.models.api_keys import ApiKey
from apps.accounts.models.organizations import Invitation, Membership, Organization, Realm, Role
from apps.accounts.models.users import User

__all__ = [
    "ApiKey",
    "DeviceAuthorization",
    "Environment",
    "Impersonation",
    "Invitation",
    "Membership",
    "Organization",
    "Realm",
    "Role",
    "TokenFamily",
    "User",
]
