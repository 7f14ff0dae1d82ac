"""What each client does when the API is in trouble: again where that is safe, and a clear error where it is not."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from apps.core.clock import now
from levqor import __version__
from tests.common.levqor_api import run_document
from tests.common.processes import free_port
from tests.sdk.clients import Client
from tests.sdk.conftest import KEY
from tests.sdk.troubled_server import CUT, Answer, TroubledServer, problem

PONG = Answer(200, {"ok": True})
RUN = run_document(cancel_requested=False)
AWAY = problem(503, "unavailable")
Options = dict[str, Any]


def test_a_get_is_repeated_until_it_is_answered(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(AWAY, CUT, problem(429, "rate_limited", Retry_After="1"), PONG)
    seen = client.does("ping", alone)
    assert seen["result"] is True
    assert seen["seconds"] >= 1, "not before the server said"
    assert len(trouble.seen) == 4


def test_a_moment_to_retry_after_counts_too(client: Client, trouble: TroubledServer, alone: Options) -> None:
    moment = format_datetime(now() + timedelta(seconds=120), usegmt=True)
    trouble.will(problem(503, "unavailable", Retry_After=moment))
    seen = client.does("ping", alone)
    assert 60 < seen["retry_after"] <= 120
    assert len(trouble.seen) == 1, "that is too long to sit out"


def test_it_is_given_up_after_so_many(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(*[AWAY] * 9)
    seen = client.does("ping", {**alone, "max_retries": 2})
    assert (seen["error"], seen["status"], seen["code"]) == ("ServerError", 503, "unavailable")
    assert len(trouble.seen) == 3


def test_a_quota_that_is_used_up_is_told_at_once(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(problem(429, "quota_exceeded", Retry_After="86400"))
    seen = client.does("ping", alone)
    assert (seen["error"], seen["code"], seen["retry_after"]) == ("RateLimitedError", "quota_exceeded", 86400)
    assert len(trouble.seen) == 1


def test_a_post_with_a_key_is_repeated_with_the_same(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(CUT, AWAY, problem(409, "idempotency_key_in_use", Retry_After="0"), Answer(201, RUN), Answer(201, RUN))
    client.does("start", alone, workflow="w", inputs={"a": 1}, times=2)
    *first, second = trouble.seen
    assert len(first) == 4
    assert len({(seen.key, seen.body) for seen in first}) == 1
    assert first[0].key
    assert second.key not in {None, first[0].key}


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_what_will_not_pass_is_not_repeated(
    client: Client, trouble: TroubledServer, alone: Options, status: int
) -> None:
    trouble.will(problem(status, "no"))
    assert client.does("start", alone, workflow="w", inputs={})["status"] == status
    assert len(trouble.seen) == 1


@pytest.mark.parametrize("away", [AWAY, CUT], ids=["503", "cut"])
def test_what_could_happen_twice_is_not_repeated(
    client: Client, trouble: TroubledServer, alone: Options, away: Answer
) -> None:
    expected = "ServerError" if away is AWAY else "ConnectionFailedError"
    for name, arguments in (("cancel_run", {"run": "run_1"}), ("switch_off", {"workflow": "w"})):
        trouble.will(away)
        assert client.does(name, alone, **arguments)["error"] == expected
        assert [seen.key for seen in trouble.seen] == [None]


def test_a_put_is_repeated(client: Client, trouble: TroubledServer, alone: Options) -> None:
    secret = {"id": "sec_1", "name": "A", "created_at": RUN["created_at"], "updated_at": RUN["created_at"]}
    trouble.will(AWAY, Answer(200, secret))
    assert client.does("put_secret", alone, name="A", value="v")["result"] == "A"


def test_nobody_there(client: Client) -> None:
    options = {"api_key": KEY, "base_url": f"http://127.0.0.1:{free_port()}", "max_retries": 1}
    seen = client.does("ping", options)
    assert seen["error"] == "ConnectionFailedError"
    assert KEY not in seen["said"]


def test_a_redirect_takes_the_key_nowhere(client: Client, trouble: TroubledServer, alone: Options) -> None:
    with TroubledServer() as other:
        trouble.will(Answer(302, {}, (("Location", f"{other.url}/api/v1/ping"),)))
        assert client.does("ping", alone)["status"] == 302
        assert other.seen == []


def test_what_is_no_problem_document_is_an_error_all_the_same(
    client: Client, trouble: TroubledServer, alone: Options
) -> None:
    trouble.will(Answer(400, "<h1>No</h1>", (("Content-Type", "text/html"),)))
    seen = client.does("ping", alone)
    assert (seen["error"], seen["code"], seen["request_id"]) == ("BadRequestError", "http_400", None)


def test_a_page_in_an_answers_place_is_told(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(Answer(200, "<h1>Log in to the network</h1>", (("Content-Type", "text/html"),)))
    assert client.does("ping", alone)["error"] == "UnexpectedAnswerError"


def test_a_state_of_a_newer_server_is_read(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(Answer(200, {**RUN, "state": "hibernating", "more": 1}))
    assert client.does("get_run", alone, run="run_1")["result"] == "hibernating"


def test_it_says_who_it_is_and_shows_no_secret(client: Client, trouble: TroubledServer, alone: Options) -> None:
    trouble.will(PONG)
    client.does("ping", alone)
    [seen] = trouble.seen
    assert seen.headers["user-agent"].startswith(f"levqor-sdk-{client.language}/{__version__} (")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    shown = client.does("show", alone, value="not-to-be-seen")["result"]
    assert trouble.url in shown
    assert KEY not in shown
    assert "not-to-be-seen" not in shown


@pytest.mark.parametrize("options", [{"api_key": ""}, {"api_key": KEY, "base_url": "ftp://levqor"}])
def test_bad_settings_are_told(client: Client, options: Options) -> None:
    assert client.does("ping", options)["error"] == "LevqorError"
