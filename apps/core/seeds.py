"""Demo data: contributed by each app, loaded in order, remembered."""

from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import ForbiddenError
from apps.core.kinds import Seed
from apps.core.models import LoadedSeed
from apps.core.registry import registry
from apps.core.scope import unscoped


def load(*, again: bool = True) -> Iterator[tuple[str, str]]:
    """Load demo data in order, each seed in its own transaction, and yield (name, what it did) as it goes.

    `again=False` leaves out seeds that were loaded before. Raises `ForbiddenError` unless this is a demo.
    """
    if not settings.DEMO:
        raise ForbiddenError(_("Demo data is only loaded where DEMO is true."))
    done = set() if again else set(LoadedSeed.objects.values_list("name", flat=True))
    for seed in _all():
        if seed.name in done:
            continue
        with transaction.atomic(), unscoped():
            outcome = seed.load()
            LoadedSeed.objects.update_or_create(name=seed.name, defaults={"outcome": outcome, "loaded_at": now()})
        yield seed.name, outcome


def is_first(name: str) -> bool:
    """Whether nobody asked this by this name before: what an installation begins with is made once, demo or not, and
    what somebody deleted since does not come back."""
    return LoadedSeed.objects.get_or_create(name=name, defaults={"loaded_at": now()})[1]


def _all() -> list[Seed]:
    return sorted(registry(Seed).all(), key=lambda seed: (seed.order, seed.name))


def outcomes() -> list[str]:
    """What the loaded seeds said, in the order of their loading: among it the demo logins."""
    return [text for text in LoadedSeed.objects.order_by("loaded_at").values_list("outcome", flat=True) if text]
