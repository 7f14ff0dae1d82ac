"""The life of an API key: made once a day, one at a time; replaced with overlap; ended at once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.accounts import key_format
from apps.accounts.errors import AddressNotAllowedError, InvalidKeyError, KeyLimitError
from apps.accounts.models import ApiKey, Membership
from apps.accounts.permissions import key_scopes
from apps.accounts.services import api_keys, cleanup, key_access, members, staff_help
from apps.accounts.services.access import Shown, access_of
from apps.accounts.services.api_keys import Terms
from apps.audit.selectors import entries_for
from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError, NotFoundError
from apps.core.ids import new_id
from tests.common.roles import actor_of, make_member, make_organization, make_user

ANYWHERE = "198.51.100.7"


@pytest.fixture
def actor(owner, organization):
    return actor_of(owner, organization)


@pytest.fixture
def issued(actor, organization):
    return api_keys.create_key(actor, organization, "live", Terms("Server"))


def let_in(secret, address):
    access = access_of(Shown(secret))
    access.check(address)
    return access


def tomorrow():
    return time_machine.travel(now() + timedelta(days=1), tick=False)


def test_only_a_digest_is_kept(issued, organization):
    row = ApiKey.objects.for_organization(organization).get()
    assert issued.secret not in str(vars(row))
    assert row.digest == key_format.digest(issued.secret)
    assert row.shown == f"lvq_live_…{issued.secret[-4:]}"
    assert row.scopes == list(key_scopes())


def test_whom_it_lets_in(issued, owner, organization, django_assert_num_queries):
    let_in(issued.secret, ANYWHERE)
    with django_assert_num_queries(1):
        access = let_in(issued.secret, ANYWHERE)
    assert access.credential == issued.key
    assert (access.actor.user, access.actor.organization, access.actor.role) == (owner, organization, "owner")


def test_its_last_use_is_noted_and_never_goes_back(issued, organization, django_assert_num_queries):
    def noted():
        return ApiKey.objects.for_organization(organization).get().last_used_at

    moment = now()
    for late, expected in ((0, 0), (60, 60), (30, 60)):
        with django_assert_num_queries(1):
            key_access.note_uses({issued.key.pk: moment + timedelta(seconds=late)})
        assert noted() == moment + timedelta(seconds=expected)


def test_single_uses_are_noted_to_the_minute(issued, organization):
    moment = now()
    for late, noted in ((0, 0), (59, 0), (61, 61), (30, 61)):
        key_access.note_use(issued.key.pk, moment + timedelta(seconds=late))
        used = ApiKey.objects.for_organization(organization).get().last_used_at
        assert used == moment + timedelta(seconds=noted), late


def test_very_many_uses_are_noted_at_once(issued, organization):
    moment = now()
    key_access.note_uses({new_id(): moment for _number in range(2_500)} | {issued.key.pk: moment})
    assert ApiKey.objects.for_organization(organization).get().last_used_at == moment


def test_no_uses_cost_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        key_access.note_uses({})


def test_one_at_a_time(issued, actor, organization):
    with tomorrow(), pytest.raises(KeyLimitError) as refusal:
        api_keys.create_key(actor, organization, "live", Terms("Another"))
    assert refusal.value.code == "active_key_exists"


def test_one_new_key_a_day_of_utc(actor, organization):
    with time_machine.travel(datetime(2026, 3, 1, 23, 59, 0, tzinfo=UTC), tick=False):
        api_keys.revoke_key(api_keys.create_key(actor, organization, "live", Terms("First")).key)
        with pytest.raises(KeyLimitError) as refusal:
            api_keys.create_key(actor, organization, "live", Terms("Second"))
        assert (refusal.value.code, refusal.value.extra["retry_after"]) == ("one_new_key_a_day", 60)
    with time_machine.travel(datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC), tick=False):
        api_keys.create_key(actor, organization, "live", Terms("Third"))


def test_other_organizations_have_their_own_limit(issued, owner):
    second = make_organization(owner, "Second")
    assert api_keys.create_key(actor_of(owner, second), second, "live", Terms("Server")).secret


def test_rotation_leaves_both_good_for_the_overlap(issued, actor, organization):
    fresh = api_keys.rotate_key(actor, issued.key, timedelta(hours=1))
    for secret in (issued.secret, fresh.secret):
        let_in(secret, ANYWHERE)
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        let_in(fresh.secret, ANYWHERE)
        with pytest.raises(InvalidKeyError):
            let_in(issued.secret, ANYWHERE)
    old = ApiKey.objects.for_organization(organization).get(pk=issued.key.pk)
    assert (old.state, fresh.key.replaces_id) == ("rotating", old.pk)


def test_rotation_takes_the_terms_over(actor, organization):
    terms = Terms("Server", ["runs:start"], ["203.0.113.0/24"], now() + timedelta(days=30))
    first = api_keys.create_key(actor, organization, "live", terms)
    fresh = api_keys.rotate_key(actor, first.key, timedelta(0))
    for name in ("name", "scopes", "networks", "expires_at"):
        assert getattr(fresh.key, name) == getattr(first.key, name), name
    with pytest.raises(InvalidKeyError):
        let_in(first.secret, "203.0.113.9")


def test_at_most_two_are_good_at_a_time(issued, actor, organization):
    """Rotating again ends what the rotation before left good: each key has a rate limit of its own."""
    secrets, key = [issued.secret], issued.key
    let_in(issued.secret, ANYWHERE)
    for _time in range(3):
        fresh = api_keys.rotate_key(actor, key, timedelta(days=30))
        secrets, key = [*secrets, fresh.secret], fresh.key
        for secret in secrets[-2:]:
            let_in(secret, ANYWHERE)
        for secret in secrets[:-2]:
            with pytest.raises(InvalidKeyError):
                let_in(secret, ANYWHERE)
    rows = ApiKey.objects.for_organization(organization).order_by("created_at", "pk")
    assert [(row.state, row.reason) for row in rows] == [
        ("revoked", "rotated"),
        ("revoked", "rotated"),
        ("rotating", ""),
        ("active", ""),
    ]
    codes = [entry.code for entry in entries_for(organization.pk)]
    assert codes.count("accounts.api_key_revoked") == 2


def test_rotation_ends_no_key_of_the_other_environment(issued, actor, organization):
    other = api_keys.create_key(actor, organization, "test", Terms("Trying"))
    api_keys.rotate_key(actor, other.key, timedelta(days=1))
    fresh = api_keys.rotate_key(actor, issued.key, timedelta(days=1))
    api_keys.rotate_key(actor, fresh.key, timedelta(days=1))
    let_in(other.secret, ANYWHERE)


def test_so_many_rotations_a_day_and_no_more(issued, actor, organization):
    with time_machine.travel(datetime(2026, 3, 1, 23, 59, 0, tzinfo=UTC), tick=False):
        key = issued.key
        for _time in range(api_keys.ROTATIONS_A_DAY):
            key = api_keys.rotate_key(actor, key, timedelta(0)).key
        with pytest.raises(KeyLimitError) as refusal:
            api_keys.rotate_key(actor, key, timedelta(0))
        assert (refusal.value.code, refusal.value.extra["retry_after"]) == ("too_many_rotations", 60)
        assert ApiKey.objects.for_organization(organization).get(pk=key.pk).is_live, "refused, it changed something"
    with time_machine.travel(datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC), tick=False):
        assert api_keys.rotate_key(actor, key, timedelta(0)).secret


def test_rotation_counts_neither_as_new_nor_twice(issued, actor):
    fresh = api_keys.rotate_key(actor, issued.key, timedelta(days=1))
    with pytest.raises(ConflictError):
        api_keys.rotate_key(actor, issued.key, timedelta(days=1))
    assert api_keys.rotate_key(actor, fresh.key, timedelta(days=1)).secret


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=30, seconds=1)])
def test_overlaps_have_bounds(issued, actor, overlap):
    with pytest.raises(InvalidInputError):
        api_keys.rotate_key(actor, issued.key, overlap)


def test_a_revoked_key_is_refused_at_the_next_call_and_on_record(issued, organization):
    let_in(issued.secret, ANYWHERE)
    api_keys.revoke_key(issued.key)
    api_keys.revoke_key(issued.key)
    with pytest.raises(InvalidKeyError):
        let_in(issued.secret, ANYWHERE)
    codes = [entry.code for entry in entries_for(organization.pk)]
    assert codes.count("accounts.api_key_revoked") == 1
    assert codes.count("accounts.api_key_created") == 1


def test_unknown_revoked_and_expired_look_alike(actor, organization):
    told = set()
    expiring = Terms("Server", expires_at=now() + timedelta(hours=1))
    issued = api_keys.create_key(actor, organization, "live", expiring)
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        with pytest.raises(InvalidKeyError) as refusal:
            let_in(issued.secret, ANYWHERE)
        told.add((refusal.value.code, str(refusal.value.detail)))
    api_keys.revoke_key(issued.key)
    for secret in (issued.secret, key_format.new_secret("live")):
        with pytest.raises(InvalidKeyError) as refusal:
            let_in(secret, ANYWHERE)
        told.add((refusal.value.code, str(refusal.value.detail)))
    assert len(told) == 1


def test_a_cut_off_key_is_told_so(issued):
    with pytest.raises(InvalidKeyError) as refusal:
        let_in(issued.secret[:-1], ANYWHERE)
    assert refusal.value.code == "malformed_api_key"


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("203.0.113.9", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8::1", True),
        ("203.0.114.9", False),
        ("2001:db9::1", False),
        ("", False),
        ("203.0.113.9, 10.0.0.1", False),
    ],
)
def test_networks(actor, organization, address, inside):
    terms = Terms("Server", networks=["203.0.113.0/24", "2001:db8::/32"])
    issued = api_keys.create_key(actor, organization, "live", terms)
    if inside:
        let_in(issued.secret, address)
    else:
        with pytest.raises(AddressNotAllowedError):
            let_in(issued.secret, address)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms("x", []), "no_scope"),
        (Terms("x", ["members:manage"]), "unknown_scope"),
        (Terms("x", networks=["10.0.0.1/8"]), "invalid_network"),
        (Terms("x", networks=["everywhere"]), "invalid_network"),
        (Terms("x", networks=["10.0.0.0/8"] * 51), "too_many_networks"),
        (Terms("x", expires_at=datetime(2020, 1, 1, tzinfo=UTC)), "invalid_expiry"),
        (Terms("x", expires_at=datetime(2099, 1, 1, tzinfo=UTC)), "invalid_expiry"),
        (Terms(""), "invalid_input"),
        (Terms("go to evil.com"), "invalid_input"),
    ],
)
def test_terms_that_are_refused(actor, organization, terms, code):
    with pytest.raises(InvalidInputError) as refusal:
        api_keys.create_key(actor, organization, "live", terms)
    assert refusal.value.code == code


def test_changed_terms_count_at_once(issued, organization):
    api_keys.change_key(issued.key.created_by, issued.key, Terms("Server", ["runs:start"], ["203.0.113.0/24"]))
    with pytest.raises(AddressNotAllowedError):
        let_in(issued.secret, ANYWHERE)
    assert let_in(issued.secret, "203.0.113.1").credential.scopes == ["runs:start"]
    api_keys.revoke_key(issued.key)
    with pytest.raises(ConflictError):
        api_keys.change_key(issued.key.created_by, issued.key, Terms("Server"))


def test_who_is_removed_takes_their_keys_along(organization, owner):
    developer = make_member(organization, "developer")
    issued = api_keys.create_key(actor_of(developer, organization), organization, "live", Terms("Server"))
    place = Membership.objects.for_organization(organization).get(user=developer)
    members.remove_member(actor_of(owner, organization), place)
    with pytest.raises(InvalidKeyError):
        let_in(issued.secret, ANYWHERE)
    assert ApiKey.objects.for_organization(organization).get().reason == "membership_ended"


def test_a_maker_who_is_demoted_or_kept_out(organization, owner, staff):
    developer = make_member(organization, "developer")
    issued = api_keys.create_key(actor_of(developer, organization), organization, "live", Terms("Server"))
    place = Membership.objects.for_organization(organization).get(user=developer)
    members.change_role(actor_of(owner, organization), place, "viewer")
    assert let_in(issued.secret, ANYWHERE).actor.role == "viewer"
    staff_help.deactivate(developer, by=staff)
    with pytest.raises(InvalidKeyError):
        let_in(issued.secret, ANYWHERE)


def test_a_leak_ends_the_key_and_allows_one_replacement(issued, actor, organization):
    assert api_keys.report_leak("lvq_live_" + "a" * 28) is None
    assert api_keys.report_leak(key_format.new_secret("live")) is None
    assert api_keys.report_leak(issued.secret) == issued.key
    assert api_keys.report_leak(issued.secret) is None
    with pytest.raises(InvalidKeyError):
        let_in(issued.secret, ANYWHERE)
    fresh = api_keys.replace_leaked(actor, issued.key)
    let_in(fresh.secret, ANYWHERE)
    api_keys.revoke_key(fresh.key)
    with pytest.raises(ConflictError):
        api_keys.replace_leaked(actor, issued.key)


def test_a_replacement_lives_as_long_as_the_leaked_key_was_to(actor, organization):
    moment = now()
    with time_machine.travel(moment, tick=False):
        issued = api_keys.create_key(actor, organization, "live", Terms("x", expires_at=moment + timedelta(days=2)))
        api_keys.report_leak(issued.secret)
    with time_machine.travel(moment + timedelta(days=3), tick=False):
        fresh = api_keys.replace_leaked(actor, issued.key)
        assert fresh.key.expires_at == moment + timedelta(days=5)
        let_in(fresh.secret, ANYWHERE)


def test_a_replacement_ends_when_the_leaked_key_would_have(actor, organization):
    ends = now() + timedelta(days=2)
    issued = api_keys.create_key(actor, organization, "live", Terms("x", expires_at=ends))
    api_keys.report_leak(issued.secret)
    with tomorrow():
        assert api_keys.replace_leaked(actor, issued.key).key.expires_at == ends


def test_an_expired_key_is_in_no_replacements_way(issued, actor, organization):
    api_keys.report_leak(issued.secret)
    with tomorrow():
        api_keys.create_key(actor, organization, "live", Terms("Short", expires_at=now() + timedelta(hours=1)))
        with time_machine.travel(now() + timedelta(hours=2), tick=False):
            let_in(api_keys.replace_leaked(actor, issued.key).secret, ANYWHERE)


def test_only_leaked_keys_are_replaced_so(issued, actor):
    api_keys.revoke_key(issued.key)
    with pytest.raises(ConflictError):
        api_keys.replace_leaked(actor, issued.key)


def test_expired_keys_stand_in_nobodys_way(actor, organization):
    api_keys.create_key(actor, organization, "live", Terms("Old", expires_at=now() + timedelta(hours=1)))
    with tomorrow():
        assert api_keys.create_key(actor, organization, "live", Terms("New")).secret
    assert [key.reason for key in ApiKey.objects.for_organization(organization).order_by("pk")] == ["expired", ""]


def test_keys_that_ended_long_ago_go(issued, organization):
    api_keys.revoke_key(issued.key)
    with time_machine.travel(now() + timedelta(days=399), tick=False):
        assert cleanup.token_cleanup(now()).endswith("0 API keys")
    with time_machine.travel(now() + timedelta(days=401), tick=False):
        assert cleanup.token_cleanup(now()).endswith("1 API keys")
    assert not ApiKey.objects.for_organization(organization).exists()


def test_strangers_make_none(organization):
    stranger = make_user("Stranger")
    own = make_organization(stranger)
    with pytest.raises(NotFoundError):
        api_keys.create_key(actor_of(stranger, own), organization, "live", Terms("x"))
