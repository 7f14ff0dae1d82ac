"""What became of alarms that went by mail: "sent" is what the outbox says, not that it has them.

A bad end comes as an event, also after the mail left; a good one is seen when we look.
"""

import structlog
from django.db import transaction

from apps.core.clock import now
from apps.integrations.mail.selectors import Outcome, outcome_of, outcomes_by_key
from apps.notifications import routing
from apps.notifications.channels import ChannelError
from apps.notifications.models import MAIL_KEY, AlertDelivery
from apps.notifications.services import channel_health

log = structlog.get_logger(__name__)

TEMPLATE = "notifications/alert"
BATCH = 200
State = AlertDelivery.State


def look_at_mail() -> int:
    """Ask the outbox about what it was given. Returns how many alarms it has done with."""
    done, rows = 0, _posted()
    while rows:
        ended = outcomes_by_key([row.mail_key for row in rows])
        done += sum(_settle(key.removeprefix(MAIL_KEY), outcome) for key, outcome in ended.items())
        rows = _posted(after=rows[-1]) if len(rows) == BATCH else []
    return done


def _posted(after: AlertDelivery | None = None) -> list[AlertDelivery]:
    rows = AlertDelivery.objects.filter(state=State.POSTED).order_by("pk")
    return list((rows.filter(pk__gt=after.pk) if after else rows)[:BATCH])


def mail_undeliverable(public_id: str) -> None:
    """A mail of ours came to a bad end. Hearing so twice changes nothing."""
    outcome = outcome_of(public_id)
    if outcome is not None and outcome.key.startswith(MAIL_KEY):
        _settle(outcome.key.removeprefix(MAIL_KEY), outcome)


def _settle(once_key: str, outcome: Outcome) -> bool:
    """Write down how it ended, and what that says about the channel. What staff sent again since is another mail."""
    key = AlertDelivery.parse_public_id(once_key.partition(".")[0])
    with transaction.atomic():
        left = AlertDelivery.objects.filter(pk=key, state__in=(State.POSTED, State.SENT))
        row = left.select_for_update(no_key=True).first()
        if row is None or row.once_key != once_key:
            return False
        if outcome.left:
            if row.state == State.SENT:
                return False
            row.state, row.sent_at, row.last_error = State.SENT, outcome.sent_at or now(), ""
        else:
            row.state, row.sent_at, row.last_error = State.DEAD, None, outcome.why[:300]
            row.uncertain = row.uncertain or outcome.maybe_arrived
        row.save(update_fields=("state", "sent_at", "last_error", "uncertain"))
        route = routing.named(row.channel_key)
        if row.state == State.DEAD and route is not None:
            channel_health.fails(route, ChannelError(row.last_error, permanent=True), given_up=True)
    told = log.info if row.state == State.SENT else log.warning
    told("alert_mail_ended", delivery=row.public_id, channel=row.channel_name, state=row.state, error=row.last_error)
    return True
