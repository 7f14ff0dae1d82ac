"""What Stripe's events lead to: a look at the object as it is now.

Events come late, twice and in any order, so nobody acts on what they say. Each is a notice that an object is to be
looked at; whoever keeps something of it (`VendorObjectHandler`) is given what Stripe says now, and the end is the same
whatever came before. The object is fetched outside of any transaction, and handed on in one that also notes it.
"""

import time
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError
from apps.core.kinds import VendorObjectHandler
from apps.core.locking import WorkerDiedError
from apps.core.registry import registry
from apps.integrations.models import StripeObject
from apps.integrations.stripe import reading
from apps.integrations.stripe.connection import VENDOR, stripe
from apps.integrations.stripe.errands import LEASE, pause_before
from apps.integrations.stripe.errors import (
    PaymentsNotSetUpError,
    StripeMissingError,
    StripeRefusedError,
    StripeUnavailableError,
)
from apps.integrations.stripe.mirror import forget, mirror
from apps.integrations.stripe.objects import Kind

log = structlog.get_logger(__name__)

LOOK_TASK = "integrations.look_at_stripe"
MAX_ATTEMPTS = 12
WAITS_FOR_ANOTHER = 2.0  # seconds
State = StripeObject.State


def _free(moment: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=moment)


class NeededFirstError(Exception):
    """A handler needs another object before this one."""

    def __init__(self, kind: str, object_id: str) -> None:
        super().__init__(f"{kind} {object_id} is needed first")
        self.kind, self.object_id = kind, object_id


def handle(payload: dict[str, Any]) -> None:
    """An event of the inbox. Those about things that nobody keeps change nothing."""
    note(str(payload.get("object_kind", "")), str(payload.get("object_id", "")))


def note(kind: str, object_id: str) -> None:
    """Something happened to this object."""
    if not object_id or kind not in _kinds():
        return
    with transaction.atomic():
        row, new = StripeObject.objects.get_or_create(kind=kind, object_id=object_id, defaults={"due_at": now()})
        if not new:
            StripeObject.objects.filter(pk=row.pk).update(
                noted=F("noted") + 1, state=State.WAITING, attempts=0, due_at=now(), last_error=""
            )
        ring(LOOK_TASK)


def look_at_due(limit: int = 200) -> int:
    """Look at what is due, one after the other. Returns how many."""
    for done in range(limit):
        row = _claim()
        if row is None:
            return done
        if row.attempts > MAX_ATTEMPTS:
            _put_off(row, WorkerDiedError())
        else:
            _look(row)
    ring(LOOK_TASK)
    return limit


def look_now(kind: str, object_id: str, *, patience: float = WAITS_FOR_ANOTHER) -> None:
    """Look at an object at once: for a customer who is back from Stripe before its event is here.

    A worker who looks at it this moment may see it as it was before the customer came: another look follows that one,
    for which is waited so many seconds. A page that asks again by itself has no patience.
    Raises `StripeUnavailableError`; the notice stays, and the object is looked at later.
    """
    note(kind, object_id)
    row = StripeObject.objects.filter(kind=kind, object_id=object_id).first()
    deadline = time.monotonic() + patience
    while row is not None and not _take(row):
        row.refresh_from_db()
        if row.state != State.WAITING or time.monotonic() >= deadline:
            return
        time.sleep(0.05)
    if row is not None:
        _look(row)


def was_seen(kind: str, object_id: str, *, since: datetime) -> bool:
    """Whether an object was looked at since then, and is not to be looked at again."""
    rows = StripeObject.objects.filter(kind=kind, object_id=object_id, state=State.SEEN)
    return rows.filter(seen_at__gte=since).exists()


def replay(row: StripeObject) -> None:
    """Look again at what was given up. Raises `ConflictError` for any other."""
    again = StripeObject.objects.filter(pk=row.pk, state=State.DEAD)
    if not again.update(state=State.WAITING, attempts=0, due_at=now(), last_error=""):
        raise ConflictError(_("Only what was given up can be looked at again."))
    ring(LOOK_TASK)


