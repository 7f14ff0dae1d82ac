"""allauth in our house: mail through the outbox, an organization at sign-up, secrets encrypted."""

from pathlib import Path

import allauth
import pytest
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.sessions.backends.db import SessionStore

from apps.accounts import selectors
from apps.accounts.adapters import AccountAdapter, MFAAdapter, SocialAccountAdapter
from apps.accounts.models import User
from apps.core.clock import now
from apps.integrations.models import MailMessage

TEMPLATES = Path(allauth.__file__).parent / "templates"
NOT_USED = ("login_code", "password_reset_code", "base_")
MAILS = sorted(
    path.name.removesuffix("_subject.txt")
    for room in ("account", "mfa", "socialaccount")
    for path in (TEMPLATES / room / "email").glob("*_subject.txt")
    if not path.name.startswith(NOT_USED)
)


@pytest.fixture
def request_(rf):
    request = rf.get("/", REMOTE_ADDR="192.0.2.7")
    request.session = SessionStore()
    with context.request_context(request):
        yield request


def test_allauth_has_mails_at_all():
    assert len(MAILS) >= 15


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_of_allauth_is_one_of_ours(db, request_, name):
    values = {
        "request": request_,
        "activate_url": "https://example.com/go",
        "password_reset_url": "https://example.com/go",
        "signup_url": "https://example.com/go",
        "timestamp": now(),
        "ip": "192.0.2.7",
        "user_agent": "x",
        "provider": "GitHub",
        "from_email": "old@example.com",
        "to_email": "new@example.com",
        "deleted_email": "old@example.com",
    }
    AccountAdapter(request_).send_mail(f"account/email/{name}", "ada@example.com", values)
    mail = MailMessage.objects.get()
    assert mail.to == "ada@example.com"
    for part in (mail.subject, mail.text, mail.html):
        assert part.strip()
        assert "{{" not in part


def test_the_address_of_a_client_is_what_the_server_saw(rf):
    adapter = AccountAdapter()
    assert adapter.get_client_ip(rf.get("/", REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="1.2.3.4")) == "192.0.2.7"


def test_two_factor_secrets_are_encrypted():
    adapter = MFAAdapter()
    hidden = adapter.encrypt("JBSWY3DPEHPK3PXP")
    assert "JBSWY3DPEHPK3PXP" not in hidden
    assert adapter.decrypt(hidden) == "JBSWY3DPEHPK3PXP"
    assert adapter.get_totp_issuer() == "Levqor"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"email": "ada@example.com", "name": "Ada Lovelace"}, "Ada Lovelace"),
        ({"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"email": "ada@example.com"}, ""),
        ({"email": "ada@example.com", "name": "x" * 300}, "x" * 120),
    ],
)
def test_a_provider_brings_address_and_name(request_, data, name):
    login = SocialLogin(user=User(), account=SocialAccount(provider="github", uid="1"))
    user = SocialAccountAdapter().populate_user(request_, login, data)
    assert (user.email, user.name) == ("ada@example.com", name)


def test_who_signs_up_by_a_provider_gets_an_organization(realm, request_):
    login = SocialLogin(
        user=User(email="ada@example.com", name="Ada"),
        account=SocialAccount(provider="github", uid="1"),
        email_addresses=[EmailAddress(email="ada@example.com", verified=True, primary=True)],
    )
    user = SocialAccountAdapter().save_user(request_, login)
    assert not user.has_usable_password()
    assert [place.organization.name for place in selectors.memberships_of(user)] == ["Ada’s organization"]
    assert SocialAccount.objects.get(user=user).provider == "github"


def test_links_in_mail_lead_to_our_own_address_whatever_the_host_header_says(db, client, owner, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    client.post("/accounts/password/reset/", {"email": owner.email}, headers={"host": "testserver:6666"})
    mail = MailMessage.objects.get(template="accounts/password_reset_key")
    assert f"{settings.SITE_URL}/accounts/password/reset/key/" in mail.text
    assert "6666" not in mail.text + mail.html


def test_signing_up_takes_as_long_for_a_known_address(db, client, owner, monkeypatch):
    hashed = []
    monkeypatch.setattr("apps.accounts.forms.make_password", hashed.append)
    form = {"name": "Ada", "email": owner.email, "password1": "correct-horse-9"}
    known = client.post("/accounts/signup/", form)
    assert (known.status_code, hashed) == (302, ["correct-horse-9"])
    new = client.post("/accounts/signup/", form | {"email": "new@example.com"})
    assert (new.status_code, new["Location"], len(hashed)) == (302, known["Location"], 1)
