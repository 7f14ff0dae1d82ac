"""What staff pages say to somebody who sees them for the first time: units, empty lists, one word for one thing."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.clock import now
from apps.monitoring.models import SloSample
from apps.monitoring.services.slo import ensure_objectives
from tests.common.roles import client_of
from tests.common.staff import list_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(staff: User) -> Client:
    return client_of(staff)


def test_a_look_at_an_objective_has_units_and_says_why_it_says_nothing(client: Client) -> None:
    ensure_objectives()
    for code, rates in (("api-latency", {}), ("pages-latency", {"burn_1h": 2.5, "burn_6h": 2.5, "burn_3d": 2.5})):
        SloSample.objects.create(objective_id=code, at=now(), total=124, bad=6, p95_ms=1478, **rates)
    answer = client.get(list_address(SloSample))
    text, columns = answer.content.decode(), list(answer.context["cl"].list_display)
    for words in ("1,478 ms", "6 of 124", "too few requests", "2.5 · 2.5 · 2.5"):
        assert words in text, words
    assert columns.index("shown_severity") < columns.index("bad_of_all")  # what matters most is not the one that is cut off
