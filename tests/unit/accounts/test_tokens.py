"""JWT pairs: short access, rotating refresh, and a row that can end both."""

from datetime import timedelta

import jwt
import pytest
import time_machine

from apps.accounts import selectors
from apps.accounts.errors import InvalidTokenError, NoOrganizationError
from apps.accounts.models import Role, TokenFamily
from apps.accounts.services import auth_log, tokens
from apps.audit.selectors import entries_for
from apps.core.clock import now
from apps.core.errors import InvalidInputError, LimitExceededError
from tests.common.roles import make_organization


@pytest.fixture
def pair(owner, organization):
    return tokens.mint(owner, organization, origin=TokenFamily.Origin.DEVICE, client_name="Levqor CLI")


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def test_the_access_token_says_who_for_whom(pair, owner, organization):
    holder = tokens.holder_of(pair.access)
    assert (holder.family.user, holder.family.organization, holder.role) == (owner, organization, Role.OWNER)
    said = claims(pair.access)
    assert said["sub"] == owner.public_id
    assert said["org"] == organization.public_id
    assert said["exp"] - said["iat"] == pair.expires_in == 900


def test_one_query_per_call(pair, django_assert_num_queries):
    with django_assert_num_queries(1):
        tokens.holder_of(pair.access)


def test_access_ends_after_a_quarter_of_an_hour(pair):
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1), tick=False), pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)


def test_refresh_replaces_the_pair(pair):
    second = tokens.refresh(pair.refresh)
    assert second.refresh != pair.refresh
    assert claims(second.refresh)["gen"] == 2
    tokens.holder_of(second.access)
    third = tokens.refresh(second.refresh)
    tokens.holder_of(third.access)


def test_refresh_ends_after_a_week_without_use(pair):
    with time_machine.travel(now() + timedelta(days=6), tick=False):
        second = tokens.refresh(pair.refresh)
    with time_machine.travel(now() + timedelta(days=12), tick=False):
        third = tokens.refresh(second.refresh)
    with time_machine.travel(now() + timedelta(days=19, seconds=5), tick=False), pytest.raises(InvalidTokenError):
        tokens.refresh(third.refresh)


def test_an_old_refresh_token_ends_the_whole_login(pair, organization):
    second = tokens.refresh(pair.refresh)
    with pytest.raises(InvalidTokenError) as refusal:
        tokens.refresh(pair.refresh)
    assert refusal.value.code == "token_reused"
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(second.access)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(second.refresh)
    family = TokenFamily.objects.for_organization(organization).get()
    assert family.reason == "reuse"
    assert entries_for(organization.pk).filter(code="accounts.token_reuse").count() == 1


def test_other_logins_stay(pair, owner, organization):
    other = tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="ci")
    tokens.revoke_by_refresh_token(pair.refresh)
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)
    tokens.holder_of(other.access)


def test_revoking_what_means_nothing_is_no_error(pair):
    tokens.revoke_by_refresh_token("nonsense")
    tokens.revoke_by_refresh_token(pair.access)
    tokens.holder_of(pair.access)
    tokens.revoke_by_refresh_token(pair.refresh)
    tokens.revoke_by_refresh_token(pair.refresh)


def test_kinds_are_not_mixed_up(pair):
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.refresh)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(pair.access)


@pytest.mark.parametrize("token", ["", "a.b.c", "nonsense", "e30.e30.e30", "é", "x" * 3000])
def test_nonsense_is_refused(db, token):
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(token)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(token)


def test_a_forged_token_is_refused(pair):
    said = claims(pair.access)
    for key, algorithm in (("x" * 64, "HS256"), ("", "none")):
        with pytest.raises(InvalidTokenError):
            tokens.holder_of(jwt.encode(said, key, algorithm=algorithm))


def test_a_token_of_another_secret_is_good_while_that_is_a_fallback(pair, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-of-some-length-0123456789"
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)
    settings.SECRET_KEY_FALLBACKS = [old]
    tokens.holder_of(pair.access)


def test_the_role_is_fresh_in_each_call(pair, owner, organization):
    place = selectors.membership_in(owner, organization.pk)
    place.role = Role.VIEWER
    place.save()
    assert tokens.holder_of(pair.access).role == Role.VIEWER


def test_an_inactive_person_is_out_at_once(pair, owner):
    owner.is_active = False
    owner.save()
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)
    with pytest.raises(InvalidTokenError):
        tokens.refresh(pair.refresh)


def test_a_deleted_family_is_refused(pair, organization):
    TokenFamily.objects.for_organization(organization).delete()
    with pytest.raises(InvalidTokenError):
        tokens.holder_of(pair.access)


def test_strangers_get_none(outsider, organization):
    with pytest.raises(NoOrganizationError):
        tokens.mint(outsider, organization, origin=TokenFamily.Origin.SESSION, client_name="x")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "bad\x07bell"])
def test_client_names_are_checked(owner, organization, name):
    with pytest.raises(InvalidInputError):
        tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name=name)


def test_there_is_a_limit(pair, owner, organization, monkeypatch):
    monkeypatch.setattr(tokens, "LIVE_FAMILIES_PER_USER", 1)
    with pytest.raises(LimitExceededError):
        tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="x")
    tokens.revoke_all(owner, reason="test")
    tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="x")


def test_only_hashes_are_stored(pair, organization):
    family = TokenFamily.objects.for_organization(organization).get()
    assert claims(pair.refresh)["jti"] not in str(vars(family))


def test_a_new_password_ends_them_all(pair, owner):
    other = make_organization(owner, "Second")
    elsewhere = tokens.mint(owner, other, origin=TokenFamily.Origin.SESSION, client_name="x")
    auth_log.password_replaced(owner, "password_changed")
    for token in (pair.access, elsewhere.access):
        with pytest.raises(InvalidTokenError):
            tokens.holder_of(token)
    assert not selectors.token_families_of(owner).exists()
