"""The API of accounts as a program meets it: device login, tokens, who am I, refusals."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import selectors
from apps.accounts.models import DeviceAuthorization, Role, TokenFamily
from apps.accounts.services import members, tokens
from apps.audit.selectors import entries_for
from tests.common.caching import forget_cache
from tests.common.roles import JsonClient, actor_of, api_client_of, client_of, make_organization, make_user

START, POLL = "/api/v1/auth/device", "/api/v1/auth/device/token"
TOKEN, REFRESH, REVOKE, ME = (
    "/api/v1/auth/token",
    "/api/v1/auth/token/refresh",
    "/api/v1/auth/token/revoke",
    "/api/v1/me",
)


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


@pytest.fixture
def program():
    return JsonClient()


def bearer(access):
    client = JsonClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def problem(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document["request_id"]
    return document


def test_device_login_from_the_code_to_the_answer(program, owner, organization):
    asked = program.post(START, {"client_name": "Levqor CLI"}).json()
    assert set(asked) == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    problem(program.post(POLL, {"device_code": asked["device_code"]}), 400, "authorization_pending")
    problem(program.post(POLL, {"device_code": asked["device_code"]}), 400, "slow_down")

    browser = client_of(owner)
    assert asked["user_code"] in browser.get(reverse("device"), {"user_code": asked["user_code"]}).text
    page = browser.post(reverse("device"), {"user_code": asked["user_code"].lower()})
    assert "Levqor CLI" in page.text
    assert "127.0.0.1" in page.text
    page = browser.post(
        reverse("device"),
        {"user_code": asked["user_code"], "decision": "approve", "organization": organization.public_id},
    )
    assert page.status_code == 200

    answer = program.post(POLL, {"device_code": asked["device_code"]})
    assert answer["Cache-Control"] == "no-store"
    pair = answer.json()
    assert pair["expires_in"] == 900
    me = bearer(pair["access"]).get(ME).json()
    assert me["user"]["email"] == owner.email
    assert me["organization"]["id"] == organization.public_id
    assert me["role"] == "owner"
    problem(program.post(POLL, {"device_code": asked["device_code"]}), 400, "expired_token")
    assert entries_for(organization.pk).filter(code="accounts.device_approved").exists()
    assert "Levqor CLI" in browser.get(reverse("tokens")).text


def test_a_terminal_turned_away(program, owner, organization):
    asked = program.post(START, {}).json()
    client_of(owner).post(reverse("device"), {"user_code": asked["user_code"], "decision": "deny"})
    problem(program.post(POLL, {"device_code": asked["device_code"]}), 400, "access_denied")


def test_a_terminal_is_not_let_into_a_foreign_organization(program, owner, organization, outsider):
    asked = program.post(START, {}).json()
    data = {"user_code": asked["user_code"], "decision": "approve", "organization": organization.public_id}
    assert client_of(outsider).post(reverse("device"), data).status_code == 404
    problem(program.post(POLL, {"device_code": asked["device_code"]}), 400, "authorization_pending")


def test_a_wrong_code_is_told_and_guessing_is_stopped(owner, organization):
    browser = client_of(owner)
    for _try in range(10):
        assert browser.post(reverse("device"), {"user_code": "BBBB-BBBB"}).status_code == 422
    assert browser.post(reverse("device"), {"user_code": "BBBB-BBBB"}).status_code == 429


def test_asking_is_limited(program):
    for _ask in range(30):
        assert program.post(START, {}).status_code == 200
    document = problem(program.post(START, {}), 429, "rate_limited")
    assert document["retry_after"] >= 1


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (START, {"client_name": ""}, "invalid_input"),
        (START, {"client_name": "x" * 81}, "invalid_input"),
        (START, {"client_name": {"a": 1}}, "invalid_input"),
        (START, {"client_name": "bell\x07"}, "invalid_client_name"),
        (POLL, {}, "invalid_input"),
        (POLL, {"device_code": ["x"]}, "invalid_input"),
        (REFRESH, {}, "invalid_input"),
        (REFRESH, {"refresh": 5}, "invalid_token"),
        (REVOKE, {}, "invalid_input"),
    ],
)
def test_bad_input(program, path, body, code):
    answer = program.post(path, body, format="json")
    assert answer.status_code in (401, 422)
    assert answer.json()["code"] == code


@pytest.mark.parametrize("path", [START, POLL, TOKEN, REFRESH, REVOKE])
def test_other_methods(program, path):
    assert program.get(path).status_code in (401, 405)


def test_broken_json(program):
    problem(program.post(START, "{", content_type="application/json"), 400, "malformed_json")


def test_a_pair_from_a_session(owner, organization):
    browser = client_of(owner)
    answer = browser.post(TOKEN, {"client_name": "my script"}, content_type="application/json")
    assert answer.status_code == 201
    pair = answer.json()
    assert bearer(pair["access"]).get(ME).status_code == 200
    assert selectors.token_families_of(owner).get().client_name == "my script"


def test_a_pair_needs_the_csrf_token(owner, organization):
    browser = client_of(owner, enforce_csrf_checks=True)
    problem(browser.post(TOKEN, {}, content_type="application/json"), 403, "forbidden")
    browser.get(reverse("tokens"))
    token = browser.cookies["csrftoken"].value
    answer = browser.post(TOKEN, {}, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201


def test_no_pair_from_a_token_or_from_nobody(program, owner, organization):
    problem(api_client_of(owner).post(TOKEN, {}), 401, "not_authenticated")
    problem(program.post(TOKEN, {}), 401, "not_authenticated")


def test_refresh_rotates_and_reuse_ends_the_login(program, owner, organization):
    first = tokens.mint(owner, organization, origin=TokenFamily.Origin.DEVICE, client_name="cli")
    second = program.post(REFRESH, {"refresh": first.refresh}).json()
    assert bearer(second["access"]).get(ME).status_code == 200
    problem(program.post(REFRESH, {"refresh": first.refresh}), 401, "token_reused")
    problem(bearer(second["access"]).get(ME), 401, "invalid_token")
    problem(program.post(REFRESH, {"refresh": second["refresh"]}), 401, "invalid_token")


def test_revoking(program, owner, organization):
    pair = tokens.mint(owner, organization, origin=TokenFamily.Origin.DEVICE, client_name="cli")
    assert program.post(REVOKE, {"refresh": pair.refresh}).status_code == 204
    assert program.post(REVOKE, {"refresh": pair.refresh}).status_code == 204
    assert program.post(REVOKE, {"refresh": "nonsense"}).status_code == 204
    problem(bearer(pair.access).get(ME), 401, "invalid_token")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer a.b.c", "bearer nonsense"])
def test_bad_tokens(program, realm, header):
    program.credentials(HTTP_AUTHORIZATION=header)
    answer = program.get(ME)
    problem(answer, 401, "invalid_token")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Basic dXNlcjpwYXNz"])
def test_no_token(program, realm, header):
    program.credentials(HTTP_AUTHORIZATION=header)
    problem(program.get(ME), 401, "not_authenticated")


def test_a_bad_token_is_not_saved_by_a_session(owner, organization):
    browser = client_of(owner)
    problem(browser.get(ME, headers={"Authorization": "Bearer nonsense"}), 401, "invalid_token")


def test_me_by_session_in_the_chosen_organization(owner, organization, outsider):
    second = make_organization(owner, "Second")
    browser = client_of(owner, organization)
    assert browser.get(ME).json()["organization"]["id"] == organization.public_id
    assert browser.get(ME, {"organization": second.public_id}).json()["organization"]["id"] == second.public_id
    assert browser.get(ME).json()["organization"]["id"] == organization.public_id
    foreign = outsider.memberships.get().organization
    problem(browser.get(ME, {"organization": foreign.public_id}), 404, "not_found")


def test_without_an_organization(realm):
    problem(client_of(make_user()).get(ME), 403, "no_organization")


def test_a_removed_member_is_out_at_once(viewer, owner, organization):
    program = api_client_of(viewer)
    assert program.get(ME).json()["role"] == "viewer"
    place = selectors.membership_in(viewer, organization.pk)
    members.change_role(actor_of(owner, organization), place, Role.DEVELOPER)
    assert program.get(ME).json()["role"] == "developer"
    members.remove_member(actor_of(owner, organization), place)
    problem(program.get(ME), 401, "invalid_token")


def test_the_tokens_page_makes_shows_once_and_revokes(owner, organization, outsider):
    browser = client_of(owner)
    page = browser.post(reverse("tokens"), {"client_name": "ci"})
    pair = page.context["pair"]
    assert pair.refresh in page.text
    assert "no-store" in page["Cache-Control"]
    assert pair.refresh not in browser.get(reverse("tokens")).text
    family = selectors.token_families_of(owner).get()
    assert client_of(outsider).post(reverse("token_revoke", args=[family.public_id])).status_code == 404
    assert browser.post(reverse("token_revoke", args=["nonsense"])).status_code == 404
    browser.post(reverse("token_revoke", args=[family.public_id]))
    problem(bearer(pair.access).get(ME), 401, "invalid_token")
    assert browser.post(reverse("tokens"), {"client_name": ""}).status_code == 422


def test_the_device_page_needs_a_login_and_comes_back(realm):
    answer = Client().get(reverse("device"), {"user_code": "BCDF-GHJK"})
    assert "next=/device%3Fuser_code%3DBCDF-GHJK" in answer.url


def test_device_requests_hold_no_codes(program):
    asked = program.post(START, {}).json()
    assert asked["device_code"] not in str(vars(DeviceAuthorization.objects.unscoped().get()))
