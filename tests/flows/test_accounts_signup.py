"""A person arrives, comes back, forgets the password, protects the account: through the pages, with the real mail."""

import re
from base64 import b64decode
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from apps.accounts.models import TokenFamily, User
from apps.accounts.services import tokens
from apps.audit.selectors import entries_of_user
from apps.core.clock import now
from apps.integrations.models import MailMessage
from tests.common.caching import forget_cache
from tests.common.roles import PASSWORD, client_of, make_user

NEW = "quite-another-battery"


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


def mail_to(address):
    """The latest mail to an address."""
    return MailMessage.objects.filter(to=address).latest("due_at", "pk")


def link_in(mail, pattern):
    """The path of a link in a mail."""
    return re.search(rf"https?://[^/]+({pattern}\S*)", mail.text).group(1)


def sign_up(client, email="ada@example.com", name="Ada Lovelace", **extra):
    return client.post(reverse("account_signup"), {"name": name, "email": email, "password1": PASSWORD, **extra})


def log_in(client, email, password=PASSWORD, **extra):
    return client.post(reverse("account_login"), {"login": email, "password": password, **extra})


def codes_of(user):
    return list(entries_of_user(user.public_id).order_by("pk").values_list("code", flat=True))


def test_from_sign_up_to_the_overview(client):
    answer = sign_up(client)
    assert answer.url == reverse("account_email_verification_sent")
    user = User.objects.get()
    assert (user.name, user.email) == ("Ada Lovelace", "ada@example.com")
    assert client.get(reverse("dashboard")).status_code == 302
    mail = mail_to("ada@example.com")
    assert "Confirm" in mail.subject
    assert mail.html
    page = client.get(link_in(mail, "/accounts/confirm-email/"))
    assert b"ada@example.com" in page.content
    answer = client.post(link_in(mail, "/accounts/confirm-email/"))
    assert answer.url == reverse("dashboard")
    page = client.get(answer.url)
    assert page.status_code == 200
    assert "Ada’s organization" in page.text
    assert codes_of(user) == [
        "accounts.organization_created",
        "accounts.signed_up",
        "accounts.email_confirmed",
        "accounts.logged_in",
    ]
    assert MailMessage.objects.count() == 1


def test_without_confirmation_nobody_comes_in(client):
    sign_up(client)
    answer = log_in(Client(), "ada@example.com")
    assert answer.url == reverse("account_email_verification_sent")


def test_an_existing_address_is_not_given_away(client):
    known = make_user(email="ada@example.com")
    first = sign_up(client)
    second = sign_up(Client(), email="new@example.com")
    assert first.url == second.url
    assert User.objects.filter(email="ada@example.com").get() == known
    assert "already" in mail_to("ada@example.com").subject


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password1", "short"),
        ("password1", "password1234"),
        ("email", "nonsense"),
        ("name", ""),
        ("name", "see https://evil.example"),
        ("name", "x" * 200),
    ],
)
def test_bad_input_is_told_at_the_field(client, field, value):
    data = {"name": "Ada", "email": "ada@example.com", "password1": PASSWORD, field: value}
    page = client.post(reverse("account_signup"), data)
    assert page.status_code == 200
    assert field in page.context["form"].errors
    assert not User.objects.exists()


def test_a_wrong_password_says_no_more_for_a_known_address(client):
    user = make_user(email="ada@example.com")
    wrong = log_in(client, "ada@example.com", "wrong")
    unknown = log_in(client, "nobody@example.com", "wrong")
    assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
    assert codes_of(user) == ["accounts.login_failed"]


def test_guessing_passwords_is_stopped(client):
    make_user(email="ada@example.com")
    for _try in range(5):
        log_in(client, "ada@example.com", "wrong")
    page = log_in(client, "ada@example.com")
    assert "Too many failed login attempts" in page.text
    with time_machine.travel(now() + timedelta(minutes=6), tick=False):
        assert log_in(client, "ada@example.com").status_code == 302


