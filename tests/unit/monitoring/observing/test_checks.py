"""What the doctor hears about watching."""

from typing import Any

import pytest

from apps.core.kinds import HealthCheck
from apps.core.registry import registry
from apps.monitoring.observing import checks


@pytest.mark.parametrize(
    ("where", "dsn", "traces", "state", "words"),
    [
        ("local", "", "", "off", "SENTRY_DSN"),
        ("production", "", "", "warning", "SENTRY_DSN"),
        ("production", "", "http://collector.example", "warning", "SENTRY_DSN"),
        ("local", "", "http://collector.example", "ok", "OpenTelemetry"),
        ("production", "https://key@sentry.example/1", "", "ok", "Sentry"),
    ],
)
def test_where_errors_are_told(
    settings: Any, monkeypatch: pytest.MonkeyPatch, where: str, dsn: str, traces: str, state: str, words: str
) -> None:
    settings.LEVQOR_ENV, settings.SENTRY_DSN = where, dsn
    monkeypatch.setattr(settings.ENV, "OTEL_EXPORTER_OTLP_ENDPOINT", traces)
    found = checks.tracking()
    assert found[0] == state
    assert words in found[1]


def test_one_check_alone_asks_about_the_error_tracker() -> None:
    asks = [one.name for one in registry(HealthCheck).all() if "track" in one.name]
    assert asks == ["tracking"]
