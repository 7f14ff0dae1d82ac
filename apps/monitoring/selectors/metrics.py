"""Asking metrics: what breaks in one is logged and told, and hides no other."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import structlog
from django.db import transaction

from apps.core.kinds import PulseMetric
from apps.core.scrubbing import scrub
from apps.monitoring.intervals import Span

log = structlog.get_logger(__name__)


class Computed(NamedTuple):
    """What a metric said of a time. None without `failed`: there is nothing to count. `failed` is why it broke."""

    metric: PulseMetric
    value: int | Decimal | None
    failed: str = ""


def computed(metric: PulseMetric, span: Span) -> Computed:
    """Count it, whatever its room does."""
    try:
        with transaction.atomic():  # what breaks in the database breaks nothing after it
            return Computed(metric, metric.compute(span.start, span.end))
    except Exception as error:
        log.warning("pulse_metric_failed", metric=metric.name, exc_info=True)
        return Computed(metric, None, scrub(f"{metric.name}: {type(error).__name__}: {error}")[:300])


def labels_of(failed: Iterable[Computed]) -> str:
    """What could not be counted, for people."""
    return ", ".join(str(one.metric.label) for one in failed)
