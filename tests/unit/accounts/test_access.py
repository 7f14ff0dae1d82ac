"""Whom a credential lets in, and of which rows' versions that is made."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts import key_format
from apps.accounts.errors import (
    AddressNotAllowedError,
    AmbiguousCredentialsError,
    InvalidKeyError,
    InvalidTokenError,
)
from apps.accounts.models import TokenFamily
from apps.accounts.services import api_keys, tokens, version_names
from apps.accounts.services.access import Shown, access_of, presented, shows_credential
from apps.accounts.services.api_keys import Terms
from apps.core.clock import now
from tests.common.roles import actor_of

KEY = key_format.new_secret("live")


def headers(**values):
    return {f"HTTP_{name.upper()}": value for name, value in values.items()}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"x_api_key": f" {KEY} "}, Shown(KEY)),
        ({"authorization": f"Token {KEY}"}, Shown(KEY)),
        ({"authorization": f"bearer  {KEY}"}, Shown(KEY, may_be_token=True)),
        ({"authorization": "Bearer"}, Shown("", may_be_token=True)),
        ({"x_api_key": ""}, Shown("")),
        ({"x_api_key": KEY, "authorization": "Basic dXNlcjpwYXNz"}, Shown(KEY)),
        ({"authorization": "Basic dXNlcjpwYXNz"}, None),
        ({"authorization": ""}, None),
        ({}, None),
    ],
)
def test_what_a_call_shows(given, shown):
    assert presented(headers(**given)) == shown
    assert shows_credential(headers(**given)) == (shown is not None)


@pytest.mark.parametrize("scheme", ["Bearer", "token", "TOKEN"])
def test_two_at_once_are_a_guess_too_many(scheme):
    both = headers(x_api_key=KEY, authorization=f"{scheme} {KEY}")
    assert shows_credential(both)
    with pytest.raises(AmbiguousCredentialsError):
        presented(both)


def test_what_is_a_key_and_what_a_token():
    assert Shown(KEY).is_key
    assert Shown(KEY, may_be_token=True).is_key
    assert Shown("a.b.c").is_key
    assert not Shown("a.b.c", may_be_token=True).is_key


def test_a_digest_stands_for_one_reading_of_one_text():
    assert Shown(KEY).digest == Shown(KEY, may_be_token=True).digest
    assert Shown("a.b.c").digest != Shown("a.b.c", may_be_token=True).digest, "no key is remembered as a token"
    assert KEY not in Shown(KEY).digest
    assert Shown("\udcff").digest != Shown("\udcfe").digest


@pytest.mark.django_db
def test_a_key(owner, organization, django_assert_num_queries):
    actor = actor_of(owner, organization)
    ends = now() + timedelta(days=2)
    issued = api_keys.create_key(actor, organization, "live", Terms("x", ["runs:start"], ["192.0.2.0/24"], ends))
    with django_assert_num_queries(1):
        access = access_of(Shown(issued.secret))
    assert (access.actor.user, access.actor.organization, access.actor.via) == (owner, organization, "key")
    assert (access.actor.role, access.actor.scopes) == ("owner", frozenset(["runs:start"]))
    assert (access.credential.environment, access.key_id, access.ends_at) == ("live", issued.key.pk, ends)
    assert set(access.made_of) == {
        version_names.of_key(issued.key),
        version_names.of_user(owner.pk),
        version_names.of_organization(organization.pk),
    }
    access.check("192.0.2.7")
    access.check("::ffff:192.0.2.7")
    for address in ("198.51.100.7", "2001:db8::1", "", "192.0.2.7, 198.51.100.7"):
        with pytest.raises(AddressNotAllowedError) as refused:
            access.check(address)
        assert "192.0.2" not in str(refused.value) or address in str(refused.value), "it tells what is allowed"
    with time_machine.travel(ends, tick=False), pytest.raises(InvalidKeyError):
        access.check("192.0.2.7")


@pytest.mark.django_db
def test_a_token(owner, organization, django_assert_num_queries):
    pair = tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="x")
    with django_assert_num_queries(1):
        access = access_of(Shown(pair.access, may_be_token=True))
    assert (access.actor.user, access.actor.organization, access.actor.via) == (owner, organization, "token")
    assert (access.credential.environment, access.key_id) == ("live", None)
    family = TokenFamily.objects.for_organization(organization).get()
    assert set(access.made_of) == {
        version_names.of_family(family),
        version_names.of_user(owner.pk),
        version_names.of_organization(organization.pk),
    }
    access.check("anything")
    with time_machine.travel(access.ends_at - timedelta(seconds=1), tick=False):
        access.check("anything")
    with time_machine.travel(access.ends_at, tick=False), pytest.raises(InvalidTokenError):
        access.check("anything")


@pytest.mark.django_db
def test_nothing_gets_in_past_the_gate(owner, organization, settings):
    """A deployment that lost the middleware is shut, not open without limits."""
    secret = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("x")).secret
    assert Client(headers={"X-API-Key": secret}).get("/api/v1/me").status_code == 200
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("ApiGateMiddleware")]
    assert Client(headers={"X-API-Key": secret}).get("/api/v1/me").status_code == 401


@pytest.mark.django_db
def test_a_token_ends_with_its_login_at_the_latest(owner, organization):
    pair = tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="x")
    soon = now() + timedelta(seconds=5)
    TokenFamily.objects.unscoped().update(expires_at=soon)
    assert access_of(Shown(pair.access, may_be_token=True)).ends_at == soon


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("shown", "refusal"),
    [
        (Shown(KEY), InvalidKeyError),
        (Shown(KEY[:-1]), InvalidKeyError),
        (Shown(""), InvalidKeyError),
        (Shown("a.b.c"), InvalidKeyError),
        (Shown("a.b.c", may_be_token=True), InvalidTokenError),
        (Shown("", may_be_token=True), InvalidTokenError),
    ],
)
def test_what_lets_nobody_in(shown, refusal):
    with pytest.raises(refusal):
        access_of(shown)
