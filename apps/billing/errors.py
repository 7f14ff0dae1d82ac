"""What billing refuses."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ConflictError, InvalidInputError


class NotOnSaleError(ConflictError):
    """The product can't be bought: what it grants is not there yet."""

    code, title = "not_on_sale", _("Not on sale")


class AlreadySubscribedError(ConflictError):
    """There is a subscription of this line: it is changed instead."""

    code, title = "already_subscribed", _("There is a subscription already")


class CouponRefusedError(InvalidInputError):
    """The code is no coupon, or none for this. It is not told which, so that nobody learns of others' codes."""

    code, title = "coupon_refused", _("The coupon does not work here")


class CurrencySwitchError(ConflictError):
    """A customer pays in one currency."""

    code, title = "currency_switch", _("Another currency")


class CustomerHeldError(ConflictError):
    """Staff look at something first."""

    code, title = "customer_held", _("Purchases are on hold")


class RefundTooLargeError(InvalidInputError):
    """More than can be refunded of the payment."""

    code, title = "refund_too_large", _("More than can be refunded")


class OvertakenError(ConflictError):
    """The subscription changed since its price was shown."""

    code, title = "overtaken", _("Something changed meanwhile")
