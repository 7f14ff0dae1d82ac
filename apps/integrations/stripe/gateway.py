"""The real gateway: `port.Stripe` on the vendor's library. The fake one is the same, at another address."""

from apps.integrations.stripe.catalogue_calls import CatalogueCalls
from apps.integrations.stripe.paying_calls import PayingCalls
from apps.integrations.stripe.portal_calls import PortalCalls
from apps.integrations.stripe.reading_calls import ReadingCalls


class StripeGateway(ReadingCalls, CatalogueCalls, PayingCalls, PortalCalls):
    """All that we ask of Stripe, with one key. Threads may share it; processes each make their own."""
