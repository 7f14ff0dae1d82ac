"""What usage forgets, and what it keeps."""

from datetime import timedelta

import pytest
from django.db import connection

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


def test_a_bucket_that_is_used_meanwhile_stays(db):
    moment = now()
    long_ago, soon = (
        int((moment + late).timestamp() * 1_000_000) for late in (-timedelta(hours=2), timedelta(minutes=1))
    )
    RateBucket.objects.create(subject="somebody", full_at=long_ago)

    def used(execute, sql, params, many, context):
        if sql.startswith("DELETE") and RateBucket._meta.db_table in sql:
            RateBucket.objects.filter(subject="somebody").update(full_at=soon)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(used):
        assert retention.forget(moment) == "0 requests, 0 rate buckets"
    assert RateBucket.objects.get().full_at == soon


def test_in_batches(organization, monkeypatch):
    monkeypatch.setattr("apps.core.rows.BATCH", 2)
    for _number in range(5):
        logged(organization, at=now() - timedelta(days=20))
    assert retention.forget(now()) == "5 requests, 0 rate buckets"
