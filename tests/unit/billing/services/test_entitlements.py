"""What organizations have by what they pay: given, taken away, combined, over by time; and what asking for it costs."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection, transaction

from apps.accounts.services.members import FREE_MEMBERS, MEMBERS
from apps.billing.models import Entitlement
from apps.billing.services import entitlements
from apps.billing.services.entitlements import entitlements_of, give, take_away
from apps.core.entitlements import entitlement, most, upgrade_url
from apps.core.kinds import Feature
from apps.core.models import DomainEvent
from apps.core.registry import RegistryError, contributed
from apps.core.remembering import Remembered
from apps.usage.limits import limits_of
from apps.usage.plans import API_PLAN
from apps.workflows.services.publishing import WORKFLOWS
from tests.common.counting import redis_commands
from tests.common.gates import client, forget_strikes, redis_away
from tests.common.threads import run_in_threads

NOW = datetime(2027, 3, 12, 9, tzinfo=UTC)
_sources = count(1)


@pytest.fixture(autouse=True)
def _no_ring():
    with patch("apps.core.doorbell.current_app.send_task"):
        yield


def told():
    """What of features was told of so far."""
    events = DomainEvent.objects.filter(name=entitlements.CHANGED).order_by("pk")
    return [event.payload["features"] for event in events]


@pytest.mark.django_db
class TestWhatThereIs:
    def test_without_anything_bought_there_are_the_defaults(self, organization):
        assert entitlements_of(organization.pk) == {}
        assert most(organization.pk, MEMBERS) == FREE_MEMBERS
        assert entitlement(organization.pk, API_PLAN) == "sandbox"

    def test_what_a_source_gives_is_there_until_it_is_taken_away(self, organization):
        give(organization, "sub_1", {MEMBERS: 12})
        assert most(organization.pk, MEMBERS) == 12
        take_away(organization, "sub_1")
        assert most(organization.pk, MEMBERS) == FREE_MEMBERS
        assert told() == [{MEMBERS: 12}, {MEMBERS: None}]

    def test_it_belongs_to_one_organization(self, organization, outsider):
        give(organization, "sub_1", {MEMBERS: 12})
        other = outsider.memberships.get().organization
        assert (most(other.pk, MEMBERS), most(uuid.uuid4(), MEMBERS)) == (FREE_MEMBERS, FREE_MEMBERS)
        take_away(other, "sub_1")
        assert most(organization.pk, MEMBERS) == 12

    def test_a_source_gives_what_it_said_last_and_nothing_else(self, organization):
        give(organization, "sub_1", {MEMBERS: 12, WORKFLOWS: 90})
        give(organization, "sub_1", {MEMBERS: 20})
        assert entitlements_of(organization.pk) == {MEMBERS: 20}
        assert told()[-1] == {MEMBERS: 20, WORKFLOWS: None}

    def test_said_again_nothing_happens(self, organization):
        give(organization, "sub_1", {MEMBERS: 12})
        row = Entitlement.objects.for_organization(organization).get()
        with patch("apps.core.versions.changed") as changed:
            give(organization, "sub_1", {MEMBERS: 12})
        assert Entitlement.objects.for_organization(organization).get().created_at == row.created_at
        assert not changed.called
        assert told() == [{MEMBERS: 12}]

    def test_what_changes_nothing_for_the_organization_is_not_told(self, organization):
        give(organization, "sub_1", {MEMBERS: 12})
        give(organization, "sub_2", {MEMBERS: 5})
        take_away(organization, "sub_2")
        take_away(organization, "sub_3")
        assert told() == [{MEMBERS: 12}]

    def test_it_is_over_by_itself(self, organization):
        with time_machine.travel(NOW, tick=False) as clock:
            give(organization, "order_1", {MEMBERS: 12}, ends_at=NOW + timedelta(days=30))
            give(organization, "order_2", {MEMBERS: 8}, ends_at=NOW + timedelta(days=60))
            assert most(organization.pk, MEMBERS) == 12
            clock.move_to(NOW + timedelta(days=30, microseconds=-1))
            assert most(organization.pk, MEMBERS) == 12
            clock.move_to(NOW + timedelta(days=30))
            assert most(organization.pk, MEMBERS) == 8
            clock.move_to(NOW + timedelta(days=61))
            assert most(organization.pk, MEMBERS) == FREE_MEMBERS

    def test_the_same_for_longer_is_a_change(self, organization):
        with time_machine.travel(NOW, tick=False) as clock:
            give(organization, "order_1", {MEMBERS: 12}, ends_at=NOW + timedelta(days=1))
            give(organization, "order_1", {MEMBERS: 12}, ends_at=None)
            clock.shift(timedelta(days=2))
            assert most(organization.pk, MEMBERS) == 12

    def test_an_api_plan_reaches_the_gate_and_leaves_it(self, organization, settings):
        settings.API_DEFAULT_PLAN = "sandbox"
        give(organization, "sub_1", {API_PLAN: "pro"})
        assert limits_of(organization).plan == "pro"
        give(organization, "sub_2", {API_PLAN: "enterprise"})
        assert limits_of(organization).plan == "enterprise"
        take_away(organization, "sub_2")
        assert limits_of(organization).plan == "pro"
        take_away(organization, "sub_1")
        assert limits_of(organization).plan == "sandbox"

    def test_there_is_a_page_where_more_is_to_be_had(self):
        assert upgrade_url().startswith("/")


@pytest.mark.django_db
class TestSeveralSources:
    @pytest.mark.parametrize(
        ("kind", "values", "expected"),
        [
            ("boolean", [False, True], True),
            ("boolean", [False, False], False),
            ("static", [3, 12, 5], 12),
            ("metered", [3, 12, 5], 20),
        ],
    )
    def test_a_feature_is_combined_by_its_kind(self, kind, values, expected, organization):
        with contributed(Feature("things", "Things", kind, 0)):
            for value in values:
                give(organization, f"order_{next(_sources)}", {"things": value})
            assert entitlement(organization.pk, "things") == expected

    def test_a_feature_may_know_better(self, organization):
        with contributed(Feature("things", "Things", "static", "none", lambda values: "+".join(sorted(values)))):
            give(organization, "order_1", {"things": "b"})
            give(organization, "order_2", {"things": "a"})
            assert entitlement(organization.pk, "things") == "a+b"
            with pytest.raises(TypeError, match="no number"):
                most(organization.pk, "things")

    def test_who_pays_has_no_less_than_who_does_not(self, organization):
        with contributed(Feature("things", "Things", "static", 7)):
            assert most(organization.pk, "things") == 7
            give(organization, "order_1", {"things": 3})
            assert most(organization.pk, "things") == 7
            give(organization, "order_2", {"things": 9})
            assert most(organization.pk, "things") == 9

    def test_a_feature_that_no_app_knows(self, organization):
        """It can't be asked for; given once, by an app that is gone, it is in nobody's way."""
        with pytest.raises(RegistryError):
            entitlement(organization.pk, "unheard_of")
        give(organization, "order_1", {"unheard_of": True, MEMBERS: 12})
        assert entitlements_of(organization.pk) == {MEMBERS: 12}
        take_away(organization, "order_1")
        assert not Entitlement.objects.for_organization(organization).exists()


@pytest.mark.django_db(transaction=True)
class TestWhatAskingCosts:
    """Where Redis is: one command, and no SQL where it was asked before. Where it is not: one query, each time."""

    def test_asked_before_it_is_one_look_at_redis(self, organization, django_assert_num_queries):
        client()
        for number in range(3):
            give(organization, f"order_{number}", {MEMBERS: 10 + number, WORKFLOWS: 50})
        forget_strikes()
        with django_assert_num_queries(1), redis_commands() as sent:
            assert most(organization.pk, MEMBERS) == 12
        assert sent == ["EVAL"]
        with django_assert_num_queries(0), redis_commands() as sent:
            assert most(organization.pk, MEMBERS) == 12
        assert sent == ["EVAL"]
        with django_assert_num_queries(0), redis_commands() as sent:
            assert most(organization.pk, WORKFLOWS) == 50
        assert sent == ["EVAL"]

    def test_whoever_has_nothing_is_remembered_too(self, organization, django_assert_num_queries):
        client()
        forget_strikes()
        assert most(organization.pk, MEMBERS) == FREE_MEMBERS
        with django_assert_num_queries(0):
            assert most(organization.pk, MEMBERS) == FREE_MEMBERS

    def test_without_redis_it_is_one_query(self, organization, settings, django_assert_num_queries):
        settings.REDIS_URL = ""
        give(organization, "order_1", {MEMBERS: 12})
        for _time in range(2):
            with django_assert_num_queries(1), redis_commands() as sent:
                assert most(organization.pk, MEMBERS) == 12
            assert sent == []

    def test_a_redis_that_is_away_is_asked_once(self, organization, django_assert_num_queries):
        give(organization, "order_1", {MEMBERS: 12})
        with redis_away(), redis_commands() as sent:
            for _time in range(3):
                with django_assert_num_queries(1):
                    assert most(organization.pk, MEMBERS) == 12
        assert sent == ["EVAL"]

    def test_right_after_a_change_nobody_goes_by_memory(self, organization, django_assert_num_queries):
        client()
        give(organization, "order_1", {MEMBERS: 12})
        for _time in range(2):
            with django_assert_num_queries(1):
                assert most(organization.pk, MEMBERS) == 12


@pytest.mark.django_db(transaction=True)
class TestOtherProcesses:
    """Each has a memory of its own, and they share no more than Redis and the database."""

    @pytest.fixture
    def elsewhere(self, monkeypatch):
        """What another process answers, which has asked before."""
        client()
        memory = Remembered(entitlements.version_name, entitlements._rows)

        def ask(organization):
            with monkeypatch.context() as patch_:
                patch_.setattr(entitlements, "_remembered", memory)
                return most(organization.pk, MEMBERS)

        return ask

    def test_a_change_is_seen_at_once(self, organization, elsewhere, django_assert_num_queries):
        for change, expected in ((12, 12), (20, 20), (None, FREE_MEMBERS)):
            forget_strikes()
            before = elsewhere(organization)
            with django_assert_num_queries(0):
                assert elsewhere(organization) == before
            give(organization, "sub_1", {} if change is None else {MEMBERS: change})
            assert elsewhere(organization) == most(organization.pk, MEMBERS) == expected

    def test_what_is_not_committed_is_seen_by_nobody_else(self, organization, elsewhere):
        if connection.vendor == "sqlite":
            pytest.skip("one connection in memory")
        forget_strikes()
        assert elsewhere(organization) == FREE_MEMBERS
        with transaction.atomic():
            give(organization, "sub_1", {MEMBERS: 12})
            assert most(organization.pk, MEMBERS) == 12, "its own transaction sees it"
            assert run_in_threads(lambda: elsewhere(organization)) == [FREE_MEMBERS]
        assert elsewhere(organization) == 12

    def test_what_is_rolled_back_leaves_nothing(self, organization, elsewhere):
        give(organization, "sub_1", {MEMBERS: 12})
        forget_strikes()
        assert elsewhere(organization) == most(organization.pk, MEMBERS) == 12

        class Undone(Exception):
            pass

        def change_and_look():
            give(organization, "sub_1", {MEMBERS: 20, API_PLAN: "pro"})
            assert most(organization.pk, MEMBERS) == 20
            raise Undone

        with pytest.raises(Undone), transaction.atomic():
            change_and_look()
        assert elsewhere(organization) == most(organization.pk, MEMBERS) == 12
        forget_strikes()
        assert elsewhere(organization) == most(organization.pk, MEMBERS) == 12
        assert told() == [{MEMBERS: 12}]
        assert limits_of(organization).plan != "pro"
        assert Entitlement.objects.for_organization(organization).get().value == 12
