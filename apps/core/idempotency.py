"""`Idempotency-Key`: a POST that is sent twice happens once, and the second answer is the first one.

What is done and its answer are committed together, so this is for requests that do nothing but write rows (and ring on
commit): after a `kill -9` there is either the first answer, or nothing was done.

The same key with another body: 422. The first still under way: 409. A day later the key is forgotten: it stands for a
new request, with the same body or another.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError
from apps.core.models import IdempotentRequest

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=60)

Perform = Callable[[], Response]
"""Does what was asked, in the database alone."""


class InUseError(ConflictError):
    """The first request with this key is still under way."""

    code = "idempotency_key_in_use"


class ReusedError(InvalidInputError):
    """The key came with another request before."""

    code = "idempotency_key_reused"


def once(request: Request, owner: str, perform: Perform) -> Response:
    """Answer `perform` at most once per (owner, key); without a key just perform.

    Successes are kept for a day. Whatever `perform` raises frees the key, since nothing was done. Raises `InUseError`,
    `ReusedError`, `InvalidInputError` for a bad key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return perform()
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise InvalidInputError(
            _("“Idempotency-Key” has 1 to 255 printable characters."), code="invalid_idempotency_key"
        )
    fingerprint = _fingerprint(request)
    row, mine = _claim(owner, key, fingerprint)
    if not mine:
        response = Response(row.body, status=row.status)
        response["Idempotent-Replayed"] = "true"
        return response
    try:
        with transaction.atomic():
            response = perform()
            if not _held(row).update(status=response.status_code, body=response.data):
                raise _in_use()  # it took longer than its lease, and a repetition took over: that one's answer counts
    except BaseException:
        _held(row).delete()
        raise
    return response


def _in_use() -> InUseError:
    return InUseError(_("The first request with this Idempotency-Key is still under way."), retry_after=1)


def _held(row: IdempotentRequest) -> QuerySet[IdempotentRequest]:
    """The row while it is still this caller's to answer."""
    return IdempotentRequest.objects.filter(pk=row.pk, lease_until=row.lease_until, status=None)


def _fingerprint(request: Request) -> str:
    parts = (request.method or "", request.get_full_path(), request._request.body.decode("utf-8", "replace"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _claim(owner: str, key: str, fingerprint: str) -> tuple[IdempotentRequest, bool]:
    """The row of this key and whether the caller is the one to perform."""
    moment = now()
    with transaction.atomic():
        IdempotentRequest.objects.filter(owner=owner, key=key, created_at__lt=moment - KEEP).delete()
        try:
            with transaction.atomic():
                fresh = IdempotentRequest.objects.create(
                    owner=owner, key=key, fingerprint=fingerprint, lease_until=moment + LEASE, created_at=moment
                )
                return fresh, True
        except IntegrityError:
            row = IdempotentRequest.objects.select_for_update(no_key=True).filter(owner=owner, key=key).first()
            if row is None:
                raise _in_use() from None  # it was refused in this moment: the key is free now
        if row.fingerprint != fingerprint:
            raise ReusedError(_("This Idempotency-Key was used for another request."))
        if row.status is not None:
            return row, False
        if row.lease_until > moment:
            raise _in_use()
        row.lease_until = moment + LEASE  # its process died, or is fenced by this
        row.save(update_fields=["lease_until"])
        return row, True


def purge(before: Any) -> int:
    """Delete answers older than a day. Returns how many."""
    return IdempotentRequest.objects.filter(created_at__lt=before - KEEP).delete()[0]
