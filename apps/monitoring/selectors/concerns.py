"""What staff should look at now, by the state of things."""

from dataclasses import dataclass

import structlog
from django.db import transaction

from apps.core.kinds import Concern
from apps.core.registry import registry

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Open:
    """A concern and how much of it there is; None where that could not be counted."""

    label: str
    count: int | None
    url: str


def concerns() -> list[Open]:
    """All of them, also those of which there is none, in their order."""
    return [_open(one) for one in sorted(registry(Concern).all(), key=lambda one: (one.order, one.name))]


def _open(concern: Concern) -> Open:
    """One that breaks hides no other, and is something to look at itself."""
    try:
        with transaction.atomic():  # what breaks in the database breaks nothing after it
            return Open(str(concern.label), concern.count(), concern.url())
    except Exception:
        log.warning("concern_failed", concern=concern.name, exc_info=True)
        return Open(str(concern.label), None, "")
