"""The sandbox twin: made with the first credential of the sandbox, and nobody's place."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts import selectors
from apps.accounts.errors import InvalidTokenError
from apps.accounts.models import Organization, TokenFamily
from apps.accounts.services import api_keys, members, tokens
from apps.accounts.services.access import Shown, access_of
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.organizations import change_organization
from apps.accounts.services.sandbox import sandbox_of
from apps.core.clock import now
from apps.core.versions import look
from apps.workflows.models import Run, Workflow
from tests.common.roles import actor_of

pytestmark = pytest.mark.django_db


def test_it_is_made_once_and_filled(organization, owner):
    twin = sandbox_of(organization, owner)
    assert sandbox_of(organization, owner) == twin
    assert (twin.twin_of, twin.livemode, twin.realm, twin.created_by) == (organization, False, organization.realm, None)
    slugs = Workflow.objects.for_organization(twin).values_list("slug", flat=True)
    assert set(slugs) == {"order-digest", "refund-approval"}
    assert set(Run.objects.for_organization(twin).values_list("livemode", flat=True)) == {False}
    assert not Run.objects.for_organization(organization).exists()


def test_nobody_can_take_its_short_name_before(organization, owner):
    sandbox_of(organization, owner)
    guessed = f"{organization.slug}-{organization.pk.hex[-8:]}-sandbox"
    assert organization.twin.slug != guessed
    assert len(organization.twin.slug.removeprefix(organization.slug)) == len("-sandbox") + 17


def test_nobody_is_its_member(organization, owner):
    twin = sandbox_of(organization, owner)
    assert not selectors.members_of(twin).exists()
    assert selectors.organizations_of_user(owner) == [organization]
    assert selectors.membership_in(owner, twin.pk) is None


def test_it_follows_the_organizations_name_and_time_zone(organization, owner):
    shown = Shown(api_keys.create_key(actor_of(owner, organization), organization, "test", Terms("Trying")).secret)
    before = access_of(shown)
    words = look(before.made_of)
    change_organization(organization, name="Renamed", timezone="Europe/London")
    twin = access_of(shown).actor.organization
    assert (twin.name, twin.timezone) == ("Renamed", "Europe/London")
    assert twin.slug == before.actor.organization.slug
    if settings.ENV.REDIS_URL:
        assert look(before.made_of) != words, "what is remembered of the twin would stay"


def test_one_that_fell_behind_once_catches_up(organization, owner):
    twin = sandbox_of(organization, owner)
    Organization.objects.filter(pk=twin.pk).update(name="An old name")
    change_organization(organization, name=organization.name, timezone="Europe/London")
    twin.refresh_from_db()
    assert (twin.name, twin.timezone) == (organization.name, "Europe/London")


def test_it_is_made_with_the_name_of_this_moment(organization, owner):
    read_before = Organization.objects.get(pk=organization.pk)
    change_organization(organization, name="Renamed", timezone="UTC")
    assert sandbox_of(read_before, owner).name == "Renamed"


def test_an_organization_that_is_live_is_no_twin(organization, outsider):
    other = selectors.first_membership(outsider).organization
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.filter(pk=other.pk).update(twin_of=organization)


def test_a_key_of_the_sandbox_speaks_for_the_twin(organization, owner):
    issued = api_keys.create_key(actor_of(owner, organization), organization, "test", Terms("Trying"))
    access = access_of(Shown(issued.secret))
    assert issued.secret.startswith("lvq_test_")
    assert access.actor.organization == organization.twin
    assert access.actor.role == "owner"
    assert api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Both")).secret


def test_rotated_it_still_does(organization, owner):
    actor = actor_of(owner, organization)
    first = api_keys.create_key(actor, organization, "test", Terms("Trying"))
    fresh = api_keys.rotate_key(actor, first.key, timedelta(0))
    assert access_of(Shown(fresh.secret)).actor.organization == organization.twin


def test_a_token_of_the_sandbox_is_good_for_an_hour(organization, owner, time_machine):
    moment = now()
    time_machine.move_to(moment, tick=False)
    shown = Shown(tokens.mint_sandbox_token(owner, organization), may_be_token=True)
    assert access_of(shown).actor.organization == organization.twin
    assert (access_of(shown).ends_at - moment).total_seconds() == pytest.approx(3600, abs=1)
    time_machine.move_to(moment + tokens.SANDBOX_LIFETIME, tick=False)
    with pytest.raises(InvalidTokenError):
        access_of(shown)


def test_it_ends_with_the_membership(organization, owner, developer):
    shown = Shown(tokens.mint_sandbox_token(developer, organization), may_be_token=True)
    members.remove_member(actor_of(owner, organization), selectors.membership_in(developer, organization.pk))
    with pytest.raises(InvalidTokenError):
        access_of(shown)


def test_nothing_refreshes_it(organization, owner):
    token = tokens.mint_sandbox_token(owner, organization)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(token)
    assert TokenFamily.objects.for_organization(organization).get().environment == "test"
