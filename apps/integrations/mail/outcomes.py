"""What became of a mail after it left, as the vendor tells it."""

from django.db import transaction

from apps.core.clock import now
from apps.core.events import emit
from apps.integrations.mail.services import UNDELIVERABLE
from apps.integrations.models import BODY, MailMessage

State = MailMessage.State
# Events come in any order and more than once: a mail only ever moves to the right.
ORDER = (
    State.QUEUED,
    State.SENDING,
    State.UNKNOWN,
    State.SENT,
    State.DELIVERED,
    State.FAILED,
    State.BOUNCED,
    State.COMPLAINED,
)
BAD = (State.FAILED, State.BOUNCED, State.COMPLAINED)


def note_outcome(message: MailMessage, state: str, *, provider_message_id: str = "", reason: str = "") -> bool:
    """Move a mail to a later state. False when it is already there or further.

    A bad end emits `mail_undeliverable`. A mail that we gave up, or still had in the queue, counts as sent: the
    vendor knows better.
    """
    with transaction.atomic():
        fresh = MailMessage.objects.defer(*BODY).select_for_update(no_key=True).get(pk=message.pk)
        ours = fresh.state == State.FAILED and not fresh.outcome_at
        if not ours and ORDER.index(State(state)) <= ORDER.index(State(fresh.state)):
            return False
        moment = now()
        fresh.state, fresh.lease_until = state, None
        fresh.sent_at = fresh.sent_at or moment
        fresh.outcome_at = None if state == State.SENT else moment
        fresh.last_error = reason
        fresh.provider_message_id = fresh.provider_message_id or provider_message_id[:200]
        fresh.save(update_fields=("state", "lease_until", "sent_at", "outcome_at", "last_error", "provider_message_id"))
        if state in BAD:
            emit(
                UNDELIVERABLE,
                {"mail": fresh.public_id, "template": fresh.template, "state": state},
                organization_id=fresh.organization_id,
                realm_id=fresh.realm_id,
            )
    return True
