"""Device login: ask, approve, get one pair."""

from datetime import timedelta

import pytest
import time_machine

from apps.accounts.errors import DeviceLoginError, NoOrganizationError, UnknownCodeError
from apps.accounts.models import DeviceAuthorization
from apps.accounts.services import device, members, tokens
from apps.core.clock import now
from apps.core.errors import InvalidInputError


@pytest.fixture
def asked(db):
    return device.start("Levqor CLI")


def after(seconds):
    return time_machine.travel(now() + timedelta(seconds=seconds), tick=False)


def refused(code, device_code):
    with pytest.raises(DeviceLoginError) as refusal:
        device.poll(device_code)
    assert refusal.value.code == code
    return refusal.value


def test_the_codes_are_hard_to_mistake_and_not_stored(asked):
    letters = asked.user_code.replace("-", "")
    assert len(letters) == 8
    assert set(letters) <= set("BCDFGHJKLMNPQRSTVWXZ")
    stored = str(vars(DeviceAuthorization.objects.unscoped().get()))
    assert letters not in stored
    assert asked.device_code not in stored
    said = asked.as_json()
    assert said["verification_uri_complete"].endswith(f"/device?user_code={asked.user_code}")
    assert (said["expires_in"], said["interval"]) == (600, 5)


def test_approved_it_gives_one_pair(asked, owner, organization):
    refused("authorization_pending", asked.device_code)
    device.approve(owner, device.find_open(asked.user_code.lower().replace("-", " ")), organization)
    pair = device.poll(asked.device_code)
    holder = tokens.holder_of(pair.access)
    assert (holder.family.user, holder.family.organization) == (owner, organization)
    assert holder.family.client_name == "Levqor CLI"
    refused("expired_token", asked.device_code)


def test_denied_it_gives_none(asked, owner):
    device.deny(owner, device.find_open(asked.user_code))
    refused("access_denied", asked.device_code)
    with pytest.raises(UnknownCodeError):
        device.find_open(asked.user_code)


def test_after_ten_minutes_it_is_over(asked, owner, organization):
    asking = device.find_open(asked.user_code)
    with after(601):
        refused("expired_token", asked.device_code)
        with pytest.raises(UnknownCodeError):
            device.find_open(asked.user_code)
        with pytest.raises(UnknownCodeError):
            device.approve(owner, asking, organization)


def test_asking_too_often_slows_it_down(asked):
    refused("authorization_pending", asked.device_code)
    assert refused("slow_down", asked.device_code).extra["interval"] == 10
    with after(6):
        assert refused("slow_down", asked.device_code).extra["interval"] == 15
    with after(22):
        refused("authorization_pending", asked.device_code)


def test_a_decision_is_made_once(asked, owner, organization):
    asking = device.find_open(asked.user_code)
    device.approve(owner, asking, organization)
    with pytest.raises(UnknownCodeError):
        device.deny(owner, asking)


def test_only_for_ones_own_organization(asked, outsider, organization):
    with pytest.raises(NoOrganizationError):
        device.approve(outsider, device.find_open(asked.user_code), organization)


def test_who_lost_the_organization_meanwhile_gets_none(asked, viewer, organization):
    device.approve(viewer, device.find_open(asked.user_code), organization)
    members.leave(viewer, organization)
    refused("access_denied", asked.device_code)


def test_who_was_made_inactive_meanwhile_gets_none(asked, viewer, organization):
    device.approve(viewer, device.find_open(asked.user_code), organization)
    viewer.is_active = False
    viewer.save()
    refused("access_denied", asked.device_code)


def test_unknown_codes(db):
    refused("expired_token", "nonsense")
    with pytest.raises(UnknownCodeError):
        device.find_open("ABCD-EFGH")


def test_client_names_are_checked(db):
    with pytest.raises(InvalidInputError):
        device.start("")
