"""Two-factor secrets: allauth keeps them, encrypted by our adapter, inside a JSON column."""

from collections.abc import Callable, Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

BATCH = 200


def rotate(renewed: Callable[[str], str]) -> int:
    """Pass every secret through `renewed` and store what differs, a batch a transaction. Returns how many differed."""
    changed, last = 0, 0
    while True:
        with transaction.atomic():
            rows = Authenticator.objects.select_for_update(no_key=True).filter(pk__gt=last).order_by("pk")[:BATCH]
            batch = list(rows)
            for authenticator in batch:
                fresh = _renewed_data(authenticator.data, renewed)
                if fresh != authenticator.data:
                    authenticator.data = fresh
                    authenticator.save(update_fields=["data"])
                    changed += 1
        if not batch:
            return changed
        last = batch[-1].pk


def _renewed_data(data: Mapping[str, Any], renewed: Callable[[str], str]) -> dict[str, Any]:
    """TOTP keeps `secret`; recovery codes keep `seed`, or the list `migrated_codes`."""
    fresh = dict(data)
    for name in ("secret", "seed"):
        if fresh.get(name):
            fresh[name] = renewed(fresh[name])
    if fresh.get("migrated_codes"):
        fresh["migrated_codes"] = [renewed(code) for code in fresh["migrated_codes"]]
    return fresh
