"""Alarms: raised by what goes wrong, as often as it is seen, and told once."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.kinds import AlertType, Severity
from apps.core.locking import take_turns
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.notifications.models import Alert, AlertDelivery
from apps.notifications.routing import RANKS
from apps.notifications.selectors import open_alerts
from apps.notifications.services.telling import tell_open, tell_over, tell_worse
from apps.notifications.wording import Words, words_of

# An alarm that comes back so soon after its end is the same one.
FLAPPING = timedelta(minutes=10)
MAX_SUBJECT = 120


def fire(
    code: str, subject: str = "", data: Mapping[str, Any] | None = None, *, severity: Severity | None = None
) -> Alert:
    """Raise the alarm `code` about `subject`, or note that it is still so.

    May be called at every look: an open alarm is told once, until `resolve`; one without an end, once in ten minutes.
    A graver `severity` than before is told too. `data` fills the type's templates; what it holds is shown to staff and
    sent to their channels, so it holds no secret.
    """
    kind, subject = registry(AlertType).get(code), _subject(subject)
    given = severity or kind.severity
    if still_open := _again(kind, subject, data, given):
        return still_open
    words = words_of(kind, subject, data)
    try:
        with transaction.atomic():
            if not kind.resolves:  # no constraint keeps a second one out: it is over as soon as it is there
                take_turns(f"alert {code} {subject}")
                if just_told := _again(kind, subject, data, given):
                    return just_told
            alert = _back(kind, subject, words, given) or _new(kind, subject, words, given)
            tell_open(alert)
            return alert
    except IntegrityError:  # another process was faster
        return _again(kind, subject, data, given) or fire(code, subject, data, severity=severity)


def _subject(subject: str) -> str:
    """As it is stored: it names the alarm, so the same text always makes the same name."""
    return scrub(subject)[:MAX_SUBJECT]


def _again(kind: AlertType, subject: str, data: Mapping[str, Any] | None, severity: Severity) -> Alert | None:
    """The alarm that is there already, with one more sign of it."""
    same = Alert.objects.filter(code=kind.code, subject=subject).order_by("-pk")
    if kind.resolves:
        alert = same.filter(resolved_at__isnull=True).first()
    else:
        alert = same.filter(began_at__gt=now() - FLAPPING).first()
    if alert is None:
        return None
    if RANKS[severity] > RANKS[alert.severity]:
        worse = _worsen(alert.pk, words_of(kind, subject, data), severity)
        return worse or (None if kind.resolves else alert)
    seen = Alert.objects.filter(pk=alert.pk)
    if kind.resolves:
        seen = seen.filter(resolved_at__isnull=True)
    return alert if seen.update(times=F("times") + 1, last_at=now()) else None  # it ended meanwhile: begin anew


def _worsen(key: Any, words: Words, severity: Severity) -> Alert | None:
    with transaction.atomic():
        alert = Alert.objects.select_for_update(no_key=True).get(pk=key)
        if RANKS[severity] <= RANKS[alert.severity]:
            return alert
        if not alert.is_open and registry(AlertType).get(alert.code).resolves:
            return None
        alert.severity, alert.title, alert.detail, alert.data = severity, words.title, words.detail, words.data
        alert.times, alert.last_at = alert.times + 1, now()
        alert.acknowledged_at = alert.acknowledged_by = None  # of the milder one
        alert.save()
        tell_worse(alert)
    return alert


def _back(kind: AlertType, subject: str, words: Words, severity: Severity) -> Alert | None:
    """The alarm that was over a moment ago, or whose end is not told everywhere yet, open again. None: it is new."""
    if not kind.resolves:
        return None
    on_its_way = AlertDelivery.objects.filter(alert=OuterRef("pk"), state=AlertDelivery.State.PENDING)
    lately = Q(resolved_at__gt=now() - FLAPPING) | Q(Exists(on_its_way))
    alert = (
        Alert.objects.filter(lately, code=kind.code, subject=subject, resolved_at__isnull=False)
        .select_for_update(no_key=True, of=("self",))
        .order_by("-pk")
        .first()
    )
    if alert is None:
        return None
    alert.resolved_at, alert.episode, alert.times = None, alert.episode + 1, alert.times + 1
    alert.returned_at = alert.last_at = now()
    alert.acknowledged_at = alert.acknowledged_by = None  # of the episode that is over
    alert.severity, alert.title, alert.detail, alert.data = severity, words.title, words.detail, words.data
    alert.save()
    return alert


def _new(kind: AlertType, subject: str, words: Words, severity: Severity) -> Alert:
    moment = now()
    return Alert.objects.create(
        code=kind.code,
        subject=subject,
        severity=severity,
        title=words.title,
        detail=words.detail,
        data=words.data,
        began_at=moment,
        last_at=moment,
        resolved_at=None if kind.resolves else moment,
    )


def resolve(code: str, subject: str = "") -> bool:
    """Say that an alarm is over; True when it was open. The channels that were told of it are told so once."""
    return end(Q(code=code, subject=_subject(subject)), now())


def end(which: Q, moment: datetime, knowing: Collection[str] = ()) -> bool:
    """Say that the open alarm of `which` ended at a moment; False without one. Channels in `knowing` know it."""
    if not Alert.objects.filter(which, resolved_at__isnull=True).exists():
        return False  # what is asked at every look takes no lock
    with transaction.atomic():
        alert = Alert.objects.select_for_update(no_key=True).filter(which, resolved_at__isnull=True).first()
        if alert is None:
            return False
        alert.resolved_at = moment
        alert.save(update_fields=("resolved_at",))
        tell_over(alert, knowing)
    return True


def end_of_gone(code: str, there: Iterable[str]) -> None:
    """End the alarms about what is not among the subjects `there`: nobody would ever see it well again.

    They are looked through only where one is open, and after it: what has begun meanwhile stays.
    """
    opened = list(open_alerts().filter(code=code).values_list("subject", flat=True))
    left = {_subject(subject) for subject in there} if opened else set()
    for subject in opened:
        if subject not in left:
            resolve(code, subject)


def resolve_by_hand(alert: Alert) -> None:
    """Staff say that it is over. What still sees it will raise it again. Raises `ConflictError`."""
    if not end(Q(pk=alert.pk), now()):
        raise ConflictError(_("This alarm is over already."))


def acknowledge(alert: Alert, user: User) -> None:
    """Somebody looks after it: it is not escalated and not said again. Raises `ConflictError`."""
    taken = Alert.objects.filter(pk=alert.pk, resolved_at__isnull=True, acknowledged_at__isnull=True).update(
        acknowledged_at=now(), acknowledged_by=user
    )
    if not taken:
        raise ConflictError(_("This alarm is over, or somebody looks after it already."))
