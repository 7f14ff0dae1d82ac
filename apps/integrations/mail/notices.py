"""Telling people in a demo where their mail went."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _


def mail_page_is_open() -> bool:
    """Whether `/dev/mail` exists: only in a demo that writes its mail to files."""
    return bool(settings.DEMO and settings.MAIL_TRANSPORT == "file")


def file_mail_notice() -> dict[str, str]:
    """A notice in the form of `components/notice.html`; empty when mail really leaves."""
    if not mail_page_is_open():
        return {}
    return {
        "tone": "wait",
        "text": _("This is a demo: no mail leaves this machine."),
        "url": reverse("dev_mail"),
        "label": _("Read the mail here"),
    }
