"""What follows from the probes: an alarm to staff after two bad minutes, an incident on the page after five.

Whoever watches a page at night is not always awake: the incident is opened by itself, in plain words, and closed once
all is well for five minutes. As soon as staff have written to it, it is theirs.
"""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core.errors import ConflictError
from apps.monitoring.models import Incident, IncidentComponent
from apps.monitoring.selectors.uptime import components, judged_minutes, under_maintenance
from apps.monitoring.services.incidents import Effect, State, open_incident, post_update
from apps.notifications.services import alerts

COMPONENT_DOWN = "component_down"
BAD_MINUTES_TO_ALARM, BAD_MINUTES_TO_TELL, GOOD_MINUTES_TO_END = 2, 5, 5
LOOK_BACK = max(BAD_MINUTES_TO_TELL, GOOD_MINUTES_TO_END)


def watch_components() -> None:
    """Raise and end alarms and automatic incidents. Called after each minute's probes; twice changes nothing.

    What is maintained as announced wakes nobody; what is still down afterwards is given the same minutes as anything.
    """
    listed = components()
    seen = judged_minutes([one.name for one in listed], LOOK_BACK)
    labels = {one.name: str(one.label) for one in listed}
    maintained = under_maintenance()
    for name, minutes in seen.items():
        if minutes[:BAD_MINUTES_TO_ALARM] == [False] * BAD_MINUTES_TO_ALARM and name not in maintained:
            alerts.fire(COMPONENT_DOWN, name, {"label": labels[name]})
        elif minutes[:BAD_MINUTES_TO_ALARM] == [True] * BAD_MINUTES_TO_ALARM:
            alerts.resolve(COMPONENT_DOWN, name)
    alerts.end_of_gone(COMPONENT_DOWN, labels)
    down = [name for name, minutes in seen.items() if minutes[:BAD_MINUTES_TO_TELL] == [False] * BAD_MINUTES_TO_TELL]
    well = {name for name, minutes in seen.items() if minutes[:GOOD_MINUTES_TO_END] == [True] * GOOD_MINUTES_TO_END}
    _tell(down, well, labels)


def _tell(down: list[str], well: set[str], labels: dict[str, str]) -> None:
    told_of = set(
        IncidentComponent.objects.filter(incident__over_at=None)
        .exclude(incident__state=State.SCHEDULED)  # maintenance that is yet to come explains nothing
        .values_list("component", flat=True)
    )
    automatic = Incident.objects.filter(over_at=None, automatic=True).order_by("began_at").first()
    new = [name for name in down if name not in told_of]
    if new and automatic is None:
        _open(new, labels)
        return
    if automatic is None or automatic.updates.filter(by_staff=True).exists():
        return
    # What is gone from the platform gets well no more, and nothing can be told of it.
    effects = dict(automatic.components.filter(component__in=labels).values_list("component", "effect"))
    try:
        if new:
            post_update(
                automatic,
                automatic.state,
                _words(new, labels),
                effects={**effects, **dict.fromkeys(new, Effect.MAJOR)},
                by_staff=False,
            )
        elif set(effects) <= well:
            post_update(
                automatic,
                State.RESOLVED,
                _("All checks have passed for five minutes: the incident is over.")
                if effects
                else _("What it was about is not part of the platform any more: the incident is over."),
                by_staff=False,
            )
    except ConflictError:  # somebody of staff ended it just now
        return


def _open(names: list[str], labels: dict[str, str]) -> None:
    """Two workers may find the same at once: the second leaves it to the first, and looks again in a minute."""
    effects = dict.fromkeys(names, Effect.MAJOR)
    try:
        with transaction.atomic():
            open_incident(_title(names, labels), _words(names, labels), effects, automatic=True)
    except IntegrityError:
        return


def _title(names: list[str], labels: dict[str, str]) -> str:
    return _("%(components)s: not reachable") % {"components": _joined(names, labels)}


def _words(names: list[str], labels: dict[str, str]) -> str:
    words = _("Our automatic checks have failed for five minutes: %(components)s. We are looking into it.")
    return words % {"components": _joined(names, labels)}


def _joined(names: list[str], labels: dict[str, str]) -> str:
    return ", ".join(labels.get(name, name) for name in names)[:100]