def _claim() -> StripeObject | None:
    """The next that is due and that nobody looks at. One worker at a time looks at an object: what two fetched might be
    written in the other order."""
    due = StripeObject.objects.filter(_free(now()), state=State.WAITING, due_at__lte=now()).order_by("due_at")
    return next((row for row in due[:20] if _take(row)), None)


def _take(row: StripeObject) -> bool:
    """Whether the row is this worker's now: of several who saw it due, one."""
    until = now() + LEASE
    free = StripeObject.objects.filter(_free(now()), pk=row.pk, state=State.WAITING)
    if not free.update(lease_until=until, attempts=F("attempts") + 1):
        return False
    row.refresh_from_db()
    return row.lease_until == until


def _held(row: StripeObject) -> QuerySet[StripeObject]:
    """The row while it is still this worker's."""
    return StripeObject.objects.filter(pk=row.pk, lease_until=row.lease_until)


def _look(row: StripeObject) -> None:
    raw, found = None, None
    try:
        raw = stripe().fetch_raw(cast(Kind, row.kind), row.object_id)
        found = reading.read(cast(Kind, row.kind), raw)
    except StripeMissingError:
        log.info("stripe_object_missing", kind=row.kind, object=row.object_id)
    except (StripeUnavailableError, StripeRefusedError, PaymentsNotSetUpError) as error:
        _put_off(row, error, error.extra.get("retry_after"))
        return
    try:
        with transaction.atomic():
            _hand_on(row, found)
            # Last: handlers note other objects, and whoever looks at one of those would wait for what we hold.
            if _held(row).select_for_update(no_key=True).first() is None:
                transaction.set_rollback(True)  # it took longer than its lease, and somebody else looks
                return
        with transaction.atomic():  # another one: a mirror that refuses an object does not keep money from being booked
            _reflect(row, raw)
            _seen(row)
    except NeededFirstError as needed:
        note(needed.kind, needed.object_id)
        _put_off(row, needed)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is recorded, retried, then shown to staff
        _put_off(row, error)


def _reflect(row: StripeObject, raw: dict[str, Any] | None) -> None:
    if raw is None:
        forget(row.kind, row.object_id)
    else:
        mirror(row.kind, raw)


def _hand_on(row: StripeObject, found: Any) -> None:
    if found is None:
        return
    for handler in registry(VendorObjectHandler).all():
        if (handler.vendor, handler.kind) == (VENDOR, row.kind):
            handler.handle(found)


def _seen(row: StripeObject) -> None:
    fresh = _held(row).select_for_update(no_key=True).first()
    if fresh is None:
        return
    fresh.seen_at, fresh.last_error, fresh.lease_until = now(), "", None
    if fresh.noted == row.noted:
        fresh.state, fresh.attempts = State.SEEN, 0
    else:  # told of once more meanwhile
        fresh.due_at = now()
        ring(LOOK_TASK)
    fresh.save(update_fields=("state", "attempts", "due_at", "lease_until", "seen_at", "last_error"))


def _put_off(row: StripeObject, error: Exception, retry_after: float | None = None) -> None:
    dead = row.attempts >= MAX_ATTEMPTS
    pause = pause_before(row.attempts, retry_after)
    told = f"{type(error).__name__}: {error}"[:300]
    state = State.DEAD if dead else State.WAITING
    _held(row).update(state=state, due_at=now() + timedelta(seconds=pause), lease_until=None, last_error=told)
    write = log.error if dead else log.warning
    write("stripe_object_dead" if dead else "stripe_object_put_off", kind=row.kind, object=row.object_id, error=told)


def _kinds() -> set[str]:
    return {handler.kind for handler in registry(VendorObjectHandler).all() if handler.vendor == VENDOR}
