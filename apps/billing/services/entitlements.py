"""What organizations have by what they pay: given, taken away, and asked for."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from apps.accounts.models import Organization
from apps.billing.models import Entitlement
from apps.billing.services.allowances import push, push_plan
from apps.billing.services.turns import alone, take_turn
from apps.core import versions
from apps.core.clock import now
from apps.core.entitlements import combined
from apps.core.events import emit
from apps.core.kinds import Feature, Value
from apps.core.registry import registry
from apps.core.remembering import Remembered

CHANGED = "entitlements_changed"
Row = tuple[str, Value, datetime | None]


def give(
    organization: Organization, source: str, values: Mapping[str, Value], *, ends_at: datetime | None = None
) -> None:
    """A source gives exactly these features. Nothing is left of what it gave before; said again nothing changes."""
    with transaction.atomic():
        take_turn(organization.pk)
        rows = Entitlement.objects.for_organization(organization).filter(source=source)
        there = {row.feature: row for row in rows}
        if {code: (row.value, row.ends_at) for code, row in there.items()} == {
            code: (value, ends_at) for code, value in values.items()
        }:
            return
        before = _combined(_rows(organization.pk), with_ended=True)
        versions.changed(version_name(organization.pk))
        rows.exclude(feature__in=values).delete()
        for code, value in values.items():
            Entitlement.objects.unscoped().update_or_create(
                organization=organization, feature=code, source=source, defaults={"value": value, "ends_at": ends_at}
            )
        _tell(organization, before)


def take_away(organization: Organization, source: str) -> None:
    """A source gives nothing any more."""
    give(organization, source, {})


def entitlements_of(organization_id: uuid.UUID) -> dict[str, Value]:
    """What an organization has beyond the defaults: one look at Redis and no SQL where it was asked before."""
    return _combined(_remembered.get(organization_id))


def end_due() -> int:
    """Take away what ended: whoever goes by it (the gate) is told. Returns how many sources that were."""
    over = Entitlement.objects.unscoped().filter(ends_at__lte=now())
    sources = over.values_list("organization_id", "source").distinct()[:1_000]
    return sum(alone(_end, organization_id, source) for organization_id, source in sources)


def _end(organization_id: uuid.UUID, source: str) -> bool:
    take_away(Organization.objects.get(pk=organization_id), source)
    return True


def version_name(organization_id: uuid.UUID) -> str:
    """The version of an organization's entitlements."""
    return f"entitlements:{organization_id.hex}"


def _rows(organization_id: uuid.UUID) -> list[Row]:
    rows = Entitlement.objects.for_organization(organization_id).order_by("pk")
    return list(rows.values_list("feature", "value", "ends_at"))


def _combined(rows: list[Row], *, with_ended: bool = False) -> dict[str, Value]:
    """One value of each feature, of the sources that give it now; with those whose end nobody was told of yet."""
    moment = now()
    found: dict[str, list[Value]] = {}
    for code, value, until in rows:
        if with_ended or until is None or until > moment:
            found.setdefault(code, []).append(value)
    features = registry(Feature)
    return {code: combined(features.get(code), values) for code, values in found.items() if code in features}


_remembered = Remembered(version_name, _rows)


def _read(organization_id: uuid.UUID) -> dict[str, Value]:
    return _combined(_rows(organization_id))


def _tell(organization: Organization, before: dict[str, Value]) -> None:
    after = _read(organization.pk)
    if after == before:
        return
    changed = sorted(code for code in before.keys() | after.keys() if before.get(code) != after.get(code))
    emit(
        CHANGED,
        {"features": {code: after.get(code) for code in changed}},
        organization_id=organization.pk,
        realm_id=organization.realm_id,
    )
    push_plan(organization, before, after)
    push(organization)
