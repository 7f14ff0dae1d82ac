"""Telling people, before they pay, that what they pay with is not money."""

from django.utils.translation import gettext as _

from apps.integrations.stripe.connection import is_fake


def fake_payments_notice() -> dict[str, str]:
    """A notice in the form of `components/notice.html`; empty where money moves."""
    if not is_fake():
        return {}
    return {
        "tone": "wait",
        "title": _("Test payments: no money moves."),
        "text": _("The payment page has test cards to choose from and asks for no card of yours."),
    }
