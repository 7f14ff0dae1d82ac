"""What usage forgets, and what it keeps."""

from datetime import timedelta

import pytest

from apps.core.clock import now
from apps.usage import retention
from apps.usage.models import ApiRequest, RateBucket
from tests.common.usage import logged

pytestmark = pytest.mark.django_db


def test_requests_are_forgotten_after_two_weeks(organization):
    moment = now()
    old = logged(organization, at=moment - retention.REQUESTS_KEPT - timedelta(seconds=1))
    young = logged(organization, at=moment - retention.REQUESTS_KEPT + timedelta(seconds=1))
    assert retention.forget(moment) == "1 requests, 0 rate buckets"
    left = ApiRequest.objects.for_organization(organization)
    assert (young in left, old in left) == (True, False)


def test_buckets_that_are_full_again_are_forgotten(db):
    moment = now()
    for name, late in (("full", timedelta(hours=-2)), ("just full", timedelta(0)), ("not yet", timedelta(minutes=1))):
        RateBucket.objects.create(subject=name, full_at=int((moment + late).timestamp() * 1_000_000))
    assert retention.forget(moment) == "0 requests, 1 rate buckets"
    assert set(RateBucket.objects.values_list("pk", flat=True)) == {"just full", "not yet"}


def test_in_batches(organization, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _number in range(5):
        logged(organization, at=now() - timedelta(days=20))
    assert retention.forget(now()) == "5 requests, 0 rate buckets"
