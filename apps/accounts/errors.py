"""What accounts refuses, and how it says so."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError


class PermissionDeniedError(ForbiddenError):
    """The member's role does not allow this."""

    code, title = "forbidden", _("Your role does not allow this")


class ImpersonationForbiddenError(ForbiddenError):
    """Staff acting as a customer never touch credentials, roles or tokens."""

    code, title = "impersonation_forbidden", _("Not while acting as a customer")


class NoOrganizationError(ForbiddenError):
    """The person belongs to no organization, or the session has none selected."""

    code, title = "no_organization", _("No organization")


class LastOwnerError(ConflictError):
    """An organization always has at least one owner."""

    code, title = "last_owner", _("The last owner stays")


class AlreadyMemberError(ConflictError):
    """The person already belongs to the organization."""

    code, title = "already_member", _("Already a member")


class InvitationUnusableError(ConflictError):
    """The invitation was used, withdrawn or has expired."""

    code, title = "invitation_unusable", _("This invitation can no longer be used")


class WrongRecipientError(ForbiddenError):
    """The invitation was sent to another address than the reader's."""

    code, title = "wrong_recipient", _("This invitation is for someone else")


class InvalidTokenError(DomainError):
    """A bearer or refresh token that is malformed, expired, revoked or used before."""

    code, status, title = "invalid_token", 401, _("The token is not valid")


class DeviceLoginError(DomainError):
    """The answers of RFC 8628 to a polling terminal: the `code` says which."""

    code, status, title = "device_login", 400, _("Device login")


class UnknownCodeError(InvalidInputError):
    """The code typed on the device page is unknown or too old."""

    code, title = "unknown_code", _("Unknown code")


class RateLimitedError(DomainError):
    """Too many tries in too short a time."""

    code, status, title = "rate_limited", 429, _("Too many requests")


class InvalidKeyError(DomainError):
    """An API key that lets nobody in. The `code` says what the caller can mend, and nothing about keys of others."""

    code, status, title = "invalid_api_key", 401, _("The API key is not valid")


class AmbiguousCredentialsError(DomainError):
    """One call shows one credential: which of two counts would be a guess."""

    code, status, title = "ambiguous_credentials", 401, _("Two credentials at once")


class AddressNotAllowedError(ForbiddenError):
    """The key is good, but not from where the call came."""

    code, title = "address_not_allowed", _("Not from this address")


class KeyLimitError(ConflictError):
    """There is an active key already, or one was created today."""

    code, title = "key_limit", _("No further key now")
