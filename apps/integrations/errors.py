"""What mail and the event inbox refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, InvalidInputError


class InvalidRecipientError(InvalidInputError):
    """An address that no mail can go to, or too many of them."""

    code, title = "invalid_recipient", _("Invalid recipient")


class WebhookRefusedError(DomainError):
    """A vendor's message whose signature, age or form is wrong."""

    code, status, title = "webhook_refused", 400, _("Webhook refused")


class WebhookTooLargeError(DomainError):
    """A vendor's message above the size limit."""

    code, status, title = "webhook_too_large", 413, _("Webhook too large")


class WebhookMisconfiguredError(DomainError):
    """Our side of a vendor's webhook is set up wrong; the vendor will try again later."""

    code, status, title = "webhook_misconfigured", 503, _("Webhook not set up")
