"""Which Stripe is asked: with a realm's own key, this installation's, or the fake where there is none."""

import os
import uuid
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from apps.integrations.credentials import credentials_for
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.integrations.stripe.gateway import StripeGateway
from apps.integrations.stripe.port import Stripe

VENDOR = "stripe"


def stripe(realm_id: uuid.UUID | None = None) -> Stripe:
    """The gateway for a realm's payments. Raises `PaymentsNotSetUpError` where there is no key for them."""
    own = credentials_for(VENDOR, realm_id)
    key = str(own["api_key"]) if own else settings.STRIPE_API_KEY
    if not key:
        raise PaymentsNotSetUpError(_("Nothing can be bought here yet: payments are not set up."))
    if is_live(key) and (settings.DEBUG or settings.LEVQOR_ENV != "production"):
        raise ImproperlyConfigured("A live key of Stripe's is only used where LEVQOR_ENV=production, without DEBUG.")
    return _gateway(key, "" if own else settings.STRIPE_API_URL)


def is_fake(realm_id: uuid.UUID | None = None) -> bool:
    """Whether no money moves because nobody named a key: everything works, against a Stripe of our own."""
    return bool(settings.STRIPE_IS_FAKE and not credentials_for(VENDOR, realm_id))


def is_live(key: str) -> bool:
    """Whether real money moves with this key. Keys say it themselves."""
    return key.startswith(("sk_live_", "rk_live_"))


@lru_cache(maxsize=64)
def _gateway(key: str, address: str) -> StripeGateway:
    return StripeGateway(key, address)


os.register_at_fork(
    after_in_child=_gateway.cache_clear
)  # two processes on one connection would read each other's answers
