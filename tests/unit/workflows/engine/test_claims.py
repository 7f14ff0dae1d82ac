"""Claims: the right run, once, and quickly however many others wait."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.clock import now
from apps.core.ids import new_id
from apps.workflows.engine import claims
from apps.workflows.engine.leases import LEASE
from apps.workflows.engine.turns import turns
from apps.workflows.models import Run
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_turns_of_earlier_tests(monkeypatch):
    monkeypatch.setattr(turns, "_until", 0.0)


def test_the_most_urgent_due_run_is_taken_first(make):
    moment = now()
    late = make(1, priority=9, due_at=moment - timedelta(hours=1))[0]
    normal_new, normal_old = make(1)[0], make(1, due_at=moment - timedelta(minutes=1))[0]
    high = make(1, priority=0)[0]
    make(1, priority=0, due_at=moment + timedelta(hours=1))
    make(1, priority=0, lease_until=moment + timedelta(seconds=9), lease_token=new_id())
    make(1, priority=0, due_at=None)
    order = [claims.claim_run() for _claim in range(5)]
    assert [run.pk if run else None for run in order] == [high.pk, normal_old.pk, normal_new.pk, late.pk, None]


def test_a_claim_is_one_statement_and_takes_the_lease(make, django_assert_num_queries):
    make(1)
    with django_assert_num_queries(1):
        run = claims.claim_run()
    stored = Run.objects.unscoped().get()
    assert (stored.lease_token, stored.state, stored.due_at, stored.claims) == (run.lease_token, "running", None, 1)
    assert timedelta(seconds=10) < stored.lease_until - now() <= LEASE


@pytest.fixture
def two_workers_each(settings):
    settings.ORGANIZATION_CONCURRENCY = 2


def who(runs):
    return [run.organization_id if run else None for run in runs]


def test_an_organization_with_all_its_workers_is_passed_over(make, organization, elsewhere, two_workers_each):
    moment = now()
    make(5, priority=0, due_at=moment - timedelta(hours=1))
    later = make(1, of=elsewhere, priority=9)[0]
    make(1, of=elsewhere, priority=0, due_at=moment + timedelta(hours=1))
    taken = [claims.claim_run() for _claim in range(4)]
    assert sorted(who(taken[:3])) == sorted([organization.pk, organization.pk, elsewhere.pk])
    assert later.pk in {run.pk for run in taken[:3]}
    assert taken[3] is None
    own = next(run for run in taken if run.organization_id == organization.pk)
    Run.objects.unscoped().filter(pk=own.pk).update(lease_until=None, lease_token=None)
    assert claims.claim_run().organization_id == organization.pk


def test_expired_leases_count_for_nobody(make, organization, two_workers_each):
    make(2, due_at=None, state="running", lease_until=now() - timedelta(seconds=1), lease_token=new_id())
    make(1)
    assert claims.claim_run() is not None


def test_where_runs_wait_organizations_take_turns(make, organization, elsewhere):
    moment = now()
    make(5, priority=0, due_at=moment - timedelta(hours=1))
    make(3, of=elsewhere, due_at=moment - timedelta(seconds=2))
    order = who(claims.claim_run() for _claim in range(6))
    assert order == [organization.pk, elsewhere.pk] * 3


def test_who_holds_fewest_workers_goes_first(make, organization, elsewhere):
    moment = now()
    make(3, due_at=None, state="running", lease_until=moment + timedelta(seconds=9), lease_token=new_id())
    make(1, priority=9, due_at=moment - timedelta(hours=1))
    make(1, priority=0)
    make(2, of=elsewhere)
    assert claims.claim_run().organization_id == elsewhere.pk


def test_a_flood_of_two_organizations_leaves_a_turn_to_the_third(make, organization, elsewhere, outsider, settings):
    """However old theirs are and however urgent, and although each time a worker comes free they have more."""
    settings.ORGANIZATION_CONCURRENCY = 4
    moment = now()
    make(50, priority=0, due_at=moment - timedelta(hours=1))
    make(50, of=elsewhere, priority=0, due_at=moment - timedelta(hours=1))
    held = [claims.claim_run() for _claim in range(8)]
    third = make_organization(outsider, "A third place")
    [mine] = make(1, of=third, priority=9, due_at=moment - timedelta(seconds=2))
    assert claims.claim_run().pk == mine.pk, "workers are free"
    [again] = make(1, of=third, priority=9, due_at=moment - timedelta(seconds=2))
    Run.objects.unscoped().filter(pk__in=[run.pk for run in held[:2]]).update(lease_until=None, lease_token=None)
    turns.deal()  # as every quarter of a second
    assert again.pk in {claims.claim_run().pk for _claim in range(3)}


def test_urgency_counts_within_an_organization_only(make, elsewhere):
    moment = now()
    patient = make(1, of=elsewhere, priority=9, due_at=moment - timedelta(seconds=0.2))[0]
    make(1, priority=5, due_at=moment - timedelta(seconds=0.1))
    urgent = make(1, priority=0)[0]
    assert [claims.claim_run().pk, claims.claim_run().pk] == [patient.pk, urgent.pk]


@pytest.mark.parametrize("waited", [timedelta(0), timedelta(seconds=5)])
def test_how_many_statements_a_claim_takes(make, django_assert_num_queries, waited):
    make(3, due_at=now() - waited)
    with django_assert_num_queries(4 if waited else 1):  # the oldest, whether any is due, the deal, the claim
        claims.claim_run()
    with django_assert_num_queries(1):
        claims.claim_run()
    claims.claim_run()
    with django_assert_num_queries(3 if waited else 2):
        assert claims.claim_run() is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads PostgreSQL's plan")
@pytest.mark.parametrize(("waited", "statement"), [(0, 0), (5, 2), (5, 3)])
def test_neither_later_runs_nor_all_runs_of_one_are_looked_at(make, elsewhere, waited, statement):
    make(5000, priority=0, due_at=now() + timedelta(days=1))
    make(5000, due_at=now() - timedelta(seconds=waited))
    make(5000, of=elsewhere, priority=0, due_at=now() + timedelta(days=1))
    make(1, of=elsewhere)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_run")
    with CaptureQueriesContext(connection) as captured:
        claimed = claims.claim_run()
    Run.objects.unscoped().filter(pk=claimed.pk).update(due_at=now() - timedelta(hours=1), lease_until=None)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + captured.captured_queries[statement]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "run_claimable" in plan, plan
    assert "Seq Scan" not in plan, plan
    # Nothing but the claimed run itself, where the claim looks whether others are due.
    assert sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan))) <= 2, plan
    looked_at = [
        int(rows) * int(loops) for rows, loops in re.findall(r"run_\w+ .*?actual .*?rows=(\d+) loops=(\d+)", plan)
    ]
    assert looked_at, plan
    assert max(looked_at) <= 10, plan


@pytest.mark.django_db(transaction=True)
def test_a_claim_does_not_wait_for_the_disk_and_other_writes_still_do(make):
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's way of committing")
    first, _second = make(2)
    with CaptureQueriesContext(connection) as queries:
        claimed = claims.claim_run()
    assert claimed is not None
    assert claimed.pk == first.pk
    assert claimed.others_are_due
    assert not claims.claim_run().others_are_due
    assert claims.claim_run() is None
    assert "set_config('synchronous_commit', 'off', true)" in queries[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
