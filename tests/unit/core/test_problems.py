"""Errors of the API in one form."""

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from tests.common.workflows import ASKING, make_workflow

DEEP = '{"inputs": {"a": ' + "[" * 915 + "]" * 915 + "}}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "media_type", "body", "status", "title"),
    [
        ("DELETE", "/api/v1/auth/device", "application/json", "{}", 405, "Method not allowed"),
        ("POST", "/api/v1/auth/device", "text/csv", "a", 415, "Unsupported media type"),
        ("POST", "/api/v1/auth/device", "application/json", "{", 400, "Malformed request"),
        ("GET", "/api/v1/me", "application/json", "", 401, "Not logged in"),
    ],
)
def test_titles_are_words(method: str, path: str, media_type: str, body: str, status: int, title: str) -> None:
    response = APIClient().generic(method, path, body, media_type)
    assert (response.status_code, response.json()["title"]) == (status, title)


@pytest.mark.django_db
def test_json_that_is_too_deep_is_refused() -> None:
    response = Client().post("/api/v1/auth/device", DEEP, "application/json")
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")
    assert response.json()["detail"] == "The JSON is nested more than 100 levels deep."


@pytest.mark.django_db
def test_a_hook_refuses_json_that_is_too_deep(organization: Organization, owner: User) -> None:
    webhook = make_workflow(organization, owner, ASKING).triggers.get(kind="webhook")
    response = Client().post(f"/hooks/{webhook.public_id}", DEEP, "application/json")
    assert (response.status_code, response.json()["code"]) == (422, "malformed_json")


@pytest.mark.django_db
def test_a_hook_that_is_not_there_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.workflows.api.hooks.is_too_deep", lambda _body: pytest.fail("the body was looked at"))
    assert Client().post("/hooks/any", DEEP, "application/json").status_code == 404


@pytest.mark.parametrize("error", [OperationalError("refused"), InterfaceError("connection already closed")])
@pytest.mark.parametrize("path", ["/api/v1/auth/device", "/api/v1/me", "/dashboard"])
def test_without_its_database_it_asks_to_come_again(
    path: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_arguments: object) -> None:
        raise error

    for name in ("connect", "cursor", "_cursor", "ensure_connection"):
        monkeypatch.setattr(f"django.db.backends.base.base.BaseDatabaseWrapper.{name}", away)
    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "x" * 32
    response = browser.post(path) if "device" in path else browser.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert str(error) not in response.text
    assert str(error) in caplog.text, "what happened is in the log"
    if "/api/" in path:
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "unavailable"
    else:
        assert "does not answer right now" in response.text
