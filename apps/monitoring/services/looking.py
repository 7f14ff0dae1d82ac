"""What checks saw: kept as rows for a while, with what changed since the look before, and told as alarms."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.clock import now
from apps.core.scrubbing import scrub
from apps.monitoring.models import HealthResult, HealthRun
from apps.notifications.services import alerts

State = HealthResult.State
NAMED = 3  # of what failed, warned, was skipped or changed, in a summary
KEPT, KEPT_NIGHTS = timedelta(days=90), timedelta(days=1100)
BATCH = 500


class Seen(NamedTuple):
    """One thing that was looked at."""

    name: str
    label: str
    state: str
    detail: str


@transaction.atomic
def keep(kind: str, slot: datetime, seen: Sequence[Seen], figures: dict[str, Any] | None = None) -> HealthRun:
    """Store a look, in place of an earlier one of the same slot. What was seen holds no secret then."""
    before = dict(
        HealthResult.objects.filter(
            run__in=HealthRun.objects.filter(kind=kind, slot__lt=slot).order_by("-slot").values("pk")[:1]
        ).values_list("check_name", "state")
    )
    values = {
        "ok": not any(one.state == State.FAILED for one in seen),
        "summary": summary(seen)[:300],
        "figures": figures or {},
        "made_at": now(),
    }
    run, _created = HealthRun.objects.update_or_create(kind=kind, slot=slot, defaults=values)
    run.results.all().delete()
    HealthResult.objects.bulk_create(
        HealthResult(
            run=run,
            check_name=one.name[:80],
            label=one.label[:120],
            state=one.state,
            before=before.get(one.name[:80], ""),
            detail=scrub(one.detail)[:500],
        )
        for one in seen
    )
    return run


def summary(seen: Sequence[Seen]) -> str:
    """A line: how many, and by name what failed, warned or was skipped."""
    failed = [one for one in seen if one.state == State.FAILED]
    if not failed:
        fine = sum(one.state == State.OK for one in seen)
        parts = [ngettext("%(count)d check fine", "%(count)d checks fine", fine) % {"count": fine}]
        for state, words in ((State.WARNING, _("%(count)d with a warning")), (State.OFF, _("%(count)d skipped"))):
            if labels := [one.label for one in seen if one.state == state]:
                parts.append(named(words % {"count": len(labels)}, labels))
        return ", ".join(parts)
    names = "; ".join(_cut(f"{one.label}: {scrub(one.detail)}") for one in failed[:NAMED])
    return _("%(failed)d of %(count)d checks failed: %(names)s") % {
        "failed": len(failed),
        "count": len(seen),
        "names": names,
    }


def _cut(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def named(words: str, labels: Sequence[str]) -> str:
    """Words with what they are about; of many only the first."""
    left = len(labels) - NAMED
    more = _(" and %(count)d more") % {"count": left} if left > 0 else ""
    return f"{words} ({', '.join(labels[:NAMED])}{more})"


def forget(kind: str) -> int:
    """Delete the oldest looks, some at a time. Returns how many."""
    until = now() - (KEPT if kind == HealthRun.Kind.MONITOR else KEPT_NIGHTS)
    old = HealthRun.objects.filter(kind=kind, slot__lt=until).order_by("slot").values_list("pk", flat=True)[:BATCH]
    return HealthRun.objects.filter(pk__in=list(old)).delete()[1].get(HealthRun._meta.label, 0)


def alarm(code: str, seen: Sequence[Seen]) -> None:
    """An alarm for each that fails, until it does not any more. `seen` is all there is: what is gone fails no more."""
    for one in seen:
        if one.state == State.FAILED:
            alerts.fire(code, one.name, {"label": one.label, "detail": scrub(one.detail)})
        else:
            alerts.resolve(code, one.name)
    alerts.end_of_gone(code, (one.name for one in seen))