def test_the_login_ignores_case_and_leads_where_one_wanted(client):
    make_user(email="ada@example.com")
    answer = log_in(client, "ADA@example.com", next="/settings/profile")
    assert answer.url == "/settings/profile"
    foreign = log_in(Client(), "ada@example.com", next="https://evil.example/")
    assert foreign.url == reverse("dashboard")


def test_staff_land_at_their_desk(client, staff, owner, organization):
    assert log_in(client, staff.email).url == reverse("admin:index")
    owner.is_staff = True
    owner.save()
    assert log_in(Client(), owner.email).url == reverse("dashboard")


def test_logging_out_takes_a_form(client):
    user = make_user()
    client.force_login(user)
    assert client.get(reverse("account_logout")).status_code == 200
    assert client.post(reverse("account_logout")).status_code == 302
    assert client.get(reverse("profile")).status_code == 302
    assert codes_of(user)[-1] == "accounts.logged_out"


def test_a_forgotten_password(client, owner, organization):
    pair = tokens.mint(owner, organization, origin=TokenFamily.Origin.SESSION, client_name="ci")
    answer = client.post(reverse("account_reset_password"), {"email": owner.email.upper()})
    assert answer.url == reverse("account_reset_password_done")
    answer = client.get(link_in(mail_to(owner.email), "/accounts/password/reset/key/"))
    page = client.get(answer.url)
    assert page.status_code == 200
    answer = client.post(answer.url, {"password1": NEW, "password2": NEW})
    assert answer.url == reverse("account_reset_password_from_key_done")
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert "reset" in mail_to(owner.email).subject
    assert "accounts.password_reset" in codes_of(owner)
    with pytest.raises(Exception, match="revoked"):
        tokens.holder_of(pair.access)
    used = client.get(link_in(MailMessage.objects.filter(template="accounts/password_reset_key").get(), "/accounts/"))
    assert "no longer works" in used.text


def test_a_forgotten_password_of_nobody_looks_the_same(client):
    answer = client.post(reverse("account_reset_password"), {"email": "nobody@example.com"})
    assert answer.url == reverse("account_reset_password_done")
    assert mail_to("nobody@example.com").template == "accounts/unknown_account"


def reauthenticate(client, password=PASSWORD):
    """Confirm that it is oneself, as the pages demand before credentials change."""
    return client.post(reverse("account_reauthenticate"), {"password": password})


def test_changing_the_password(owner, organization):
    client = client_of(owner)
    other = client_of(owner)
    page = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )
    assert page.status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert client.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302
    assert "changed" in mail_to(owner.email).subject


def test_changing_the_address(owner, organization):
    client = client_of(owner)
    reauthenticate(client)
    old = owner.email
    answer = client.post(reverse("account_email"), {"action_add": "", "email": "fresh@example.com"})
    assert answer.status_code == 302
    owner.refresh_from_db()
    assert owner.email == old
    assert "Changing to" in client.get(reverse("account_email")).text
    answer = client.post(link_in(mail_to("fresh@example.com"), "/accounts/confirm-email/"))
    owner.refresh_from_db()
    assert owner.email == "fresh@example.com"
    assert EmailAddress.objects.get(user=owner).email == "fresh@example.com"
    assert "accounts.email_changed" in codes_of(owner)


