"""Telling people, before they pay, that what they pay with is not money."""

from django.conf import settings
from django.utils.translation import gettext as _

from apps.integrations.stripe.connection import is_fake, is_live


def fake_payments_notice() -> dict[str, str]:
    """A notice in the form of `components/notice.html`; empty where money moves, and where nothing can be bought."""
    if is_fake():
        return {
            "tone": "wait",
            "title": _("Test payments: no money moves."),
            "text": _("The payment page has test cards to choose from and asks for no card of yours."),
        }
    if not settings.STRIPE_API_KEY or is_live(settings.STRIPE_API_KEY):
        return {}
    return {
        "tone": "wait",
        "title": _("Stripe's test mode: no money moves."),
        "text": _("The payment page takes Stripe's test cards, such as 4242 4242 4242 4242, and refuses real ones."),
    }
