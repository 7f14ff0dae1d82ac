"""What a process knows of a service that is away."""

from unittest.mock import Mock, call, patch

import pytest

from apps.core.outage import LOOK_EVERY_SECONDS, Outage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Mock:
    now = Mock(return_value=1000.0)
    monkeypatch.setattr("apps.core.outage.time", Mock(monotonic=now))
    return now


def test_one_caller_looks_every_three_seconds(clock: Mock) -> None:
    outage = Outage("queue")
    assert [outage.worth_trying() for _number in range(3)] == [True] * 3
    outage.began(OSError("refused"))
    assert not outage.worth_trying()
    clock.return_value += LOOK_EVERY_SECONDS
    assert [outage.worth_trying() for _number in range(3)] == [True, False, False]
    outage.ended()
    assert [outage.worth_trying() for _number in range(3)] == [True] * 3


def test_it_is_told_once_when_it_goes_and_once_when_it_is_back(clock: Mock) -> None:
    outage = Outage("queue")
    with patch("apps.core.outage.log") as log:
        outage.ended()
        for _number in range(3):
            outage.began(OSError("refused"))
        outage.ended()
        outage.ended()
        outage.began(OSError("refused"))
    away, back = (
        call.warning("service_away", service="queue", error="refused"),
        call.info("service_back", service="queue"),
    )
    assert log.mock_calls == [away, back, away]
