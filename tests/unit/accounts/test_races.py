"""Two at once: exactly one wins. SQLite has one writer at a time; here it is PostgreSQL's row locks that are tried."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts import selectors
from apps.accounts.adapters import AccountAdapter
from apps.accounts.errors import DeviceLoginError, InvalidTokenError, KeyLimitError, LastOwnerError
from apps.accounts.models import Impersonation, Invitation, Membership, Role, TokenFamily, User
from apps.accounts.services import api_keys, device, impersonation, invitations, members, tokens
from apps.accounts.services.api_keys import Terms
from apps.core.errors import ConflictError
from tests.common.roles import PASSWORD, actor_of, make_user
from tests.common.threads import run_in_threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory"),
]


def outcome(act, refusal):
    """What a thread saw: done or refused."""

    def run():
        try:
            act()
        except refusal:
            return "refused"
        return "done"

    return run


def test_two_owners_who_leave_at_once(owner, organization, teammate):
    Membership.objects.for_organization(organization).update(role=Role.OWNER)
    leaving = [
        outcome(lambda person=person: members.leave(person, organization), LastOwnerError)
        for person in (owner, teammate)
    ]
    assert sorted(run_in_threads(*leaving)) == ["done", "refused"]
    assert selectors.members_of(organization).filter(role=Role.OWNER).count() == 1


def test_two_keys_made_at_once(owner, organization):
    actor = actor_of(owner, organization)
    making = outcome(lambda: api_keys.create_key(actor, organization, "live", Terms("Server")), KeyLimitError)
    assert sorted(run_in_threads(*[making] * 4)) == ["done", "refused", "refused", "refused"]


def test_one_key_rotated_twice_at_once(owner, organization):
    actor = actor_of(owner, organization)
    key = api_keys.create_key(actor, organization, "live", Terms("Server")).key
    rotating = outcome(lambda: api_keys.rotate_key(actor, key, timedelta(days=1)), ConflictError)
    assert sorted(run_in_threads(rotating, rotating)) == ["done", "refused"]


def test_one_leak_reported_twice_at_once(owner, organization):
    secret = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Server")).secret
    found = run_in_threads(
        lambda: api_keys.report_leak(secret) is not None, lambda: api_keys.report_leak(secret) is not None
    )
    assert sorted(found) == [False, True]


def test_one_refresh_token_used_twice_at_once(owner, organization):
    pair = tokens.mint(owner, organization, origin=TokenFamily.Origin.DEVICE, client_name="cli")
    using = outcome(lambda: tokens.refresh(pair.refresh), InvalidTokenError)
    assert sorted(run_in_threads(using, using)) == ["done", "refused"]
    assert TokenFamily.objects.for_organization(organization).get().reason == "reuse"


def test_one_approved_device_code_used_many_times_at_once(owner, organization):
    asked = device.start("cli")
    device.approve(owner, device.find_open(asked.user_code), organization)
    polling = outcome(lambda: device.poll(asked.device_code), DeviceLoginError)
    assert sorted(run_in_threads(*[polling] * 4)) == ["done", "refused", "refused", "refused"]
    assert selectors.token_families_of(owner).count() == 1


def test_one_invitation_accepted_twice_at_once(owner, organization):
    user = make_user(email="new@example.com")
    invitations.invite(actor_of(owner, organization), organization, email=user.email, role=Role.VIEWER)
    offer = Invitation.objects.for_organization(organization).select_related("organization").get()
    joining = outcome(lambda: invitations.accept(user, offer), ConflictError)
    assert sorted(run_in_threads(joining, joining)) == ["done", "refused"]


def test_two_invitations_to_one_address_at_once(owner, organization):
    actor = actor_of(owner, organization)
    run_in_threads(*[lambda: invitations.invite(actor, organization, email="new@example.com", role=Role.VIEWER)] * 3)
    assert selectors.open_invitations(organization).count() == 1


def test_two_people_sign_up_with_one_address_at_once(realm, monkeypatch):
    """Neither is told whether the address was taken: both are asked to look into their mail."""
    barrier, real = threading.Barrier(2), AccountAdapter.save_user

    def save_user(*args, **kwargs):
        barrier.wait(10)
        return real(*args, **kwargs)

    monkeypatch.setattr(AccountAdapter, "save_user", save_user)

    def sign_up():
        form = {"name": "Ada", "email": "ada@example.com", "password1": PASSWORD}
        answer = Client().post(reverse("account_signup"), form)
        return answer.status_code, answer["Location"]

    first, second = run_in_threads(sign_up, sign_up)
    assert first == second == (302, reverse("account_email_verification_sent"))
    assert User.objects.filter(email="ada@example.com").count() == 1


def test_one_member_of_staff_acts_as_two_customers_at_once(staff, owner, organization, teammate):
    def act(customer):
        return impersonation.start_impersonation(staff, customer, organization, reason="ticket 1234")

    run_in_threads(lambda: act(owner), lambda: act(teammate))
    assert Impersonation.objects.unscoped().filter(ended_at=None).count() == 1
