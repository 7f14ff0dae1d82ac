"""Sending alarms: claim a delivery with a lease, tell the channel, write down what happened.

No transaction is open while a channel is called: on SQLite it would keep all writers waiting. An attempt is counted
first and for good. When its worker dies, or the answer is lost, nobody knows whether the alarm arrived: it is sent
again and marked (`uncertain`). An alarm that comes twice is a nuisance, one that never comes an outage nobody hears of.
Receivers that look at the key (signed webhooks, mail) take it once anyway.
"""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core.backoff import pause
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError
from apps.core.locking import claim_next
from apps.integrations.errors import InvalidRecipientError
from apps.integrations.mail.services import queue_mail
from apps.notifications import routing
from apps.notifications.channels import SIGNS, ChannelError, deliver, scheme_of
from apps.notifications.models import AlertDelivery
from apps.notifications.routing import Route
from apps.notifications.services import channel_health
from apps.notifications.services.mailed import TEMPLATE
from apps.notifications.services.telling import PERHAPS_TOLD, SEND_TASK, TELLS_OF_IT, end_of
from apps.notifications.windows import held_until

log = structlog.get_logger(__name__)

Kind, State = AlertDelivery.Kind, AlertDelivery.State
LEASE = timedelta(seconds=30)  # longer than a channel is waited for
MAX_BODY = 2500  # of the detail; what follows it is worth more than its end
MAX_ATTEMPTS = 15  # some five hours
BEHIND = timedelta(seconds=2)  # how long an end waits for its beginning


def send_due(limit: int = 50) -> int:
    """Tell what is due, one at a time. Returns how many deliveries were looked at."""
    for done in range(limit):
        row = _claim()
        if row is None:
            return done
        if row.state == State.PENDING and row.lease_until is not None:
            _attempt(row)
        elif row.state == State.DEAD:
            _not_sent(row, routing.named(row.channel_key), ChannelError(row.last_error, permanent=True))
    ring(SEND_TASK)
    return limit


def _claim() -> AlertDelivery | None:
    """The next delivery that is due, under a lease; settled at once where it is not to be sent."""
    with transaction.atomic():
        moment = now()
        due = AlertDelivery.objects.select_related("alert").filter(state=State.PENDING, due_at__lte=moment)
        row = claim_next(due.order_by("due_at", "pk"))
        if row is None:
            return None
        if row.lease_until is not None:  # whoever had it is dead
            row.uncertain = True
        if not (_not_needed(row) or _not_yet(row)):
            if row.attempts >= MAX_ATTEMPTS:
                _bury(row, row.last_error or "the worker died during the last attempt")
            else:
                row.attempts, row.held = row.attempts + 1, False
                row.due_at = row.lease_until = moment + LEASE
        row.save()
    return row


def _not_needed(row: AlertDelivery) -> bool:
    why = _why_not(row)
    if why:
        row.state, row.last_error, row.lease_until, row.held = State.SKIPPED, why, None, False
    return bool(why)


def _why_not(row: AlertDelivery) -> str:
    alert = row.alert
    if row.kind in (Kind.ESCALATED, Kind.REMINDED) and not row.uncertain:
        if not alert.is_open:
            return "the alert is over"
        if alert.acknowledged_at:
            return "somebody looks after it"
    if row.kind in (Kind.FIRED, Kind.WORSENED) and row.uncertain and not row.resent and _said_since(row):
        return "overtaken by what came after"
    if row.kind == Kind.RESOLVED and (alert.is_open or row.step != end_of(alert)):
        return "the alarm came back"
    if row.kind == Kind.RESOLVED and not _earlier(row).filter(PERHAPS_TOLD).exists():
        return "the channel was never told of it"
    return ""


def _not_yet(row: AlertDelivery) -> bool:
    """Put it off: a maintenance window runs, or what comes before it is still on its way."""
    moment = now()
    until = None if row.kind == Kind.TEST else held_until(row.alert, moment)
    if until is not None:
        row.held, row.due_at, row.lease_until = True, until, None
        return True
    before = AlertDelivery.objects.filter(
        alert_id=row.alert_id, channel_key=row.channel_key, pk__lt=row.pk, state=State.PENDING
    )
    if row.kind != Kind.RESOLVED:
        before = before.filter(lease_until__gt=moment)  # an end that is on the wire arrives before the next beginning
    if before.exists():
        row.due_at, row.lease_until = moment + BEHIND, None
        return True
    return False


def _earlier(row: AlertDelivery) -> QuerySet[AlertDelivery]:
    return AlertDelivery.objects.filter(
        alert_id=row.alert_id, channel_key=row.channel_key, kind__in=TELLS_OF_IT, pk__lt=row.pk
    )


def _said_since(row: AlertDelivery) -> bool:
    """Whether the channel has heard a newer word of the alarm than what may have arrived already."""
    newer = AlertDelivery.objects.filter(alert_id=row.alert_id, channel_key=row.channel_key, pk__gt=row.pk)
    return newer.filter(state__in=(State.POSTED, State.SENT), kind__in=TELLS_OF_IT).exists()


