"""Where Stripe's own pages show what we know by its id."""

import uuid

from django.conf import settings

from apps.integrations.credentials import credentials_for
from apps.integrations.stripe.connection import VENDOR, is_live

ADDRESS = "https://dashboard.stripe.com/"
PAGES = {
    "customer": "customers",
    "dispute": "disputes",
    "invoice": "invoices",
    "payment_intent": "payments",
    "price": "prices",
    "product": "products",
    "subscription": "subscriptions",
}


def dashboard_url(kind: str, object_id: str | None, realm_id: uuid.UUID | None = None) -> str:
    """The page of an object at Stripe; empty for what has none, and where not the real Stripe is asked."""
    own = credentials_for(VENDOR, realm_id)
    key = str(own["api_key"]) if own else "" if settings.STRIPE_API_URL else settings.STRIPE_API_KEY
    if not key or not object_id or kind not in PAGES or (settings.STRIPE_IS_FAKE and not own):
        return ""
    return f"{ADDRESS}{'' if is_live(key) else 'test/'}{PAGES[kind]}/{object_id}"
