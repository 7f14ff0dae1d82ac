"""Small things that pages show."""

import pytest
from django.test import RequestFactory

from apps.accounts.context_processors import account, login_methods
from apps.accounts.permissions import Actor
from apps.accounts.templatetags.accounts import browser
from tests.common.roles import actor_of, make_organization


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15.0) Gecko/20100101 Firefox/150.0", "Firefox on macOS"),
        ("curl/8.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_browsers_in_words(user_agent, words):
    assert browser(user_agent) == words


def request_of(actor):
    request = RequestFactory().get("/")
    request.actor = actor
    return request


def test_the_switcher_offers_ones_organizations(owner, organization):
    second = make_organization(owner, "Second")
    switcher = account(request_of(actor_of(owner, organization)))["switcher"]
    assert switcher.current == organization
    assert switcher.organizations == [organization, second]
    assert switcher.role_label == "Owner"
    assert switcher.create_url


def test_staff_as_a_customer_switch_nowhere(owner, organization, staff):
    make_organization(owner, "Second")
    switcher = account(request_of(Actor(owner, organization, "session", "owner", staff)))["switcher"]
    assert switcher.organizations == [organization]
    assert not switcher.create_url


def test_visitors_have_no_switcher():
    assert not account(request_of(None))["switcher"]


def test_the_demo_login_is_told_only_in_a_demo(settings):
    assert account(request_of(None))["demo"]["email"] == "owner@demo.levqor.test"
    settings.DEMO = False
    assert not account(request_of(None))["demo"]


def test_login_methods_follow_the_settings(settings):
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert login_methods() == []
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {}, "google": {}}
    assert [method.name for method in login_methods()] == ["google", "github"]