def test_two_factor_from_setting_up_to_the_recovery_code(owner, organization, django_capture_on_commit_callbacks):
    client = client_of(owner)
    answer = client.get(reverse("mfa_activate_totp"))
    assert answer.url.startswith(reverse("account_reauthenticate"))
    assert reauthenticate(client, "wrong").status_code == 200
    reauthenticate(client)
    page = client.get(reverse("mfa_activate_totp"))
    assert 'src="data:image/svg+xml' in page.text
    drawing = b64decode(page.context["totp_svg_data_uri"].partition("base64,")[2]).decode()
    assert 'fill="#fff"' in drawing  # a camera needs the white ground on a dark page
    secret = page.context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.url == reverse("mfa_view_recovery_codes")
    stored = Authenticator.objects.get(user=owner, type=Authenticator.Type.TOTP)
    assert secret not in str(stored.data)
    recovery = client.get(answer.url).context["unused_codes"]
    assert len(recovery) == 10
    assert "turned on" in MailMessage.objects.get(template="accounts/totp_activated").subject

    newcomer = Client()
    assert log_in(newcomer, owner.email).url == reverse("mfa_authenticate")
    assert newcomer.get(reverse("dashboard")).status_code == 302
    assert newcomer.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert newcomer.post(reverse("mfa_authenticate"), {"code": recovery[0]}).status_code == 302
    assert newcomer.get(reverse("dashboard")).status_code == 200
    another = Client()
    log_in(another, owner.email)
    assert another.post(reverse("mfa_authenticate"), {"code": recovery[0]}).status_code == 200

    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("mfa_generate_recovery_codes")).status_code == 302
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 302
    assert not Authenticator.objects.filter(user=owner).exists()
    recorded = codes_of(owner)
    for code, times in (("mfa_added", 1), ("mfa_failed", 2), ("mfa_codes_made", 2), ("mfa_removed", 1)):
        assert recorded.count(f"accounts.{code}") == times


def code_of(secret):
    """What an authenticator app would show now."""
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def test_sessions_are_listed_and_ended(owner, organization):
    here, there = client_of(owner, HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"), Client()
    log_in(there, owner.email)
    assert there.get(reverse("profile")).status_code == 200
    page = here.get(reverse("usersessions_list"))
    assert "Chrome on Linux" in page.text
    foreign = UserSession.objects.get(user=owner, session_key=there.session.session_key)
    answer = here.post(reverse("session_end", args=[foreign.pk]))
    assert answer.url == reverse("usersessions_list")
    assert there.get(reverse("profile")).status_code == 302
    assert here.get(reverse("profile")).status_code == 200
    assert codes_of(owner)[-1] == "accounts.session_revoked"


def test_sessions_of_others_are_not_there(owner, organization, outsider):
    stranger = client_of(outsider)
    client_of(owner).get(reverse("profile"))
    session = UserSession.objects.get(user=owner)
    assert stranger.post(reverse("session_end", args=[session.pk])).status_code == 404
    assert UserSession.objects.filter(pk=session.pk).exists()


def test_ending_all_others(owner, organization):
    here, there = client_of(owner), client_of(owner)
    there.get(reverse("profile"))
    here.get(reverse("profile"))
    here.post(reverse("usersessions_list"))
    assert there.get(reverse("profile")).status_code == 302
    assert here.get(reverse("profile")).status_code == 200


def test_the_security_log_shows_ones_own_account(owner, organization, outsider):
    client = client_of(owner)
    log_in(Client(), owner.email, "wrong")
    page = client.get(reverse("security_log"))
    assert "Login failed" in page.text
    assert "Login failed" not in client_of(outsider).get(reverse("security_log")).text


def test_the_profile(owner, organization):
    client = client_of(owner)
    assert client.post(reverse("profile"), {"name": "Olivia O."}).status_code == 302
    owner.refresh_from_db()
    assert owner.name == "Olivia O."
    assert client.post(reverse("profile"), {"name": "  "}).status_code == 422


def test_login_providers_are_offered_only_when_configured(client, settings):
    assert "Continue with" not in client.get(reverse("account_login")).text
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [{"client_id": "x", "secret": "y"}]}}
    page = client.get(reverse("account_login")).text
    assert "Continue with GitHub" in page
    assert "Continue with Google" not in page
    answer = client.post(reverse("github_login"))
    assert answer.url.startswith("https://github.com/login/oauth/authorize")


def test_an_inactive_person_stays_out(client):
    make_user(email="ada@example.com", is_active=False)
    assert log_in(client, "ada@example.com").url == reverse("account_inactive")
    assert client.get(reverse("account_inactive")).status_code == 200
