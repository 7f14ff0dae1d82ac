"""What callers are told of their limits."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.http import HttpResponse

from apps.accounts.models import Organization
from apps.usage.gate import policies
from apps.usage.gate.port import Verdict
from apps.usage.limits import Limits
from apps.usage.periods import day_of, month_of
from tests.common.gates import call_of, limits

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MONTH, DAY = month_of(NOON), day_of(NOON)
LEFT = 3 * 86_400 + 43_200
SOMEBODY = Organization()


def verdict(refusal="", *, remaining=58, full_in=1.2, retry_in=0.0, period=MONTH, used=3):
    return Verdict(refusal, remaining, full_in, retry_in, period, used)


def told(call, found):
    response = HttpResponse()
    with time_machine.travel(NOON, tick=False):
        policies.tell(response, call, found)
    return response.headers


def test_both_policies():
    headers = told(call_of(SOMEBODY, limits(60, 1_000)), verdict())
    assert headers["X-RateLimit-Limit"] == "60"
    assert headers["X-RateLimit-Remaining"] == "58"
    assert headers["X-RateLimit-Reset"] == str(int(NOON.timestamp()) + 2)
    assert headers["RateLimit-Policy"] == f'"minute";q=60;w=60, "month";q=1000;w={30 * 86_400}'
    assert headers["RateLimit"] == f'"minute";r=58;t=2, "month";r=997;t={LEFT}'


def test_the_day_of_a_sandbox():
    headers = told(call_of(SOMEBODY, limits(60, 100, span="day")), verdict(period=DAY, used=100))
    assert headers["RateLimit-Policy"] == '"minute";q=60;w=60, "day";q=100;w=86400'
    assert headers["RateLimit"] == '"minute";r=58;t=2, "day";r=0;t=43200'


def test_overage_is_nothing_left():
    headers = told(call_of(SOMEBODY, limits(60, 2, soft=True)), verdict(used=5))
    assert '"month";r=0;' in headers["RateLimit"]


@pytest.mark.parametrize("call", [call_of(None), call_of(SOMEBODY, free=True), call_of(SOMEBODY, limits(quota=None))])
def test_where_no_quota_is_counted_none_is_told(call):
    headers = told(call, verdict())
    assert "month" not in headers["RateLimit-Policy"] + headers["RateLimit"]


def test_a_period_that_has_just_ended_has_no_seconds_left():
    found = verdict(period=month_of(datetime(2026, 10, 1, tzinfo=UTC)))
    assert told(call_of(SOMEBODY), found)["RateLimit"].endswith(";t=0")


@pytest.mark.parametrize(("retry_in", "seconds"), [(0.001, 1), (0.999, 1), (1.001, 2), (-0.5, 1)])
def test_a_rate_that_was_violated(retry_in, seconds):
    found = policies.violated(call_of(SOMEBODY), verdict("minute", retry_in=retry_in))
    assert found == {"violated-policies": ["minute"], "retry_after": seconds}


@pytest.mark.parametrize(("span", "period", "reset"), [("month", MONTH, "2026-12-01"), ("day", DAY, "2026-11-28")])
def test_a_quota_that_is_used_up(span, period, reset):
    call = call_of(SOMEBODY, limits(quota=100, span=span))
    found = policies.violated(call, verdict("quota", retry_in=5, period=period))
    assert found == {"violated-policies": [span], "retry_after": 5, "quota": 100, "reset_date": reset}


def test_words():
    assert "100 calls a day" in policies.used_up(Limits("x", 1, 100, span="day"))
    assert "100 calls of this month" in policies.used_up(Limits("x", 1, 100))
