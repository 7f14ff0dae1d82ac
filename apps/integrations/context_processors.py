"""What templates may ask integrations for."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.integrations.mail.notices import file_mail_notice


def mail_notice(request: HttpRequest) -> dict[str, Any]:
    """`mail_notice`: where mail can be read in a demo, for `integrations/mail_notice.html`; false otherwise."""
    return {"mail_notice": SimpleLazyObject(file_mail_notice)}
