"""What can go wrong with an outbound request. Details name the host, never the path, a header or a body."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class GuardedHttpError(DomainError):
    """An outbound request that gave no usable response.

    `transient`: the same request may succeed later. `maybe_sent`: the other side may have seen and acted on it;
    False means that no byte of the request left this machine.
    """

    code, status, title = "outbound_http_error", 502, _("Outbound request failed")
    transient: bool = False

    def __init__(
        self, detail: str | Promise = "", *, transient: bool | None = None, maybe_sent: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(detail, **kwargs)
        self.transient = self.transient if transient is None else transient
        self.maybe_sent = maybe_sent


class InvalidRequestError(GuardedHttpError):
    """The URL, method, header, parameter or body cannot be sent as it is written."""

    code, status, title = "outbound_request_invalid", 422, _("Invalid outbound request")


class BlockedAddressError(GuardedHttpError):
    """The destination is not on the public Internet, or its port is closed to outbound requests."""

    code, status, title = "outbound_address_blocked", 422, _("Destination not allowed")


class HttpTimeoutError(GuardedHttpError):
    """The deadline passed while looking up, connecting, sending, reading or following redirects."""

    code, status, title = "outbound_timeout", 504, _("Outbound request timed out")
    transient = True


class ResponseTooLargeError(GuardedHttpError):
    """The response's headers or its decoded body are over the limit."""

    code, status, title = "outbound_response_too_large", 502, _("Response too large")


class HttpFailureError(GuardedHttpError):
    """The exchange failed; `code` says how: dns_failure, connection_failed, connection_lost, tls_failure,
    bad_response, bad_encoding, invalid_json, too_many_redirects or redirect_refused."""

    code = "outbound_http_failed"
