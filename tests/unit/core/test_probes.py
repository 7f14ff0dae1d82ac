"""Whether this process serves."""

import importlib
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.core import health

PROBES = [("/healthz", "ok"), ("/readyz", "ready")]
HOSTS = ["10.42.0.17:8000", "[fd00::7]:8000", "localhost", "evil.example", "not a host"]


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "status"), PROBES)
@pytest.mark.parametrize("host", HOSTS)
def test_probes_answer_by_whatever_name_they_ask(path: str, status: str, host: str) -> None:
    response = Client().get(path, headers={"host": host})
    assert (response.status_code, response.json()) == (200, {"status": status})
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Request-Id"]


@pytest.mark.parametrize("path", ["/", "/healthz/", "/healthz/x", "/api/v1/me", "/dashboard"])
def test_everything_else_still_asks_for_its_own_host(path: str) -> None:
    assert Client().get(path, headers={"host": "10.42.0.17:8000"}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", [path for path, _status in PROBES])
def test_probes_are_asked_without_tls(settings: Any, path: str) -> None:
    production = importlib.import_module("levqor.settings.production")
    settings.SECURE_SSL_REDIRECT = production.SECURE_SSL_REDIRECT
    settings.SECURE_REDIRECT_EXEMPT = production.SECURE_REDIRECT_EXEMPT
    assert Client().get(path, headers={"host": "10.42.0.17"}).status_code == 200
    assert Client().get("/api/v1/me").status_code == 301


@pytest.mark.parametrize("path", [path for path, _status in PROBES])
def test_probes_only_read(path: str) -> None:
    assert Client().post(path).status_code == 405


def test_without_its_database_it_lives_but_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection to 10.0.0.5 refused")

    monkeypatch.setattr("apps.core.probes.connection.cursor", away)
    assert Client().get("/healthz").status_code == 200
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})


@pytest.mark.django_db
def test_without_redis_and_queue_it_is_ready_still(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Requests are served by the database meanwhile: nobody gains by taking the process out."""

    def away(*_arguments: object, **_options: object) -> None:
        raise ConnectionError("refused")

    settings.CELERY_BROKER_URL = "redis://127.0.0.1:9/0"
    with monkeypatch.context() as patch:
        patch.setattr("celery.app.base.Celery.connection_for_write", away)
        patch.setattr("redis.connection.ConnectionPool.get_connection", away)
        assert health.broker()[0] == "failed"
        response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.django_db
def test_probes_look_at_no_session(django_assert_num_queries: Any) -> None:
    browser = Client()
    browser.cookies["sessionid"] = "x" * 32
    with django_assert_num_queries(1):
        browser.get("/readyz")
