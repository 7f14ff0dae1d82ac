"""What usage forgets: the request log after two weeks, and buckets that are full again."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.core.ids import lowest_id
from apps.usage.models import ApiRequest, RateBucket

REQUESTS_KEPT = timedelta(days=14)
BUCKETS_KEPT = timedelta(hours=1)  # a full one says nothing
BATCH = 1_000


def forget(slot: datetime) -> str:
    """The nightly job, in batches."""
    old = ApiRequest.objects.unscoped().filter(pk__lt=lowest_id(slot - REQUESTS_KEPT)).order_by("pk")
    full = int((slot - BUCKETS_KEPT).timestamp() * 1_000_000)
    buckets = RateBucket.objects.filter(full_at__lt=full).order_by("full_at")
    return f"{_delete(old)} requests, {_delete(buckets)} rate buckets"


def _delete(rows: QuerySet[Any]) -> int:
    """Asked again for its condition, a row that is not old any more stays: a bucket that was used is not full."""
    total = 0
    while batch := list(rows.values_list("pk", flat=True)[:BATCH]):
        total += rows.filter(pk__in=batch).delete()[0]
    return total
