"""From rows to what the status page, its feed and its JSON show: plain values, nothing internal."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import StatusComponent
from apps.monitoring.models import Incident, IncidentComponent, IncidentUpdate
from apps.monitoring.selectors import uptime as uptimes_of

DAYS_SHOWN = 90
RECENT_DAYS = 14
STATE_MINUTES = 3
MOST_INCIDENTS, MOST_UPDATES = 50, 50

Effect, State = IncidentComponent.Effect, Incident.State
SEVERITY = (Effect.OPERATIONAL, Effect.MAINTENANCE, Effect.DEGRADED, Effect.PARTIAL, Effect.MAJOR)
INDICATOR = {
    Effect.OPERATIONAL: "none",
    Effect.MAINTENANCE: "maintenance",
    Effect.DEGRADED: "minor",
    Effect.PARTIAL: "major",
    Effect.MAJOR: "critical",
}
UNKNOWN = "unknown"


def compose() -> dict[str, Any]:
    """Everything, in some twenty queries whatever there is."""
    moment = now()
    listed = uptimes_of.components()
    names = [one.name for one in listed]
    shown = _incidents(Q(over_at=None) | Q(began_at__gt=moment - timedelta(days=RECENT_DAYS + 1)))
    open_ones = [one for one in shown if not one.is_over]
    # Whoever reckons with maintenance looks for it where it was announced: cancelled, it stays there until its time.
    called_off = [one for one in shown if one.state == State.CANCELLED and one.began_at > moment]
    planned = [one for one in shown if one.is_maintenance and (not one.is_over or one in called_off)]
    states = _states(names, open_ones, moment)
    weeks = [uptimes_of.uptimes(names, moment - timedelta(days=days), moment) for days in (7, 30, DAYS_SHOWN)]
    bars = _bars(names, moment)
    components = [
        {
            "id": one.name,
            "name": str(one.label),
            "description": str(one.description),
            "status": states[one.name],
            "uptime": {
                f"{days}_days": _share(week[one.name]) for days, week in zip((7, 30, DAYS_SHOWN), weeks, strict=True)
            },
            "days": bars[one.name],
        }
        for one in listed
    ]
    indicator, description = overall(list(states.values()))
    return {
        **_times(names, moment),
        "indicator": indicator,
        "description": description,
        "components": components,
        "incidents": [as_json(one, listed) for one in open_ones if not one.is_maintenance],
        "maintenances": [as_json(one, listed) for one in reversed(planned)],
        "recent": [as_json(one, listed) for one in shown if one.is_over and one not in called_off],
    }


def _times(names: list[str], moment: datetime) -> dict[str, Any]:
    """When somebody looked last, since when somebody looks, and when this was made: no news while nobody looks."""
    looked = uptimes_of.last_look()
    first = min(uptimes_of.first_minutes(names).values(), default=None)
    return {
        "updated_at": _iso(looked or moment),
        "measured_at": _iso(looked),
        "measured_since": first.astimezone(UTC).date().isoformat() if first else None,
        "made_at": _iso(moment),
    }


def unknown() -> dict[str, Any]:
    """What is shown where nothing was ever composed and nothing can be."""
    return {
        "updated_at": _iso(now()),
        "indicator": UNKNOWN,
        "description": _("The state is not known"),
        "components": [],
        "incidents": [],
        "maintenances": [],
        "recent": [],
    }


def overall(states: list[str]) -> tuple[str, str]:
    """The page's one word, and what it means: by the worst component, and by how many are that bad."""
    known = [state for state in states if state != UNKNOWN]
    if not known:
        return UNKNOWN, _("Nothing was measured yet")
    worst = max(known, key=lambda state: SEVERITY.index(Effect(state)))
    if worst == Effect.MAJOR and len([state for state in known if state == Effect.MAJOR]) * 2 < len(known):
        return "major", _("Some systems are down")
    words = {
        Effect.OPERATIONAL: _("All systems operational"),
        Effect.MAINTENANCE: _("Maintenance in progress"),
        Effect.DEGRADED: _("Some systems are slow or unreliable"),
        Effect.PARTIAL: _("Some systems work only in part"),
        Effect.MAJOR: _("Most systems are down"),
    }
    return INDICATOR[Effect(worst)], words[Effect(worst)]


def _states(names: list[str], open_ones: list[Incident], moment: datetime) -> dict[str, str]:
    """What staff say of a component goes before what the probes say."""
    told: dict[str, str] = {}
    for incident in open_ones:
        if incident.is_maintenance and not _runs(incident, moment):
            continue
        if incident.automatic:
            continue  # what the probes say now is newer
        for row in incident.components.all():
            before = told.get(row.component, Effect.OPERATIONAL)
            told[row.component] = max(before, row.effect, key=lambda state: SEVERITY.index(Effect(state)))
    seen = uptimes_of.judged_minutes(names, STATE_MINUTES)
    return {name: told.get(name) or _measured(seen[name]) for name in names}


