"""When the status page and the gauge say that runs wait: never for what one organization lets wait behind itself."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.ids import new_id
from apps.workflows import watched
from apps.workflows.engine.turns import waits_since
from apps.workflows.models import Run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def ticks_are_taken():
    heartbeat.record()


@pytest.fixture
def held(make, settings):
    """Runs of an organization that workers have, of two that they may."""
    settings.ORGANIZATION_CONCURRENCY = 2

    def rows(count, *, left=timedelta(seconds=9), **fields):
        return make(count, due_at=None, state="running", lease_until=now() + left, lease_token=new_id(), **fields)

    return rows


def lag():
    return watched.queue_lag()[()]


def test_what_waits_behind_its_own_organizations_runs_is_no_standstill(make, held):
    held(2)
    make(3, due_at=now() - HOUR)
    assert "than 0 s" in watched.runs_go_on()
    assert lag() == 0


def test_nor_is_what_its_organization_calls_less_urgent_or_lets_wait_in_a_long_line(make, held):
    """Quick runs leave a place for a moment before they take it again; the gauge sees that and tells it."""
    held(1)
    make(1, priority=9, due_at=now() - HOUR)
    assert "than 0 s" in watched.runs_go_on()
    assert lag() >= 3600


def test_another_organization_that_waits_meanwhile_is_one(make, held, elsewhere):
    held(2)
    make(3, due_at=now() - HOUR)
    make(1, of=elsewhere, priority=9, due_at=now() - timedelta(minutes=2))
    assert re.search(r"12\d s", watched.runs_go_on())
    assert 120 <= lag() < 130
    make(1, of=elsewhere, due_at=now() - timedelta(minutes=4))
    with pytest.raises(watched.StandstillError, match=r"24\d s"):
        watched.runs_go_on()


def test_leases_of_dead_workers_hide_nothing(make, held):
    held(2, left=timedelta(seconds=-1))
    make(1, due_at=now() - HOUR)
    with pytest.raises(watched.StandstillError, match="360"):
        watched.runs_go_on()
    assert lag() >= 3600


def test_nothing_waits_where_nothing_is_due(make, django_assert_num_queries):
    assert waits_since(1) is None
    make(1, due_at=now() + HOUR)
    with django_assert_num_queries(1):
        assert waits_since(1) is None
    make(1, due_at=(moment := now() - HOUR))
    with django_assert_num_queries(2):
        assert waits_since(1) == moment


@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plan")
def test_a_long_line_of_one_costs_one_look(make, held, elsewhere):
    held(2)
    make(5000, due_at=now() - HOUR)
    make(1, of=elsewhere, due_at=now() - timedelta(minutes=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_run")
        with CaptureQueriesContext(connection) as captured:
            watched.queue_lag()
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + captured.captured_queries[-1]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
    looked_at = re.findall(r"run_\w+ .*?actual .*?rows=(\d+) loops=(\d+)", plan)
    assert looked_at, plan
    assert max(int(rows) * int(loops) for rows, loops in looked_at) <= 10, plan
    assert Run.objects.unscoped().count() == 5003
