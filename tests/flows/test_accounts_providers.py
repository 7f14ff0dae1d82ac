"""Login by Google and GitHub, from the button to the overview, against providers on loopback."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.test import Client
from django.urls import reverse

from apps.accounts import selectors
from apps.accounts.models import User
from apps.audit.selectors import entries_of_user
from apps.integrations.models import MailMessage
from tests.common.caching import forget_cache
from tests.common.oauth_provider import Provider
from tests.common.roles import PASSWORD, client_of, make_user

ADAPTERS = {"google": GoogleOAuth2Adapter, "github": GitHubOAuth2Adapter}


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


@pytest.fixture(params=["google", "github"])
def provider(request, monkeypatch, settings):
    """A provider that is configured, and stands on loopback."""
    made = Provider(request.param)
    settings.SOCIALACCOUNT_PROVIDERS = made.settings()
    for name, address in made.addresses().items():
        monkeypatch.setattr(ADAPTERS[made.kind], name, address)
    yield made
    made.server.stop()


def log_in(provider, client, query=""):
    """Press the button, be sent to the provider and back. The last answer."""
    there = client.post(reverse(f"{provider.kind}_login") + query)
    back = urlsplit(provider.visit(there.url))
    return client.get(f"{back.path}?{back.query}")


def codes_of(user):
    return list(entries_of_user(user.public_id).order_by("pk").values_list("code", flat=True))


def test_a_newcomer_gets_an_account_and_an_organization(client, provider):
    assert f"Continue with {'Google' if provider.kind == 'google' else 'GitHub'}" in client.get("/accounts/login/").text
    answer = log_in(provider, client)
    assert answer.url == reverse("dashboard")
    user = User.objects.get()
    assert (user.email, user.name) == ("ada@example.com", "Ada Lovelace")
    assert not user.has_usable_password()
    assert [place.organization.name for place in selectors.memberships_of(user)] == ["Ada’s organization"]
    assert "Ada’s organization" in client.get(answer.url).text
    address = EmailAddress.objects.get(user=user)
    assert (address.email, address.verified, address.primary) == ("ada@example.com", True, True)
    assert codes_of(user) == ["accounts.organization_created", "accounts.signed_up", "accounts.logged_in"]


def test_who_comes_back_is_the_same_person(provider):
    log_in(provider, Client())
    provider.person.emails = [("ada@elsewhere.example", False)]
    provider.person.name = "Another Name"
    assert log_in(provider, Client()).url == reverse("dashboard")
    user = User.objects.get()
    assert (user.email, user.name) == ("ada@example.com", "Ada Lovelace")


def test_it_leads_where_one_wanted(client, provider):
    assert log_in(provider, client, "?next=/settings/profile").url == "/settings/profile"
    assert log_in(provider, Client(), "?next=https://evil.example/").url == reverse("dashboard")


def test_an_account_of_the_same_address_is_connected_when_the_provider_vouches(client, provider):
    known = make_user(email="ada@example.com")
    assert log_in(provider, client).url == reverse("dashboard")
    assert SocialAccount.objects.get().user == known == User.objects.get()
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    assert codes_of(known) == ["accounts.social_connected", "accounts.logged_in"]
    assert MailMessage.objects.get(template="accounts/account_connected").to == "ada@example.com"


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_without_the_providers_word_it_is_refused(client, provider, known):
    """The page is the same whether somebody has an account of that address or not."""
    if known:
        make_user(email="ada@example.com")
    provider.person.emails = [("ada@example.com", False)]
    page = log_in(provider, client)
    assert page.status_code == 403
    assert "has not confirmed that" in page.text
    assert "ada@example.com" in page.text
    assert client.get(reverse("dashboard")).status_code == 302
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == int(known)
    assert not MailMessage.objects.exists()


def test_without_an_address_it_is_refused(client, provider):
    provider.person.emails = []
    page = log_in(provider, client)
    assert page.status_code == 403
    assert "did not tell us an e-mail address" in page.text
    assert not User.objects.exists()


def test_an_account_that_nobody_confirmed_is_taken_from_who_made_it(provider):
    """Somebody signed up with Ada's address and waits for her: their password is gone once she comes."""
    squatted = make_user(email="ada@example.com", verified=False)
    client = Client()
    answer = log_in(provider, client)
    assert answer.url == reverse("account_email_verification_sent")
    squatted.refresh_from_db()
    assert not squatted.has_usable_password()


