"""What templates may ask integrations for."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.integrations.mail.notices import file_mail_notice
from apps.integrations.stripe.notices import fake_payments_notice


def mail_notice(request: HttpRequest) -> dict[str, Any]:
    """`mail_notice`: where mail can be read in a demo, for `integrations/mail_notice.html`; false otherwise."""
    return {"mail_notice": SimpleLazyObject(file_mail_notice)}


def payments_notice(request: HttpRequest) -> dict[str, Any]:
    """`test_payments_notice`: that no money moves, for `integrations/test_payments_notice.html`; false otherwise."""
    return {"test_payments_notice": SimpleLazyObject(fake_payments_notice)}
