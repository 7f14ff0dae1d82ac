"""The time in which a body arrives is not counted as ours."""

from io import BytesIO

import pytest
from django.http import HttpResponse

from apps.monitoring import middleware
from apps.monitoring.metrics import bodies

pytestmark = pytest.mark.django_db


class Watch:
    """A clock that goes when somebody lets it."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        return self.seconds


@pytest.fixture
def watch(monkeypatch):
    made = Watch()
    monkeypatch.setattr(middleware, "time", made)
    monkeypatch.setattr(bodies, "time", made)
    return made


@pytest.fixture
def noted(monkeypatch):
    """Scope and seconds of each request that was counted."""
    found = []
    monkeypatch.setattr(middleware, "note", lambda scope, _status, seconds: found.append((scope, seconds)))
    return found


class Slow(BytesIO):
    """A body whose every piece takes a minute to come."""

    watch: Watch

    def read(self, *size):
        self.watch.seconds += 60
        return super().read(*size)


def slow(watch, content):
    stream = Slow(content)
    stream.watch = watch
    return stream


@pytest.mark.parametrize(
    ("scope", "address", "body", "kind"),
    [
        ("pages", "/status/subscribe", b"email=a%40example.com", "application/x-www-form-urlencoded"),
        ("api", "/api/v1/auth/device", b'{"client_name": "mine"}', "application/json"),
    ],
)
def test_a_body_that_comes_slowly_makes_no_slow_request(client, noted, watch, scope, address, body, kind):
    sent = {"wsgi.input": slow(watch, body), "CONTENT_LENGTH": str(len(body))}
    client.generic("POST", address, body, kind, **sent)
    assert watch.seconds >= 60
    assert noted == [(scope, 0)]


def test_what_we_do_in_the_meantime_is_ours(rf, noted, watch):
    def answer(request):
        watch.seconds += 3
        found = request.body
        watch.seconds += 4
        return HttpResponse(found)

    measured = middleware.MeasuringMiddleware(answer)
    made = rf.post("/hooks/x", b"all of it", content_type="text/plain")
    made._stream = slow(watch, b"all of it")
    assert measured(made).content == b"all of it"
    assert noted == [("pages", 7)]
