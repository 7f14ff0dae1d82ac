"""Sign-ups and organizations of a time."""

from datetime import timedelta

import pytest

from apps.accounts import pulse
from apps.accounts.models import Organization, User
from apps.accounts.services.sandbox import sandbox_of
from apps.core.clock import now
from tests.common.roles import make_user

pytestmark = pytest.mark.django_db


def test_people_who_joined_then_without_staff(owner: User) -> None:
    start = now() - timedelta(days=7)
    make_user("Staff", is_staff=True)
    old = make_user("Old")
    User.objects.filter(pk=old.pk).update(date_joined=start - timedelta(seconds=1))
    first = make_user("First")
    User.objects.filter(pk=first.pk).update(date_joined=start)
    assert pulse.sign_ups(start, now()) == 2
    assert pulse.sign_ups(start, start) == 0
    assert pulse.sign_ups(start, start + timedelta(seconds=1)) == 1


def test_a_sandbox_is_no_organization(organization: Organization, owner: User) -> None:
    start = now() - timedelta(days=1)
    sandbox_of(organization, owner)
    assert pulse.new_organizations(start, now()) == 1
    assert pulse.organizations(start, now()) == 1
    assert pulse.organizations(start, start) == 0