def _runs(incident: Incident, moment: datetime) -> bool:
    assert incident.starts_at is not None  # noqa: S101 - a constraint says so
    assert incident.ends_at is not None  # noqa: S101 - a constraint says so
    return incident.state == Incident.State.IN_PROGRESS or incident.starts_at <= moment < incident.ends_at


def _measured(minutes: list[bool | None]) -> str:
    """By the last minutes: one bad one is a hiccup, and told only while it is the latest."""
    known = [up for up in minutes if up is not None]
    if not known:
        return UNKNOWN
    bad = known.count(False)
    if bad == len(known) and bad >= STATE_MINUTES:
        return Effect.MAJOR
    if bad >= 2:
        return Effect.PARTIAL
    return Effect.DEGRADED if known[0] is False else Effect.OPERATIONAL


def _bars(names: list[str], moment: datetime) -> dict[str, list[dict[str, Any]]]:
    today = moment.astimezone(UTC).date()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    found = uptimes_of.days(names, first, today)
    return {
        name: [
            _bar(first + timedelta(days=number), found[name].get(first + timedelta(days=number)))
            for number in range(DAYS_SHOWN)
        ]
        for name in names
    }


def _bar(day: date, counted: uptimes_of.Uptime | None) -> dict[str, Any]:
    if counted is None:
        return {"date": day.isoformat(), "uptime": None, "down": 0, "unmeasured": 0, "maintenance": 0}
    return {
        "date": day.isoformat(),
        "uptime": _share(counted),
        "down": counted.expected - counted.up,
        "unmeasured": counted.unmeasured,
        "maintenance": counted.maintenance,
    }


def _share(counted: uptimes_of.Uptime) -> float | None:
    """In per cent, cut to two places: 99.996 is not told as 100."""
    if not counted.expected:
        return None
    return counted.up * 10_000 // counted.expected / 100


def _incidents(wanted: Q) -> list[Incident]:
    rows = Incident.objects.filter(wanted).order_by("-began_at")
    return list(rows.prefetch_related("components", Prefetch("updates", _updates()))[:MOST_INCIDENTS])


def _updates() -> Any:
    return IncidentUpdate.objects.order_by("-told_at", "-pk")


def month(first: date, after: date) -> list[Incident]:
    """The incidents and maintenance that began in a month, the newest first."""
    begin, end = (datetime(day.year, day.month, 1, tzinfo=UTC) for day in (first, after))
    rows = Incident.objects.filter(began_at__gte=begin, began_at__lt=end).order_by("-began_at")
    return list(rows.prefetch_related("components", Prefetch("updates", _updates()))[:200])


def as_json(incident: Incident, listed: Iterable[StatusComponent] | None = None) -> dict[str, Any]:
    """One incident as programs and templates read it."""
    known = {one.name: one for one in (listed if listed is not None else uptimes_of.components())}
    updates = list(incident.updates.all())[:MOST_UPDATES]
    return {
        "id": incident.public_id,
        "kind": incident.kind,
        "name": incident.title,
        "status": incident.state,
        "impact": incident.impact,
        "started_at": _iso(incident.began_at),
        "created_at": _iso(incident.created_at),
        "updated_at": _iso(updates[0].told_at if updates else incident.created_at),
        "resolved_at": _iso(incident.over_at),
        "scheduled_for": _iso(incident.starts_at),
        "scheduled_until": _iso(incident.ends_at),
        "components": [
            {"id": row.component, "name": str(known[row.component].label), "status": row.effect}
            for row in incident.components.all()
            if row.component in known
        ],
        "incident_updates": [
            {
                "id": row.public_id,
                "status": row.state,
                "body": row.words.replace("\r\n", "\n"),
                "created_at": _iso(row.told_at),
            }
            for row in updates
        ],
    }


def by_day(incidents: list[dict[str, Any]], today: date, since: date | None = None) -> list[dict[str, Any]]:
    """The last days with what began on each (its times as times); days without anything too, but none before `since`:
    that nothing happened, nobody knows of a day on which nobody looked."""
    found: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for incident in incidents:
        found[incident["started_at"].date()].append(incident)
    every = [today - timedelta(days=number) for number in range(RECENT_DAYS)]
    known = [day for day in every if day in found or day == today or (since is not None and day >= since)]
    return [{"day": day, "incidents": found.get(day, [])} for day in known]


def _iso(moment: datetime | None) -> Any:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment is not None else None
