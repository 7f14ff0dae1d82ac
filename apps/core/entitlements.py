"""What an organization may use by what it pays for: one question for all floors, whoever sells."""

import uuid

from django.urls import reverse

from apps.core.kinds import EntitlementProvider, Feature, Value
from apps.core.registry import registry


def entitlement(organization_id: uuid.UUID, code: str) -> Value:
    """The value of a feature for an organization: what it pays for, else the feature's default.

    Raises `RegistryError` for a feature that no app registered.
    """
    feature = registry(Feature).get(code)
    for provider in registry(EntitlementProvider).all():
        found = provider.find(organization_id)
        if code in found:
            return _at_least(feature, found[code])
    return feature.default


def _at_least(feature: Feature, value: Value) -> Value:
    """Who pays has no less than who does not: three seats are no fewer than those that are free."""
    if feature.kind == "static" and isinstance(value, int) and isinstance(feature.default, int):
        return max(value, feature.default)
    return value


def most(organization_id: uuid.UUID, code: str) -> int:
    """A feature that is a number: so many seats, workflows, calls."""
    value = entitlement(organization_id, code)
    if not isinstance(value, int):
        raise TypeError(f"{code} is no number")
    return int(value)


def combined(feature: Feature, values: list[Value]) -> Value:
    """One value of what several sources give."""
    if feature.combine is not None:
        return feature.combine(values)
    numbers = [int(value) for value in values]
    if feature.kind == "boolean":
        return any(values)
    return sum(numbers) if feature.kind == "metered" else max(numbers)


def upgrade_url() -> str:
    """Where more can be had; empty where nothing is sold."""
    return next((reverse(provider.upgrade_url_name) for provider in registry(EntitlementProvider).all()), "")
