"""What staff should look at now, by the state of things."""

from dataclasses import dataclass

from apps.core.kinds import Concern
from apps.core.registry import registry


@dataclass(frozen=True)
class Open:
    """A concern and how much of it there is."""

    label: str
    count: int
    url: str


def concerns() -> list[Open]:
    """All of them, also those of which there is none, in their order."""
    return [
        Open(str(one.label), one.count(), one.url())
        for one in sorted(registry(Concern).all(), key=lambda one: (one.order, one.name))
    ]
