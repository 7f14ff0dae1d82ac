"""Workers that mirror the same objects at once. SQLite has one writer at a time; here PostgreSQL is tried."""

import random

import pytest
from django.db import connection, transaction

from apps.integrations.stripe.mirror import MODELS, mirror
from tests.common.stripe_raw import everything
from tests.common.threads import run_in_threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory"),
]


def test_the_same_objects_at_once_in_any_order_make_one_row_each():
    def worker(seed):
        def work():
            for one in random.Random(seed).sample(everything() * 4, 44):
                with transaction.atomic():
                    mirror(one["object"], one)

        return work

    run_in_threads(*(worker(seed) for seed in range(6)))
    assert {model: model.objects.count() for model in MODELS.values()} == dict.fromkeys(MODELS.values(), 1)
    assert all("object" in model.objects.get().stripe_data for model in MODELS.values())
