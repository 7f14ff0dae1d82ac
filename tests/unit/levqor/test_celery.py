"""How long the worker and the clock wait for a broker that is away."""

from unittest.mock import patch

import pytest
from kombu.exceptions import OperationalError

from levqor.celery import app


def test_a_broker_that_is_away_is_looked_for_every_second() -> None:
    waited: list[float] = []
    with (
        app.connection_for_read("redis://127.0.0.1:1/0") as connection,
        patch("kombu.utils.functional.sleep"),
        pytest.raises(OperationalError),
    ):
        connection.ensure_connection(lambda _error, interval: waited.append(interval), 20)
    assert waited == [1] * 20


def test_it_is_looked_for_as_long_as_it_takes() -> None:
    assert app.conf.broker_connection_max_retries is None
