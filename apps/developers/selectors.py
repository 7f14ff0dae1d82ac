"""Reads of the developers app."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import ApiKey, Organization, User
from apps.core.errors import InvalidInputError
from apps.core.pagination import Page
from apps.usage.models import NOBODY, ApiRequest

SAME_REQUEST_ID = 200


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


def find_sandbox(organization: Organization) -> Organization | None:
    """The sandbox of an organization; none before its first use."""
    return Organization.objects.filter(twin_of=organization).first()


def requests_of(organization: Organization, *, in_sandbox: bool = False) -> QuerySet[ApiRequest]:
    """The logged calls of an organization, or of its sandbox, without what was sent."""
    place = find_sandbox(organization) if in_sandbox else organization
    rows = ApiRequest.objects.for_organization(place) if place is not None else ApiRequest.objects.unscoped().none()
    return rows.defer("body")


def narrowed(
    rows: QuerySet[ApiRequest], *, key: UUID | None = None, outcome: str = "", request_id: str = ""
) -> QuerySet[ApiRequest]:
    """Those of a key (`NOBODY` for none), with an outcome, with a request id: each along an index of its own.

    Callers may give all their calls the same request id: the newest of them are looked through.
    """
    if request_id:
        same = rows.filter(request_id=request_id).order_by("-at")
        rows = rows.filter(pk__in=list(same.values_list("pk", flat=True)[:SAME_REQUEST_ID]))
    if key is not None:
        rows = rows.filter(key_id=key)
    return rows.filter(outcome=outcome) if outcome else rows


def page_of_requests(rows: QuerySet[ApiRequest], cursor: str | None, size: int) -> Page[ApiRequest]:
    """One page, newest first. Raises `InvalidInputError` for a cursor that is none."""
    if cursor:
        at, last = _read_cursor(cursor)
        rows = rows.filter(Q(at__lt=at) | Q(pk__lt=last), at__lte=at)
    found = list(rows.order_by("-at", "-pk")[: size + 1])
    shown = found[:size]
    return Page(shown, _cursor(shown[-1]) if len(found) > size else None)


def _cursor(row: ApiRequest) -> str:
    """An opaque cursor after this row: `core.pagination` has those of rows that go by their id alone."""
    return base64.urlsafe_b64encode(f"{row.at.isoformat()}|{row.pk.hex}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _bar, last = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        return datetime.fromisoformat(at).astimezone(UTC), UUID(last)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            _("“cursor” is not a cursor that this list gave out."), code="invalid_cursor"
        ) from error


def get_request(organization: Organization, public_id: str) -> ApiRequest:
    """One logged call of an organization or of its sandbox. Raises `NotFoundError`."""
    own = Q(organization=organization) | Q(organization__twin_of=organization)
    row = ApiRequest.objects.unscoped().filter(own, pk=ApiRequest.parse_public_id(public_id)).first()
    if row is None:
        raise ApiRequest.missing(public_id)
    return row


def key_names(organization: Organization, keys: Iterable[UUID]) -> dict[UUID, str]:
    """What these keys of the organization are called; calls without a key are people's own."""
    found = ApiKey.objects.for_organization(organization).filter(pk__in=[key for key in keys if key != NOBODY])
    names = {key.pk: _("%(name)s (%(end)s)") % {"name": key.name, "end": key.last_four} for key in found}
    return {NOBODY: _("Without a key"), **names}


def person_names(people: Iterable[UUID]) -> dict[UUID, str]:
    """The names of people who called for the organization that asks; who was deleted is missing."""
    found = User.objects.filter(pk__in=[person for person in people if person != NOBODY])
    return {user.pk: user.get_full_name() or user.email for user in found}