def _attempt(row: AlertDelivery) -> None:
    route = routing.named(row.channel_key)
    if route is None:
        _settled(row, State.SKIPPED, "the channel is gone or switched off")
        return
    if not route.is_readable:
        _failed(row, route, ChannelError(channel_health.UNREADABLE, permanent=False))  # somebody may find the key
        return
    if scheme_of(route.url) == "mailto":
        try:
            _mail(row, route)
        except InvalidRecipientError as error:
            _failed(row, route, ChannelError(str(error), permanent=True))
        return
    title, body = words_of(row)
    try:
        deliver(
            route.url,
            title,
            body,
            row.severity,  # type: ignore[arg-type] # one of the choices
            route.silent_for(row.severity),
            key=row.once_key,
            data=facts_of(row),
        )
    except ChannelError as error:
        _failed(row, route, error)
    else:
        _settled(row, State.SENT)
        channel_health.works(route)
        log.info("alert_sent", delivery=row.public_id, channel=row.channel_name, kind=row.kind, attempt=row.attempts)


def _mail(row: AlertDelivery, route: Route) -> None:
    """Through the outbox: its row and the mark that it is there are one transaction. It is sent once that says so."""
    detail = "\n\n".join(part for part in (row.detail, _over_since(row)) if part)
    with transaction.atomic():
        queue_mail(
            TEMPLATE,
            route.url.partition(":")[2],
            {
                "sign": SIGNS[row.severity],
                "title": row.title,
                "detail": detail,
                "severity": row.get_severity_display(),
                "url": url_of(row),
            },
            idempotency_key=row.mail_key,
        )
        _settled(row, State.POSTED)


def words_of(row: AlertDelivery) -> tuple[str, str]:
    """Title and body of a message, with where to look closer."""
    parts = (row.detail[:MAX_BODY], _over_since(row), url_of(row))
    return row.title, "\n\n".join(part for part in parts if part)


def _over_since(row: AlertDelivery) -> str:
    """For what arrives late: the beginning of an alarm that is over by now."""
    over = row.alert.resolved_at
    if row.kind not in (Kind.FIRED, Kind.WORSENED) or over is None or over <= row.alert.began_at:
        return ""
    return f"It is over since {over:%Y-%m-%d %H:%M} UTC."


def url_of(row: AlertDelivery) -> str:
    """The alert in the administration."""
    return settings.SITE_URL + reverse("admin:notifications_alert_change", args=[row.alert_id])


def facts_of(row: AlertDelivery) -> dict[str, object]:
    """What webhooks get beside the words."""
    alert = row.alert
    return {
        "type": f"alert.{row.kind}",
        "id": alert.public_id,
        "delivery": row.public_id,
        "code": alert.code,
        "subject": alert.subject,
        "began_at": alert.began_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "times": alert.times,
        "url": url_of(row),
    }


def _settled(row: AlertDelivery, state: str, why: str = "") -> None:
    """A message that arrived has arrived, whoever holds the lease by now."""
    AlertDelivery.objects.filter(pk=row.pk).exclude(state=State.SENT).update(
        state=state, last_error=why, lease_until=None, held=False, sent_at=now() if state == State.SENT else None
    )


def _failed(row: AlertDelivery, route: Route, error: ChannelError) -> None:
    with transaction.atomic():
        fresh = AlertDelivery.objects.select_for_update(no_key=True).filter(
            pk=row.pk, state=State.PENDING, attempts=row.attempts
        )
        mine = fresh.first()
        if mine is None:  # another worker has taken it over
            return
        mine.uncertain = mine.uncertain or error.maybe_sent
        mine.last_error, mine.lease_until = str(error), None
        if error.permanent or mine.attempts >= MAX_ATTEMPTS:
            _bury(mine, str(error))
        else:
            wait = max(pause(mine.attempts, first=10, longest=1800), min(error.retry_after or 0, 1800))
            mine.due_at = now() + timedelta(seconds=wait)
            _let_wait(mine)
        mine.save()
    _not_sent(mine, route, error)


def _not_sent(row: AlertDelivery, route: Route | None, error: ChannelError) -> None:
    """Once the row says so: what was given up is told by the other channels, unless the channel is gone itself."""
    if route is not None:
        channel_health.fails(route, error, given_up=row.state == State.DEAD)
    log.warning("alert_not_sent", delivery=row.public_id, channel=row.channel_name, error=str(error), state=row.state)


def _bury(row: AlertDelivery, why: str) -> None:
    row.state, row.last_error, row.lease_until, row.held = State.DEAD, why[:300], None, False


def _let_wait(row: AlertDelivery) -> None:
    """While a channel is away one message at a time tries it: else a storm of alarms would take all workers."""
    AlertDelivery.objects.filter(
        channel_key=row.channel_key, state=State.PENDING, lease_until=None, due_at__lt=row.due_at
    ).exclude(pk=row.pk).update(due_at=row.due_at)


def resend(row: AlertDelivery) -> None:
    """Send once more what was given up, or was sent and is asked for again. Raises `ConflictError` for any other."""
    again = AlertDelivery.objects.filter(pk=row.pk, state__in=(State.DEAD, State.SENT)).update(
        state=State.PENDING,
        attempts=0,
        resent=F("resent") + 1,
        due_at=now(),
        lease_until=None,
        last_error="",
        sent_at=None,
    )
    if not again:
        raise ConflictError(_("This delivery waits to be sent, or was not needed."))
    ring(SEND_TASK)
