"""What usage forgets: the request log after two weeks, and buckets that are full again."""

from datetime import datetime, timedelta

from apps.core.ids import lowest_id
from apps.core.rows import delete_in_batches
from apps.usage.models import ApiRequest, RateBucket

REQUESTS_KEPT = timedelta(days=14)
BUCKETS_KEPT = timedelta(hours=1)  # a full one says nothing


def forget(slot: datetime) -> str:
    """The nightly job, in batches."""
    old = ApiRequest.objects.unscoped().filter(pk__lt=lowest_id(slot - REQUESTS_KEPT)).order_by("pk")
    full = int((slot - BUCKETS_KEPT).timestamp() * 1_000_000)
    buckets = RateBucket.objects.filter(full_at__lt=full).order_by("full_at")
    return f"{delete_in_batches(old)} requests, {delete_in_batches(buckets)} rate buckets"
