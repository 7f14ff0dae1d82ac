"""What `manage.py doctor` says about mail and the inbox."""

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.kinds import Checked
from apps.integrations.inbox import selectors as inbox
from apps.integrations.mail import selectors as mail
from apps.integrations.resend import webhooks as resend
from apps.integrations.stripe import connection as stripe


def mail_transport() -> Checked:
    """Whether mail really leaves."""
    transport = settings.MAIL_TRANSPORT
    if transport == "resend":
        if settings.RESEND_WEBHOOK_SECRET:
            return "ok", _("Mail goes out through Resend, which reports back.")
        return "warning", _(
            "Mail goes out through Resend; bounces are not reported (RESEND_WEBHOOK_SECRET is not set)."
        )
    if settings.LEVQOR_ENV == "production":
        return "failed", _(
            "NO MAIL LEAVES THIS INSTALLATION: the transport is “%(transport)s”. Set MAIL_TRANSPORT=resend."
        ) % {"transport": transport}
    if transport == "console":
        return "ok", _("Mail is printed by the worker; none leaves this machine.")
    folder = Path(settings.EMAIL_FILE_PATH)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        return "failed", _("Mail should go to files in %(folder)s, which can't be written.") % {"folder": folder}
    return "ok", _("Mail goes to files in %(folder)s; none leaves this machine.") % {"folder": folder}


def mail_outbox() -> Checked:
    """Whether the outbox is drained."""
    seen = mail.backlog()
    if seen["late"]:
        return "failed", _("%(late)d mails wait for more than five minutes: is a worker running?") % seen
    if seen["given_up"]:
        return "warning", _("%(given_up)d mails of the last day were given up.") % seen
    return "ok", _("Nothing waits.")


def payments() -> Checked:
    """Whether money really moves, and whether we would hear of it."""
    if not settings.STRIPE_API_KEY:
        return "failed", _("Nothing can be bought: STRIPE_API_KEY is not set.")
    if stripe.is_fake():
        return "warning", _("Test payments: no money moves (STRIPE_API_KEY is not set).")
    if not settings.STRIPE_WEBHOOK_SECRETS:
        return "failed", _("Stripe can't report what was paid: STRIPE_WEBHOOK_SECRET is not set.")
    if not stripe.is_live(settings.STRIPE_API_KEY):
        if settings.LEVQOR_ENV == "production":
            return "failed", _("NO MONEY MOVES: STRIPE_API_KEY is a test key. Set a live one.")
        return "warning", _("Payments go to Stripe's test mode: no money moves.")
    return "ok", _("Payments go through Stripe, which reports back.")


def event_inbox() -> Checked:
    """Whether vendors' events are handled, and whether their secrets are usable."""
    if settings.RESEND_WEBHOOK_SECRET and resend.configured() is None:
        return "failed", _("RESEND_WEBHOOK_SECRET is malformed: it starts with whsec_ and continues in base64.")
    seen = inbox.backlog()
    if seen["late"]:
        return "failed", _("%(late)d events wait for more than five minutes: is a worker running?") % seen
    if seen["dead"]:
        return "warning", _("%(dead)d events were given up; staff can replay them.") % seen
    return "ok", _("Nothing waits.")
