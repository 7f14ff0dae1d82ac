"""Redis by the hour: what it did since, a server that began anew, and what its provider takes; mail by the piece."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from redis.exceptions import ConnectionError as RedisConnectionError

from apps.core.redis_client import redis_client
from apps.integrations.models import MailMessage
from apps.monitoring.models import KeyValueHour
from apps.monitoring.services import costs_mail, costs_redis
from apps.monitoring.services.costs_redis import cost_of_day, kv_costs, store

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 3, 11, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(total: int, memory: int = 0, server: str = "a") -> dict[str, Any]:
    return {"total_commands_processed": total, "used_memory": memory, "run_id": server}


@pytest.fixture
def priced(settings: LazySettings) -> None:
    settings.REDIS_COMMANDS_PRICE, settings.REDIS_MEMORY_PRICE = Decimal("0.2"), Decimal("7.3")


def test_commands_are_those_since_the_hour_before(priced: None) -> None:
    assert store(TEN, told(5_000_000)).commands == 0  # nobody knows since when
    row = store(TEN + HOUR, told(5_250_000, 500_000_000))
    # 250,000 commands at 20 cents for 100,000; half a gigabyte at 730 cents a month of 730 hours.
    assert (row.commands, row.cost) == (250_000, Decimal("50.5"))
    again = store(TEN + HOUR, told(5_250_000, 500_000_000))
    assert (again.pk, again.commands) == (row.pk, row.commands)
    assert store(TEN + 2 * HOUR, told(70, server="b")).commands == 70
    assert store(TEN + 3 * HOUR, told(30, server="b")).commands == 30
    assert store(TEN + 4 * HOUR, told(500, server="c")).commands == 500
    assert KeyValueHour.objects.count() == 5


def test_a_day_is_its_hours_rounded_once(priced: None) -> None:
    for number in range(26):
        store(datetime(2026, 3, 10, 23, tzinfo=UTC) + number * HOUR, told(2_000 * number))
    # 24 hours of 2,000 commands are 0.4 cents each: 9.6 together.
    assert cost_of_day(date(2026, 3, 11)) == 10
    assert cost_of_day(date(2026, 3, 13)) is None


def test_without_a_price_there_is_no_cost() -> None:
    store(TEN, told(1))
    store(TEN + HOUR, told(9_000_000, 10**9))
    assert cost_of_day(TEN.date()) is None
    assert KeyValueHour.objects.latest("hour").commands == 8_999_999


def test_without_redis_it_says_so(settings: LazySettings) -> None:
    settings.REDIS_URL = ""
    assert kv_costs(TEN) == "no Redis here: queue and cache are files and tables"
    assert not KeyValueHour.objects.exists()


def test_a_redis_that_is_away_fails_the_job(settings: LazySettings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(RedisConnectionError):
        kv_costs(TEN)


def test_the_redis_that_is_here_is_counted() -> None:
    if redis_client() is None:
        pytest.skip("there is no Redis in this suite")
    kv_costs(TEN + timedelta(minutes=7))
    words = kv_costs(TEN + HOUR)
    first, second = KeyValueHour.objects.order_by("hour")
    assert (first.hour, second.hour) == (TEN, TEN + HOUR)
    assert second.commands > 0
    assert second.memory_bytes > 0
    assert words.endswith("0.0000 cents")


def test_old_hours_are_forgotten(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def info(self) -> dict[str, Any]:
            return told(5)

    store(TEN - timedelta(days=401), told(1))
    store(TEN - timedelta(days=399), told(1))
    monkeypatch.setattr(costs_redis, "redis_client", Client)
    kv_costs(TEN)
    assert KeyValueHour.objects.count() == 2


def test_mail_costs_by_the_piece_where_it_is_sent(settings: LazySettings) -> None:
    day = date(2026, 3, 11)
    for number in range(7):
        mail = MailMessage.objects.create(
            idempotency_key=f"m{number}", template="x", subject="s", to=["a@example.com"], text="t", due_at=TEN
        )
        at = TEN + timedelta(days=number // 6)  # one of them on the next day
        MailMessage.objects.filter(pk=mail.pk).update(created_at=at, sent_at=at)
    settings.MAIL_PRICE = Decimal(1000)
    assert costs_mail.cost_of_day(day) is None  # kept on this machine
    settings.MAIL_TRANSPORT = "resend"
    assert costs_mail.cost_of_day(day) == 600
    settings.MAIL_PRICE = Decimal(0)
    assert costs_mail.cost_of_day(day) is None
