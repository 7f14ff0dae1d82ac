"""Reads of the developers app."""

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import ApiKey, Organization


def keys_of(organization: Organization) -> QuerySet[ApiKey]:
    """The organization's keys with who made them, ready for a list; `has_successor` says that one was replaced."""
    successor = ApiKey.objects.unscoped().filter(replaces=OuterRef("pk"))
    return (
        ApiKey.objects.for_organization(organization)
        .select_related("created_by")
        .annotate(has_successor=Exists(successor))
    )


def get_key(organization: Organization, public_id: str) -> ApiKey:
    """The organization's key with this id. Raises `NotFoundError`."""
    key = (
        ApiKey.objects.for_organization(organization)
        .select_related("organization", "created_by")
        .filter(pk=ApiKey.parse_public_id(public_id))
        .first()
    )
    if key is None:
        raise ApiKey.missing(public_id)
    return key
