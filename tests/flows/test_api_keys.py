"""API keys through HTTP: made on the page and in the API, used in three ways, refused with words that help."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts import key_format
from apps.accounts.models import ApiKey
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.core.clock import now
from apps.core.events import deliver_due
from apps.core.models import IdempotentRequest
from apps.integrations.models import MailMessage
from apps.notifications.models import Notification
from tests.common.roles import JsonClient, actor_of, api_client_of, client_of
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(owner, organization):
    return api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Server"))


def me(**headers):
    return JsonClient().get("/api/v1/me", headers=headers)


def test_made_by_the_api_and_used_in_three_ways(developer, organization):
    answer = api_client_of(developer).post("/api/key/new", {"name": "Server"})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    secret = told["key"]
    assert answer["Cache-Control"] == "no-store"
    assert told["shown"] == f"lvq_live_…{secret[-4:]}"
    for headers in (
        {"X-API-Key": secret},
        {"Authorization": f"Token {secret}"},
        {"Authorization": f"Bearer {secret}"},
        {"authorization": f"bearer {secret}"},
    ):
        found = me(**headers)
        assert found.status_code == 200, headers
        assert found.json()["organization"]["id"] == organization.public_id
        assert "no-store" in found["Cache-Control"]
    listed = api_client_of(developer).get("/api/v1/keys").json()["data"]
    assert [row["id"] for row in listed] == [told["id"]]
    assert secret not in json.dumps(listed)


def test_the_secret_is_in_no_row(developer):
    client = api_client_of(developer)
    secret = client.post("/api/key/new", {"name": "Server"}, headers={"Idempotency-Key": "one"}).json()["key"]
    assert not IdempotentRequest.objects.exists()
    assert not ApiKey.objects.unscoped().filter(digest=secret).exists()


def test_a_second_one_is_refused_with_the_way_out(developer):
    client = api_client_of(developer)
    first = client.post("/api/key/new", {"name": "Server"}).json()
    second = client.post("/api/key/new", {"name": "Server"})
    assert (second.status_code, second.json()["code"]) == (409, "active_key_exists")
    assert client.post(f"/api/v1/keys/{first['id']}/revoke").json()["state"] == "revoked"
    third = client.post("/api/key/new", {"name": "Server"})
    assert (third.status_code, third.json()["code"]) == (409, "one_new_key_a_day")
    assert 0 < int(third["Retry-After"]) <= 24 * 3600


def test_rotation(developer):
    client = api_client_of(developer)
    first = client.post("/api/key/new", {"name": "Server"}).json()
    second = client.post(f"/api/v1/keys/{first['id']}/rotate", {"overlap": "1h"}).json()
    assert me(**{"X-API-Key": first["key"]}).status_code == me(**{"X-API-Key": second["key"]}).status_code == 200
    with time_machine.travel(now() + timedelta(hours=1), tick=False):
        assert me(**{"X-API-Key": first["key"]}).status_code == 401
        assert me(**{"X-API-Key": second["key"]}).status_code == 200


def test_a_key_does_its_work_and_no_more(organization, owner):
    workflow = make_workflow(organization, owner)
    terms = Terms("Runner", ["runs:start"])
    secret = api_keys.create_key(actor_of(owner, organization), organization, "live", terms).secret
    program = JsonClient()
    program.credentials(HTTP_X_API_KEY=secret)
    assert program.post(f"/api/v1/workflows/{workflow.slug}/runs", {"inputs": {"who": "Ada"}}).status_code == 201
    refused = program.get("/api/v1/runs")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert refused.json()["scope"] == "workflows:view"


@pytest.mark.parametrize(
    ("method", "address"), [("post", "/api/key/new"), ("get", "/api/v1/keys"), ("post", "/api/v1/auth/token")]
)
def test_no_key_makes_keys_or_tokens(issued, method, address):
    program = JsonClient()
    program.credentials(HTTP_X_API_KEY=issued.secret)
    answer = getattr(program, method)(address, {"name": "x"} if method == "post" else None)
    assert answer.status_code in (401, 403)
    assert answer.json()["code"] in ("not_for_keys", "not_authenticated")


def test_credentials_that_let_nobody_in(issued, organization):
    secret = issued.secret
    cases = {
        "malformed_api_key": [secret[:-1], secret + "x", secret.upper(), "nonsense", ""],
        "invalid_api_key": [key_format.new_secret("live"), key_format.new_secret("test")],
    }
    for code, texts in cases.items():
        for text in texts:
            answer = me(**{"X-API-Key": text})
            assert (answer.status_code, answer.json()["code"]) == (401, code), text
            assert answer["Content-Type"] == "application/problem+json"
            assert answer["WWW-Authenticate"]
            assert organization.name not in answer.content.decode()
    two = me(**{"X-API-Key": secret, "Authorization": f"Bearer {secret}"})
    assert (two.status_code, two.json()["code"]) == (401, "ambiguous_credentials")
    assert me(Authorization="Bearer nonsense").json()["code"] == "invalid_token"
    api_keys.revoke_key(issued.key)
    assert me(**{"X-API-Key": secret}).json()["code"] == "invalid_api_key"


def test_networks_do_not_believe_what_callers_write(owner, organization, settings):
    terms = Terms("Server", networks=["203.0.113.0/24"])
    secret = api_keys.create_key(actor_of(owner, organization), organization, "live", terms).secret
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"X-Real-Ip": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        answer = me(**{"X-API-Key": secret, **headers})
        assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed"), headers
    settings.PROXY_HOPS = 1
    assert me(**{"X-API-Key": secret, "X-Forwarded-For": "203.0.113.9"}).status_code == 200
    assert me(**{"X-API-Key": secret, "X-Forwarded-For": "203.0.113.9, 198.51.100.7"}).status_code == 403


def test_a_session_is_not_asked_where_a_key_is_shown(issued, outsider):
    """A browser's cookie beside a wrong key lets nobody in, and a good key speaks for its own organization."""
    browser = client_of(outsider)
    assert browser.get("/api/v1/me", headers={"X-API-Key": "lvq_live_nonsense"}).status_code == 401
    found = browser.get("/api/v1/me", headers={"X-API-Key": issued.secret}).json()
    assert found["organization"]["name"] == "Acme"


