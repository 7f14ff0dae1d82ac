"""Telling people: incidents, maintenance, and each step of them. The page, the feeds and the mail follow."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError, InvalidInputError
from apps.core.kinds import StatusComponent
from apps.core.registry import registry
from apps.monitoring.models import Incident, IncidentComponent, IncidentUpdate
from apps.monitoring.status.summary import refresh

MAIL_TASK = "monitoring.mail_status"
Effect, Impact, State = IncidentComponent.Effect, Incident.Impact, Incident.State
Effects = Mapping[str, str]
_WORST = (Effect.OPERATIONAL, Effect.DEGRADED, Effect.PARTIAL, Effect.MAJOR)
_IMPACT = dict(zip(_WORST, (Impact.NONE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL), strict=True))


def open_incident(
    title: str,
    words: str,
    effects: Effects,
    *,
    state: str = State.INVESTIGATING,
    impact: str = "",
    automatic: bool = False,
    began_at: datetime | None = None,
) -> Incident:
    """Tell of an incident. `effects` says what it does to which components; the impact follows from the worst.

    Raises `InvalidInputError`.
    """
    if state not in Incident.OF_INCIDENTS:
        raise InvalidInputError(_("An incident can't be in this state."))
    _check(words, effects)
    moment = now()
    with transaction.atomic():
        incident = Incident.objects.create(
            kind=Incident.Kind.INCIDENT,
            title=title,
            state=state,
            impact=impact or impact_of(effects),
            automatic=automatic,
            began_at=began_at or moment,
            created_at=moment,
            over_at=moment if state in Incident.OVER else None,
        )
        _set_effects(incident, effects)
        _tell(incident, state, words, by_staff=not automatic)
    return incident


def announce_maintenance(
    title: str, words: str, components: list[str], *, starts_at: datetime, ends_at: datetime
) -> Incident:
    """Announce maintenance. It begins and ends by itself. Raises `InvalidInputError`."""
    _check(words, dict.fromkeys(components, Effect.MAINTENANCE))
    if not components:
        raise InvalidInputError(_("Say which components are maintained."))
    if starts_at >= ends_at or ends_at <= now():
        raise InvalidInputError(_("Maintenance ends after it starts, and in the future."))
    with transaction.atomic():
        incident = Incident.objects.create(
            kind=Incident.Kind.MAINTENANCE,
            title=title,
            state=State.SCHEDULED,
            impact=Impact.MAINTENANCE,
            began_at=starts_at,
            starts_at=starts_at,
            ends_at=ends_at,
            created_at=now(),
        )
        _set_effects(incident, dict.fromkeys(components, Effect.MAINTENANCE))
        _tell(incident, State.SCHEDULED, words, by_staff=True)
    return incident


def cancel_maintenance(incident: Incident, words: str) -> IncidentUpdate:
    """Say that announced maintenance will not take place. Once it has begun it ends as completed.

    Raises `ConflictError`, `InvalidInputError`.
    """
    _check(words, {})
    with transaction.atomic():
        locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
        if not locked.can_be_cancelled:
            raise ConflictError(_("Only maintenance that has not begun can be cancelled."))
        return _go_on(locked, State.CANCELLED, words, by_staff=True)


def post_update(
    incident: Incident, state: str, words: str, *, effects: Effects | None = None, by_staff: bool = True
) -> IncidentUpdate:
    """Tell how it goes on. Without `effects`, components stay as they are told.

    Raises `ConflictError` for one that is over, `InvalidInputError` for a state that it can't have.
    """
    with transaction.atomic():
        locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
        allowed = Incident.OF_MAINTENANCE if locked.is_maintenance else Incident.OF_INCIDENTS
        if state not in allowed:
            raise InvalidInputError(_("It can't be in this state."))
        if locked.is_over:
            raise ConflictError(_("It is over: open another one."))
        _check(words, effects or {})
        if effects is not None and not locked.is_maintenance:
            _set_effects(locked, effects)
            locked.impact = max((locked.impact, impact_of(effects)), key=list(Impact.values).index)
        return _go_on(locked, state, words, by_staff=by_staff)


def _go_on(locked: Incident, state: str, words: str, *, by_staff: bool) -> IncidentUpdate:
    locked.state = state
    locked.over_at = now() if state in Incident.OVER else None
    locked.save(update_fields=["state", "impact", "over_at"])
    return _tell(locked, state, words, by_staff=by_staff)


def impact_of(effects: Effects) -> str:
    """How bad it is, by the component that is worst off."""
    known = [effect for effect in _WORST if effect in effects.values()]
    return _IMPACT[known[-1]] if known else Impact.NONE


def advance_maintenance() -> int:
    """Begin and end what was announced, when its time has come. Returns how many changed."""
    moment, changed = now(), 0
    running = Incident.objects.filter(kind=Incident.Kind.MAINTENANCE, over_at=None)
    for incident in running.filter(ends_at__lte=moment):
        changed += _advance(incident, State.COMPLETED, _("The maintenance is completed."))
    for incident in running.filter(state=State.SCHEDULED, starts_at__lte=moment, ends_at__gt=moment):
        changed += _advance(incident, State.IN_PROGRESS, _("The maintenance is in progress."))
    return changed


def _advance(incident: Incident, state: str, words: str) -> int:
    try:
        with transaction.atomic():
            locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
            if locked.state == state:
                return 0
            post_update(locked, state, words, by_staff=False)
    except ConflictError:  # somebody of staff was faster
        return 0
    return 1


def _check(words: str, effects: Effects) -> None:
    if not words.strip() or len(words) > 4000:
        raise InvalidInputError(_("Say in up to 4,000 characters what is going on."))
    unknown = [name for name in effects if name not in registry(StatusComponent)]
    if unknown or not set(effects.values()) <= set(Effect.values):
        raise InvalidInputError(_("There is no such component or effect."))


def _set_effects(incident: Incident, effects: Effects) -> None:
    IncidentComponent.objects.filter(incident=incident).exclude(component__in=effects).delete()
    for component, effect in effects.items():
        IncidentComponent.objects.update_or_create(incident=incident, component=component, defaults={"effect": effect})


def _tell(incident: Incident, state: str, words: str, *, by_staff: bool) -> IncidentUpdate:
    update = IncidentUpdate.objects.create(
        incident=incident, state=state, words=plain(words), by_staff=by_staff, told_at=now()
    )
    ring(MAIL_TASK)
    transaction.on_commit(refresh, robust=True)
    return update


def plain(words: str) -> str:
    """With the ends of lines that programs expect: browsers send those of Windows."""
    return "\n".join(words.strip().splitlines())


def staff_data(incident: Incident) -> dict[str, Any]:
    """What the audit log keeps of a write."""
    return {"title": incident.title, "state": incident.state, "impact": incident.impact}
