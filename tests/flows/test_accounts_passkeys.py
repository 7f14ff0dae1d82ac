"""Passkeys through the pages, with a passkey in software: added, used three ways, renamed, removed, refused."""

import json
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from apps.accounts import forms_passkeys
from apps.audit.models import AuditEntry
from apps.audit.selectors import entries_of_user
from apps.core.clock import now
from apps.integrations.models import MailMessage
from tests.common.caching import forget_cache
from tests.common.passkey import SoftPasskey
from tests.common.roles import PASSWORD, client_of, make_user

HOST = {"HTTP_HOST": "localhost"}


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


def codes_of(user):
    return list(entries_of_user(user.public_id).order_by("pk").values_list("code", flat=True))


def trusted(user):
    """A browser of this person that has just shown who it is."""
    client = client_of(user, **HOST)
    assert client.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    return client


def add(user, key, client=None, **data):
    client = client or trusted(user)
    options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
    form = {"name": "My phone", "passwordless": "on", "credential": key.register(as_json(options)), **data}
    return client.post(reverse("mfa_add_webauthn"), form)


def as_json(options):
    """As the browser gets them."""
    return json.loads(json.dumps(options))


def login_options(client):
    answer = client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    return answer.json()["request_options"]


def log_in_with(key, client=None, **data):
    client = client or Client(**HOST)
    credential = key.sign(login_options(client))
    return client.post(reverse("mfa_login_webauthn"), {"credential": credential, **data}), client


def log_in_with_password(client, email):
    return client.post(reverse("account_login"), {"login": email, "password": PASSWORD})


def test_added_then_enough_to_log_in(owner, organization, django_capture_on_commit_callbacks):
    key = SoftPasskey()
    with django_capture_on_commit_callbacks(execute=True):
        answer = add(owner, key)
    assert answer.url == reverse("mfa_view_recovery_codes")
    assert "added" in MailMessage.objects.get(template="accounts/webauthn_added").subject
    answer, client = log_in_with(key, next="/settings/profile")
    assert answer.url == "/settings/profile"
    assert client.get(reverse("dashboard")).status_code == 200
    assert codes_of(owner) == [
        "accounts.organization_created",
        "accounts.passkey_added",
        "accounts.mfa_codes_made",
        "accounts.logged_in",
    ]
    assert entries_of_user(owner.public_id).get(code="accounts.logged_in").data["method"] == "passkey"
    page = client.get(reverse("mfa_index")).text
    assert "My phone" in page
    assert "Lets you in by itself" in page


def test_a_second_proof_besides_the_password(owner, organization):
    key, client = SoftPasskey(), Client(**HOST)
    add(owner, key)
    assert log_in_with_password(client, owner.email).url == reverse("mfa_authenticate")
    page = client.get(reverse("mfa_authenticate"))
    assert "one of your recovery codes" in page.text
    assert "authenticator app" not in page.text
    wrong = SoftPasskey().sign(as_json(page.context["js_data"]["request_options"]))
    page = client.post(reverse("mfa_authenticate"), {"credential": wrong})
    assert "This passkey was not accepted" in page.text
    right = key.sign(as_json(page.context["js_data"]["request_options"]))
    assert client.post(reverse("mfa_authenticate"), {"credential": right}).url == reverse("dashboard")
    assert codes_of(owner)[-2:] == ["accounts.mfa_failed", "accounts.logged_in"]


def test_confirming_that_it_is_oneself(owner, organization):
    key = SoftPasskey()
    add(owner, key)
    client, here = (
        client_of(owner, **HOST),
        reverse("mfa_reauthenticate_webauthn") + "?next=/accounts/2fa/webauthn/add/",
    )
    assert client.get(reverse("mfa_add_webauthn")).status_code == 302
    page = client.get(here)
    wrong = SoftPasskey().sign(as_json(page.context["js_data"]["request_options"]))
    answer = client.post(here, {"credential": wrong})
    assert answer.url == here.replace("/accounts/2fa/webauthn/add/", "%2Faccounts%2F2fa%2Fwebauthn%2Fadd%2F")
    page = client.get(answer.url)
    assert "This passkey was not accepted" in page.text
    right = key.sign(as_json(page.context["js_data"]["request_options"]))
    assert client.post(here, {"credential": right}).url == reverse("mfa_add_webauthn")
    assert client.get(reverse("mfa_add_webauthn")).status_code == 200


