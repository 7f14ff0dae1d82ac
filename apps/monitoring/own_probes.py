"""Whether the platform can be reached the way people reach it: through its own address."""

from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.http import GuardedClient

PATIENCE_SECONDS = 8.0
MOST_BYTES = 2_000_000


class BadAnswerError(Exception):
    """It answers, but not well."""


def pages_answer() -> str:
    """Whether the start page comes and the database behind it answers. Raises `BadAnswerError`, or what HTTP raises."""
    ready = status_of("/readyz")
    if ready != 200:
        raise BadAnswerError(f"/readyz answers {ready}")
    landing = status_of("/")
    if landing != 200:
        raise BadAnswerError(f"the start page answers {landing}")
    return "the start page answers"


def api_answers() -> str:
    """Whether the API answers, its gate included: whose probe is refused for its pace was answered."""
    status = status_of("/api/metrics/public")
    if status not in (200, 429):
        raise BadAnswerError(f"the API answers {status}")
    return "the API answers"


def status_of(path: str, method: str = "GET") -> int:
    """What our own address answers."""
    return (
        _client(settings.SITE_URL)
        .request(
            method, f"{settings.SITE_URL}{path}", timeout=PATIENCE_SECONDS, max_bytes=MOST_BYTES, follow_redirects=False
        )
        .status
    )


@lru_cache(maxsize=2)
def _client(site_url: str) -> GuardedClient:
    """Goes to our own address alone, which may be a private one."""
    place = urlsplit(site_url)
    port = place.port or (443 if place.scheme == "https" else 80)
    return GuardedClient(allowed=(f"{place.hostname}:{port}",), user_agent=f"Levqor-probe/{settings.VERSION}")
