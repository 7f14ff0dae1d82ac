"""What a process remembers of credentials: the last ones, never longer than it is so."""

import pytest

from apps.accounts.errors import InvalidKeyError
from apps.accounts.models import ApiKey, TokenFamily
from apps.accounts.services import api_keys, tokens, version_names
from apps.accounts.services.access import Shown
from apps.accounts.services.api_keys import Terms
from apps.core import versions
from apps.usage.gate import known
from apps.usage.gate.known import Memory, read
from apps.usage.gate.port import StaleError
from apps.usage.limits import Limits, set_limits
from tests.common.gates import call_of, client, forget_strikes, gate_named
from tests.common.roles import actor_of, make_organization

pytestmark = pytest.mark.django_db
LOOKS = 3  # the versions' names, the rows once more, the limits


@pytest.fixture
def memory():
    client()
    return Memory(most=2)


@pytest.fixture
def shown(owner, organization):
    return show(owner, organization)


def show(owner, organization):
    secret = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Server")).secret
    forget_strikes()
    return Shown(secret)


def recall(memory, shown):
    return memory.recall(shown) or memory.learn(shown)


def test_what_was_read_once_is_remembered(memory, shown, organization, django_assert_num_queries):
    with django_assert_num_queries(LOOKS):
        first = recall(memory, shown)
    with django_assert_num_queries(0):
        assert recall(memory, shown) is first
    assert first.access.actor.organization == organization
    assert [key for key, _word in first.words] == [versions.version_key(name) for name in first.access.made_of]
    assert versions.look(first.access.made_of) == [word for _key, word in first.words]


def test_forgotten_it_is_read_anew(memory, shown, django_assert_num_queries):
    recall(memory, shown)
    memory.forget(shown)
    memory.forget(shown)
    with django_assert_num_queries(LOOKS):
        recall(memory, shown)


def test_the_one_used_longest_ago_goes_first(memory, owner, django_assert_num_queries):
    one, two, three = (show(owner, make_organization(owner, name)) for name in ("One", "Two", "Three"))
    for each in (one, two, one, three):
        recall(memory, each)
    with django_assert_num_queries(0):
        recall(memory, one)
        recall(memory, three)
    with django_assert_num_queries(LOOKS):
        recall(memory, two)


def test_nothing_is_remembered_while_it_is_being_changed(memory, shown, organization, django_assert_num_queries):
    set_limits(organization, "pro")
    for _time in range(2):
        with django_assert_num_queries(LOOKS):
            seen = recall(memory, shown)
        assert versions.BLOCKED in [word for _name, word in seen.words]
        assert gate_named("redis").admit(call_of(organization), seen.words).refusal == "", "it holds for this call"


def test_the_versions_are_looked_at_before_the_rows(memory, shown, organization, monkeypatch):
    """A change between the two is noticed: what was read may be older than it."""
    look = versions.look

    def look_and_change(names):
        words = look(names)
        key = ApiKey.objects.for_organization(organization).get()
        api_keys.change_key(key.created_by, key, Terms("Renamed"))
        return words

    monkeypatch.setattr(known.versions, "look", look_and_change)
    seen = recall(memory, shown)
    with pytest.raises(StaleError):
        gate_named("redis").admit(call_of(organization), seen.words)


def test_whoever_belongs_elsewhere_by_then_is_not_remembered(memory, shown, owner, monkeypatch):
    other = make_organization(owner, "Other")
    look = versions.look

    def look_and_move(names):
        ApiKey.objects.unscoped().update(organization=other)
        return look(names)

    monkeypatch.setattr(known.versions, "look", look_and_move)
    seen = recall(memory, shown)
    assert {word for _name, word in seen.words} == {versions.BLOCKED}
    with pytest.raises(StaleError):
        gate_named("redis").admit(call_of(other), seen.words)
    its_own = versions.version_key(version_names.of_organization(other.pk))
    assert its_own in {key for key, _word in recall(memory, shown).words}


def test_a_token_in_a_keys_place_is_not_recalled_as_a_token(memory, owner, organization):
    text = tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="x").access
    recall(memory, Shown(text, may_be_token=True))
    with pytest.raises(InvalidKeyError):
        recall(memory, Shown(text))


def test_read_remembers_nothing(shown, organization, django_assert_num_queries):
    set_limits(organization, "pro")
    for _time in range(2):
        with django_assert_num_queries(2):
            seen = read(shown)
    assert (seen.limits, seen.words) == (Limits("pro", 300, 10_000), ())