def test_renamed_and_removed(owner, organization):
    key, client = SoftPasskey(), trusted(owner)
    add(owner, key, client)
    pk = Authenticator.objects.get(user=owner, type="webauthn").pk
    edit, remove = reverse("mfa_edit_webauthn", args=[pk]), reverse("mfa_remove_webauthn", args=[pk])
    assert client.post(edit, {"name": " \u202e "}).status_code == 200
    assert client.post(edit, {"name": "Work  laptop\u0007"}).url == reverse("mfa_index")
    assert "Work laptop" in client.get(reverse("mfa_index")).text
    assert client.delete(remove).status_code == 405
    assert client.get(remove).status_code == 200
    assert client.post(remove).url == reverse("mfa_index")
    assert not Authenticator.objects.filter(user=owner).exists()
    assert MailMessage.objects.filter(template="accounts/webauthn_removed", to=owner.email).exists()
    assert [code for code in codes_of(owner) if "passkey" in code] == [
        "accounts.passkey_added",
        "accounts.passkey_renamed",
        "accounts.passkey_removed",
    ]
    answer, stranger = log_in_with(key)
    assert answer.url == reverse("account_login")
    assert "This passkey was not accepted" in stranger.get(answer.url).text
    log = client.get(reverse("security_log")).text
    for line in ("Added a passkey", "Renamed a passkey", "Removed a passkey"):
        assert line in log


def test_the_passkeys_of_others_are_not_there(owner, organization, outsider):
    add(owner, SoftPasskey())
    pk = Authenticator.objects.get(user=owner, type="webauthn").pk
    client = trusted(outsider)
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert client.get(reverse(name, args=[pk])).status_code == 404
        assert client.post(reverse(name, args=[pk]), {"name": "Mine"}).status_code == 404
    assert Authenticator.objects.get(pk=pk).data["name"] == "My phone"


def test_a_key_that_verifies_nobody_does_not_log_in_alone(owner, organization):
    """Not even with an answer to a question of the second-factor page, which asks for no fingerprint, face or PIN."""
    key = SoftPasskey(verifies=False)
    add(owner, key, passwordless="")
    answer, _client = log_in_with(key)
    assert answer.url == reverse("account_login")
    thief, thiefs_own = make_user("Thief"), SoftPasskey(verifies=False)
    add(thief, thiefs_own, passwordless="")
    client = Client(**HOST)
    log_in_with_password(client, thief.email)
    options = as_json(client.get(reverse("mfa_authenticate")).context["js_data"]["request_options"])
    with time_machine.travel(now() + timedelta(minutes=16)):  # the half-made login is forgotten, the question is not
        answer = client.post(reverse("mfa_login_webauthn"), {"credential": key.sign(options)})
    assert answer.url == reverse("account_login")
    assert client.get(reverse("dashboard")).status_code == 302
    failures = AuditEntry.objects.unscoped().filter(code="accounts.login_failed")
    assert [entry.data["method"] for entry in failures] == ["passkey", "passkey"]


def test_a_passkey_of_another_site_is_refused(owner, organization):
    key = SoftPasskey()
    add(owner, key)
    key.origin = "https://localhost.evil.example"
    assert log_in_with(key)[0].url == reverse("account_login")
    key.origin = "http://localhost"
    key.user_handle = ""
    assert log_in_with(key)[0].url == reverse("account_login")


def test_an_answer_counts_once(owner, organization):
    key, client = SoftPasskey(), Client(**HOST)
    add(owner, key)
    credential = key.sign(login_options(client))
    assert client.post(reverse("mfa_login_webauthn"), {"credential": credential}).url == reverse("dashboard")
    again = Client(**HOST)
    login_options(again)
    assert again.post(reverse("mfa_login_webauthn"), {"credential": credential}).url == reverse("account_login")


def test_an_inactive_person_stays_out(owner, organization):
    key = SoftPasskey()
    add(owner, key)
    owner.is_active = False
    owner.save()
    answer, client = log_in_with(key)
    assert answer.url == reverse("account_inactive")
    assert client.get(reverse("dashboard")).status_code == 302


DATA = {"id": "eA", "rawId": "eA", "type": "public-key"}
MALFORMED = [
    "",
    "1",
    "[]",
    "{}",
    "null",
    "not json",
    json.dumps(DATA | {"response": {}}),
    json.dumps(DATA | {"response": 5}),
    json.dumps(DATA | {"response": {"clientDataJSON": "e30", "attestationObject": "oA"}}),
    json.dumps(DATA | {"response": dict.fromkeys(("authenticatorData", "signature", "userHandle"), "eA")}),
    json.dumps({"x": "\0"}),
    json.dumps({"x": "y" * 20_000}),
]