def test_leaks_are_reported_revoked_and_mailed(issued, organization, owner, teammate):
    report = [
        {"token": issued.secret, "type": "levqor_key", "url": "https://example.com/x"},
        {"token": key_format.new_secret("live"), "type": "levqor_key"},
    ]
    answer = JsonClient().post("/api/secret-scanning", report)
    assert [row["label"] for row in answer.json()] == ["true_positive", "false_positive"]
    assert me(**{"X-API-Key": issued.secret}).status_code == 401
    again = JsonClient().post("/api/secret-scanning", report)
    assert [row["label"] for row in again.json()] == ["false_positive", "false_positive"]
    deliver_due()
    mails = MailMessage.objects.filter(template="developers/api_key_leaked")
    assert {mail.to for mail in mails} == {owner.email, teammate.email}
    assert all(issued.secret not in mail.text + mail.html for mail in mails)
    assert Notification.objects.for_organization(organization).filter(code="api_key_leaked").count() == 2
    page = client_of(owner, organization)
    fresh = page.post(f"/developer/api-keys/{issued.key.public_id}/replace")
    secret = fresh.context["issued"].secret
    assert me(**{"X-API-Key": secret}).status_code == 200


@pytest.mark.parametrize("body", [{}, [], "x", [1], [{"token": "x" * 201}], [{"token": "x"}] * 101, [{}]])
def test_reports_that_are_none(body):
    assert JsonClient().post("/api/secret-scanning", body).status_code in (400, 422)


def test_the_page_from_the_first_key_to_the_last(developer, organization):
    browser = client_of(developer, organization)
    assert "No key yet" in browser.get("/developer/api-keys").content.decode()
    scopes = ["runs:start", "workflows:view"]
    made = browser.post("/developer/api-keys/create", {"name": "Server", "scopes": scopes})
    secret = made.context["issued"].secret
    assert secret in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    shown = browser.get("/developer/api-keys").content.decode()
    assert secret not in shown
    assert secret[-4:] in shown
    key = ApiKey.objects.for_organization(organization).get()
    changed = {"name": "Server", "scopes": scopes, "networks": "203.0.113.0/24\n2001:db8::/32"}
    assert browser.post(f"/developer/api-keys/{key.public_id}/edit", changed).status_code == 302
    refused = browser.post(f"/developer/api-keys/{key.public_id}/edit", {**changed, "networks": "10.0.0.1/8"})
    assert refused.status_code == 422
    assert "is no network" in refused.content.decode()
    rotated = browser.post(f"/developer/api-keys/{key.public_id}/rotate", {"overlap": "1d"})
    assert rotated.context["issued"].key.networks == ["203.0.113.0/24", "2001:db8::/32"]
    for row in ApiKey.objects.for_organization(organization):
        browser.post(f"/developer/api-keys/{row.public_id}/revoke")
    assert browser.get("/developer/api-keys").content.decode().count("Revoked") >= 2
    assert browser.post("/developer/api-keys/create", {"name": "Server", "scopes": scopes}).status_code == 422


def test_the_page_says_why_a_key_ended_before_the_night_marks_it(owner, organization):
    moment = now()
    with time_machine.travel(moment, tick=False):
        actor, browser = actor_of(owner, organization), client_of(owner, organization)
        first = api_keys.create_key(actor, organization, "live", Terms("Server", expires_at=moment + timedelta(days=1)))
        api_keys.rotate_key(actor, first.key, timedelta(hours=1))
        assert "At most two are" in browser.get("/developer/api-keys").text
    told = {1: ("Replaced", "Active"), 24: ("Replaced", "Expired")}
    for hours, (of_first, of_second) in told.items():
        with time_machine.travel(moment + timedelta(hours=hours), tick=False):
            page = client_of(owner, organization).get("/developer/api-keys")
            states = {key.pk: key.ending for key, _calls in page.context["keys"]}
        assert states.pop(first.key.pk) == of_first, hours
        assert set(states.values()) == {of_second}, hours
        assert f">{of_first}</span>" in page.text


def test_a_viewer_sees_keys_and_changes_none(viewer, organization, issued):
    browser = client_of(viewer, organization)
    page = browser.get("/developer/api-keys").content.decode()
    assert issued.key.shown in page
    assert "Rotate" not in page
    assert browser.post(f"/developer/api-keys/{issued.key.public_id}/revoke").status_code == 403


def test_keys_of_others_are_not_there(outsider, issued):
    browser, program = client_of(outsider), api_client_of(outsider)
    assert issued.key.shown not in browser.get("/developer/api-keys").content.decode()
    for action in ("rotate", "revoke", "replace"):
        assert browser.post(f"/developer/api-keys/{issued.key.public_id}/{action}").status_code == 404
    assert program.post(f"/api/v1/keys/{issued.key.public_id}/revoke").status_code == 404
    assert Client().get("/developer/api-keys").status_code == 302
