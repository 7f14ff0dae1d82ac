"""The only way out: every HTTP request to an address that a user, a customer or a vendor named goes through here."""

from apps.core.http.addresses import refusal_reason
from apps.core.http.client import GuardedClient
from apps.core.http.errors import (
    BlockedAddressError,
    GuardedHttpError,
    HttpFailureError,
    HttpTimeoutError,
    InvalidRequestError,
    ResponseTooLargeError,
)
from apps.core.http.response import Response, retry_after_seconds
from apps.core.http.shared import close_connections, request

__all__ = [
    "BlockedAddressError",
    "GuardedClient",
    "GuardedHttpError",
    "HttpFailureError",
    "HttpTimeoutError",
    "InvalidRequestError",
    "Response",
    "ResponseTooLargeError",
    "close_connections",
    "refusal_reason",
    "request",
    "retry_after_seconds",
]
