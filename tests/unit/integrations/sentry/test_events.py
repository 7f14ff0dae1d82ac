"""What leaves the house in an event."""

import uuid
from typing import Any

from apps.core.context import bound
from apps.core.scrubbing import REMOVED
from apps.integrations.sentry.events import before_breadcrumb, before_send
from apps.integrations.sentry.setup import options


def test_ids_go_along_and_people_do_not() -> None:
    organization = uuid.uuid4()
    event: dict[str, Any] = {
        "request": {"method": "GET", "url": "http://h/reset/t0ken", "query_string": "t=1", "headers": {"Cookie": "a"}},
        "user": {"email": "somebody@customers.example"},
        "tags": {"levqor.test": "weekly"},
        "extra": {"password": "hunter22", "words": "Bearer abcdefghijklmnop"},
    }
    with bound(request_id="req-1", organization_id=organization, run="run_1", step="call"):
        sent = before_send(event, {})
    assert sent["request"] == {"method": "GET"}
    assert "user" not in sent
    assert sent["tags"] == {
        "levqor.test": "weekly",
        "request_id": "req-1",
        "organization": str(organization),
        "run": "run_1",
        "step": "call",
    }
    assert sent["extra"] == {"password": REMOVED, "words": REMOVED}


def test_only_what_was_logged_is_told_of_before() -> None:
    logged = {"type": "log", "message": "mail_sent"}
    assert before_breadcrumb(logged, {}) is logged
    assert before_breadcrumb({"category": "query", "message": "SELECT 1"}, {}) is None


def test_what_tells_too_much_is_off(settings: Any) -> None:
    settings.SENTRY_DSN = "https://publickey@sentry.example/1"
    found = options()
    assert "send_default_pii" not in found, "left alone, it is off"
    for name in ("include_local_variables", "default_integrations", "auto_enabling_integrations"):
        assert found[name] is False, name
    assert (found["max_request_body_size"], found["trace_propagation_targets"]) == ("never", [])
    assert found["traces_sampler"] is None, "no traces unless a share is set"
