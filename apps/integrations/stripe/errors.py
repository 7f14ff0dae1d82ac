"""What Stripe refuses, and what keeps it from answering. None of these repeats what Stripe said but to the payer.

Stripe's own messages may name customers, addresses and parts of keys: they reach neither texts nor logs. The exception
is what it says of a card ("Your card was declined."), which is meant for whoever pays with it.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, NotFoundError, UnavailableError

PAYMENT_FAILED = "payment_failed"
DUPLICATE_USAGE = "duplicate_meter_event"


class PaymentsNotSetUpError(DomainError):
    """This installation has no key of Stripe's, so nothing can be bought."""

    code, status, title = "payments_not_set_up", 503, _("Payments are not set up")


class StripeMissingError(NotFoundError):
    """There is no such object at Stripe, or no more."""

    code = "missing_at_stripe"


class StripeRefusedError(DomainError):
    """Stripe will never do this as it was asked.

    `code` is "payment_failed" where the payer's bank or card said no, else Stripe's own ("charge_already_refunded",
    "amount_too_large", "resource_already_exists", …) or "refused_by_stripe". `stripe_code` is Stripe's in both cases,
    `decline_code` the bank's reason, `param` the name of what was wrong, `request_id` what to name to Stripe's support.
    """

    code, status, title = "refused_by_stripe", 422, _("Refused by the payment provider")

    def __init__(
        self,
        detail: str | Promise = "",
        *,
        code: str = "",
        stripe_code: str = "",
        decline_code: str = "",
        param: str = "",
        request_id: str = "",
    ) -> None:
        self.stripe_code, self.decline_code = stripe_code, decline_code
        self.param, self.request_id = param, request_id
        told = {"decline_code": decline_code} if decline_code else {}
        super().__init__(detail, code=code, status=402 if code == PAYMENT_FAILED else None, **told)

    @property
    def is_payment_failure(self) -> bool:
        """Whether it is the payer who has to do something about it."""
        return self.code == PAYMENT_FAILED


class StripeUnavailableError(UnavailableError):
    """No answer of use. `transient`: asking again, with the same key, may help; `ambiguous`: it may have been done."""

    code = "stripe_unavailable"

    def __init__(
        self, detail: str | Promise = "", *, transient: bool = True, ambiguous: bool = False, retry_after: int = 5
    ) -> None:
        self.transient, self.ambiguous = transient, ambiguous
        super().__init__(detail, retry_after=retry_after)