@pytest.mark.parametrize("credential", MALFORMED)
def test_what_no_browser_sends_is_refused(owner, organization, credential):
    client = trusted(owner)
    client.get(reverse("mfa_add_webauthn"))
    assert client.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": credential}).status_code == 200
    assert not Authenticator.objects.filter(user=owner).exists()
    visitor = Client(**HOST)
    login_options(visitor)
    assert visitor.post(reverse("mfa_login_webauthn"), {"credential": credential}).url == reverse("account_login")


@pytest.mark.parametrize("part", ["attestationObject", "clientDataJSON"])
def test_a_damaged_new_key_is_refused(owner, organization, part):
    for cut in (0, 1, 10, 40, 60, 100):
        client = trusted(owner)
        options = as_json(client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"])
        credential = json.loads(SoftPasskey().register(options))
        credential["response"][part] = credential["response"][part][:cut]
        data = {"name": "x", "credential": json.dumps(credential)}
        page = client.post(reverse("mfa_add_webauthn"), data)
        assert page.status_code == 200
        assert page.context["form"].errors
    assert not Authenticator.objects.filter(user=owner).exists()


@pytest.mark.parametrize("part", ["authenticatorData", "clientDataJSON", "signature", "userHandle"])
def test_a_damaged_answer_is_refused(owner, organization, part):
    key = SoftPasskey()
    add(owner, key)
    for broken in ("", "eA", "A" * 43, "A" * 50, 5, None, {}, "é"):
        client = Client(**HOST)
        forget_cache()
        credential = key.sign(login_options(client), **{part: broken})
        assert client.post(reverse("mfa_login_webauthn"), {"credential": credential}).url == reverse("account_login")


def test_a_person_has_so_many_passkeys_at_most(owner, organization, monkeypatch):
    monkeypatch.setattr(forms_passkeys, "MOST_KEYS", 1)
    client = trusted(owner)
    add(owner, SoftPasskey(), client)
    page = add(owner, SoftPasskey(), client)
    assert "Remove one before you add another" in page.text
    assert Authenticator.objects.filter(user=owner, type="webauthn").count() == 1


def test_a_name_is_made_up_or_cut(owner, organization):
    client = trusted(owner)
    add(owner, SoftPasskey(), client, name="  ")
    add(owner, SoftPasskey(), client, name="x" * 300)
    names = {row.data["name"] for row in Authenticator.objects.filter(user=owner, type="webauthn")}
    assert names == {"Passkey 1", "x" * 80}


def test_turning_the_app_off_keeps_what_passkeys_need(owner, organization):
    client = trusted(owner)
    add(owner, SoftPasskey(), client)
    Authenticator.objects.create(user=owner, type="totp", data={"secret": "x"})
    assert "Your passkeys and recovery codes stay" in client.get(reverse("mfa_deactivate_totp")).text


def test_staff_acting_as_a_customer_stay_away(staff, owner, organization):
    add(owner, SoftPasskey())
    pk = Authenticator.objects.get(user=owner, type="webauthn").pk
    client = client_of(staff, **HOST)
    reason = {"reason": "Ticket 42", "minutes": 10, "organization": organization.public_id}
    client.post(reverse("impersonation_start", args=[owner.public_id]), reason)
    for name, args in (("mfa_add_webauthn", []), ("mfa_edit_webauthn", [pk]), ("mfa_remove_webauthn", [pk])):
        assert client.get(reverse(name, args=args)).status_code == 403
        assert client.post(reverse(name, args=args), {"name": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "secure", "hint"),
    [
        ("127.0.0.1:8000", False, "http://localhost:8000/accounts/"),
        ("testserver", False, "over a secure connection"),
        ("localhost:8000", False, ""),
        ("testserver", True, ""),
    ],
)
def test_where_browsers_offer_none_the_page_says_why(owner, organization, host, secure, hint):
    pages = [Client(headers={"host": host}).get(reverse("account_login"), secure=secure).text]
    pages.append(client_of(owner).get(reverse("mfa_index"), headers={"host": host}, secure=secure).text)
    assert ("passkey-login" in pages[0]) is not bool(hint)
    assert ("Add a passkey" in pages[1]) is not bool(hint)
    for page in pages:
        assert hint in page