def test_the_second_factor_is_asked_for(client, provider):
    known = make_user(email="ada@example.com")
    Authenticator.objects.create(user=known, type="totp", data={"secret": "x"})
    assert log_in(provider, client).url == reverse("mfa_authenticate")
    assert client.get(reverse("dashboard")).status_code == 302


def test_an_inactive_person_stays_out(client, provider):
    make_user(email="ada@example.com", is_active=False)
    assert log_in(provider, client).url == reverse("account_inactive")
    assert client.get(reverse("dashboard")).status_code == 302


def test_who_says_no_is_told_so(client, provider):
    provider.refuses = True
    answer = log_in(provider, client)
    assert "You stopped the login" in client.get(answer.url).text
    assert not User.objects.exists()


def test_a_provider_out_of_order_is_told(client, provider):
    provider.breaks = True
    page = log_in(provider, client)
    assert page.status_code == 401
    assert "The login did not work" in page.text


def test_an_answer_that_nobody_asked_for_is_refused(client, provider):
    """Another browser's answer (login CSRF), and the same answer twice."""
    there = client.post(reverse(f"{provider.kind}_login"))
    back = urlsplit(provider.visit(there.url))
    assert set(parse_qs(back.query)) == {"code", "state"}
    victim = Client()
    assert victim.get(f"{back.path}?{back.query}").status_code == 401
    assert victim.get(reverse("dashboard")).status_code == 302
    assert client.get(f"{back.path}?{back.query}").url == reverse("dashboard")
    client.post(reverse("account_logout"))
    assert client.get(f"{back.path}?{back.query}").status_code == 401


def test_opening_the_address_alone_starts_nothing(client, provider):
    page = client.get(reverse(f"{provider.kind}_login"))
    assert "You will be taken to" in page.text


def test_connecting_in_the_settings_needs_no_address(owner, organization, provider):
    provider.person.emails = [("private@elsewhere.example", False)]
    client = client_of(owner)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert "Connected logins" in client.get(reverse("profile")).text
    assert log_in(provider, client, "?process=connect").url == reverse("socialaccount_connections")
    assert SocialAccount.objects.get().user == owner
    page = client.get(reverse("socialaccount_connections"))
    assert "Disconnect" in page.text
    assert "The login was connected." in page.text
    assert "accounts.social_connected" in codes_of(owner)
    newcomer = Client()
    assert log_in(provider, newcomer).url == reverse("dashboard")
    answer = client.post(reverse("socialaccount_connections"), {"account": SocialAccount.objects.get().pk})
    assert answer.url == reverse("socialaccount_connections")
    assert not SocialAccount.objects.exists()
    owner.refresh_from_db()
    assert owner.email != "private@elsewhere.example"


def test_the_last_way_in_stays(client, provider):
    log_in(provider, client)
    page = client.post(reverse("socialaccount_connections"), {"account": SocialAccount.objects.get().pk})
    assert page.status_code == 200
    assert SocialAccount.objects.exists()


def test_without_a_provider_there_is_no_page_of_connections(owner, organization, settings):
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert "Connected logins" not in client_of(owner).get(reverse("profile")).text


def test_the_confirmed_address_counts_not_the_first(client, settings, monkeypatch):
    provider = Provider("github")
    settings.SOCIALACCOUNT_PROVIDERS = provider.settings()
    for name, address in provider.addresses().items():
        monkeypatch.setattr(GitHubOAuth2Adapter, name, address)
    hidden = "1001+ada@users.noreply.github.com"
    provider.person.emails = [("first@example.com", False), (hidden, True), ("second@example.com", True)]
    try:
        assert log_in(provider, client).url == reverse("dashboard")
    finally:
        provider.server.stop()
    user = User.objects.get()
    assert user.email == "second@example.com"
    assert [address.email for address in EmailAddress.objects.filter(user=user)] == ["second@example.com"]
