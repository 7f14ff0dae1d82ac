"""Whether the platform can be reached the way people reach it: through its own address.

Its requests are signed, so that they are not counted among those of people: a few each minute would hide that nobody
else came, or that one of two was slow.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest

from apps.core.http import GuardedClient

PATIENCE_SECONDS = 8.0
MOST_BYTES = 2_000_000
HEADER = "X-Levqor-Probe"
SIGNED_FOR = 60  # seconds


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
    answer = _client(settings.SITE_URL).request(
        method,
        f"{settings.SITE_URL}{path}",
        headers={HEADER: _signer().sign("probe")},
        timeout=PATIENCE_SECONDS,
        max_bytes=MOST_BYTES,
        follow_redirects=False,
    )
    return answer.status


def is_own_probe(request: HttpRequest) -> bool:
    """Whether a request is one of ours. Who copies the header hides a minute's requests of theirs, and no more."""
    signed = request.META.get("HTTP_X_LEVQOR_PROBE", "")
    try:
        return bool(signed) and _signer().unsign(signed, max_age=SIGNED_FOR) == "probe"
    except BadSignature:
        return False


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="levqor.own-probe")


@lru_cache(maxsize=2)
def _client(site_url: str) -> GuardedClient:
    """Goes to our own address alone, which may be a private one."""
    place = urlsplit(site_url)
    port = place.port or (443 if place.scheme == "https" else 80)
    return GuardedClient(allowed=(f"{place.hostname}:{port}",), user_agent=f"Levqor-probe/{settings.VERSION}")
