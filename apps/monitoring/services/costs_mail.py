"""What the mail provider takes by the mail."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from apps.integrations.models import MailMessage
from apps.monitoring.figures import cents
from apps.monitoring.intervals import whole_days

CENTS, THOUSAND = 100, 1000
LATEST = timedelta(days=3)  # after it was ordered a mail is sent, or given up


def cost_of_day(day: date) -> int | None:
    """The mails that were sent, at the price of a thousand. None where mail leaves no machine, or has no such price."""
    if settings.MAIL_TRANSPORT != "resend" or not settings.MAIL_PRICE:
        return None
    span = whole_days(day, day)
    rows = MailMessage.objects.filter(sent_at__gte=span.start, sent_at__lt=span.end)
    count = rows.filter(created_at__gte=span.start - LATEST, created_at__lt=span.end).count()  # which has an index
    return cents(Decimal(count) / THOUSAND * settings.MAIL_PRICE * CENTS)
