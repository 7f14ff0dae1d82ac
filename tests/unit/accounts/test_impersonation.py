"""Staff act as a customer: rarely, briefly, on the record."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group

from apps.accounts import selectors
from apps.accounts.errors import PermissionDeniedError
from apps.accounts.models import Impersonation
from apps.accounts.services.impersonation import end_impersonation, start_impersonation
from apps.accounts.staff import ensure_staff_groups
from apps.audit.selectors import entries_for
from apps.core.clock import now
from apps.core.errors import InvalidInputError
from tests.common.roles import make_organization, make_user

REASON = "Ticket 42: cannot find a run"


def test_it_begins_and_ends_on_the_record(staff, owner, organization):
    running = start_impersonation(staff, owner, organization, reason=REASON, minutes=10)
    assert running.is_running()
    assert not running.is_running(now() + timedelta(minutes=10, seconds=1))
    end_impersonation(running)
    end_impersonation(running)
    codes = list(entries_for(organization.pk).values_list("code", flat=True))
    assert codes.count("accounts.impersonation_started") == 1
    assert codes.count("accounts.impersonation_ended") == 1
    assert selectors.running_impersonation(running.pk) is None


def test_it_ends_at_its_time_even_if_noticed_later(staff, owner, organization):
    running = start_impersonation(staff, owner, organization, reason=REASON, minutes=1)
    with time_machine.travel(now() + timedelta(hours=5), tick=False):
        end_impersonation(running, reason="expired")
    assert running.ended_at == running.ends_at


def test_a_new_one_ends_the_old(staff, owner, organization):
    first = start_impersonation(staff, owner, organization, reason=REASON)
    start_impersonation(staff, owner, organization, reason=REASON)
    assert selectors.running_impersonation(first.pk) is None
    assert Impersonation.objects.unscoped().filter(ended_at=None).count() == 1


@pytest.mark.parametrize("minutes", [0, -5, 61])
def test_an_hour_at_most(staff, owner, organization, minutes):
    with pytest.raises(InvalidInputError):
        start_impersonation(staff, owner, organization, reason=REASON, minutes=minutes)


@pytest.mark.parametrize("reason", ["", "why", "  x  ", "x" * 301])
def test_a_reason_is_needed(staff, owner, organization, reason):
    with pytest.raises(InvalidInputError):
        start_impersonation(staff, owner, organization, reason=reason)


def test_only_staff_with_the_right(owner, organization, teammate):
    plain = make_user("Plain", is_staff=True)
    for person in (teammate, plain):
        with pytest.raises(PermissionDeniedError):
            start_impersonation(person, owner, organization, reason=REASON)
    ensure_staff_groups()
    plain.groups.add(Group.objects.get(name="finance"))
    with pytest.raises(PermissionDeniedError):
        start_impersonation(type(plain).objects.get(pk=plain.pk), owner, organization, reason=REASON)
    plain.groups.add(Group.objects.get(name="support"))
    start_impersonation(type(plain).objects.get(pk=plain.pk), owner, organization, reason=REASON)


def test_never_as_other_staff(staff, organization):
    other = make_user("Other", is_staff=True)
    own = make_organization(other)
    for person in (other, staff):
        with pytest.raises(PermissionDeniedError):
            start_impersonation(staff, person, own, reason=REASON)


def test_only_in_the_customers_organization(staff, owner, outsider):
    with pytest.raises(InvalidInputError):
        start_impersonation(staff, owner, outsider.memberships.get().organization, reason=REASON)


def test_not_as_an_inactive_customer(staff, owner, organization):
    owner.is_active = False
    owner.save()
    with pytest.raises(InvalidInputError):
        start_impersonation(staff, owner, organization, reason=REASON)
