"""What monitoring itself tells Prometheus: how components and objectives stand."""

from collections.abc import Mapping

from apps.monitoring.models import Objective, SloSample
from apps.monitoring.observing.burn import RULES
from apps.monitoring.selectors.uptime import components, last_minutes

Values = Mapping[tuple[str, ...], float]


def components_up() -> Values:
    """Whether the last probe of each found it up."""
    seen = last_minutes([one.name for one in components()], 1)
    return {(name,): float(minutes[0]) for name, minutes in seen.items() if minutes[0] is not None}


def burn_rates() -> Values:
    """How fast each objective burns, by its long windows."""
    found: dict[tuple[str, ...], float] = {}
    for objective in Objective.objects.filter(enabled=True):
        latest = SloSample.objects.filter(objective=objective).order_by("-at").first()
        for rule in RULES:
            rate = getattr(latest, f"burn_{rule.name}", None)
            if rate is not None:
                found[objective.code, rule.name] = rate
    return found
