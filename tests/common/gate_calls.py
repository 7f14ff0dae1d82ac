"""Programs that call through the gate, and what their calls came to."""

from typing import Any

from apps.accounts.models import Organization, User
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import IssuedKey, Terms
from tests.common.gates import events
from tests.common.roles import JsonClient, actor_of

PING = "/api/v1/ping"
HOME = "198.51.100.7"


def issue(user: User, organization: Organization, *terms: Any) -> IssuedKey:
    """A new live key; `terms` are those behind its name."""
    return api_keys.create_key(actor_of(user, organization), organization, "live", Terms("Server", *terms))


def with_key(secret: str) -> JsonClient:
    """A program with this key, at home."""
    made = JsonClient(REMOTE_ADDR=HOME)
    made.credentials(HTTP_X_API_KEY=secret)
    return made


def billed(organization: Organization) -> int:
    """The calls that an organization is to pay."""
    return sum(event.value for event in events(organization))


def refusal(answer: Any) -> dict[str, Any]:
    """A problem document, whole."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer["X-Request-Id"]
    assert {"type", "title", "detail", "code", "instance"} <= set(document)
    for header in ("X-RateLimit-Limit", "X-RateLimit-Remaining", "RateLimit", "RateLimit-Policy"):
        assert answer[header], header
    assert answer["Cache-Control"] == "private, no-store"
    assert ("WWW-Authenticate" in answer) == (answer.status_code == 401)
    return document
