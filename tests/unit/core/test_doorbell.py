"""One ring on its way is enough, and one that got lost does not silence the next."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
from kombu.exceptions import OperationalError

from apps.core import doorbell
from apps.core.outage import LOOK_EVERY_SECONDS, Outage
from tests.common.caching import forget_cache

TASK = "tests.look"


@pytest.fixture
def sent() -> Iterator[Mock]:
    with patch("apps.core.doorbell.current_app.send_task") as send:
        yield send


@pytest.fixture
def outage() -> Iterator[Outage]:
    with patch("apps.core.doorbell.REDIS", Outage("redis")) as known:
        yield known


@pytest.fixture(params=["files", "redis"])
def broker(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> str:
    """A queue of files, or a queue and cache in Redis (any cache with an atomic `add` will do)."""
    if request.param == "files":
        settings.CELERY_BROKER_URL, settings.BROKER_DIR = "files://localhost", tmp_path
        (tmp_path / "control").mkdir()
    else:
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
        request.getfixturevalue("db")
        forget_cache()
    return str(request.param)


def test_rings_again_only_after_somebody_heard(broker: str, sent: Mock) -> None:
    doorbell.ring_once_now(TASK)
    doorbell.ring_once_now(TASK)
    assert sent.call_count == 1
    doorbell.heard(TASK)
    doorbell.ring_once_now(TASK)
    doorbell.ring_once_now(TASK)
    assert sent.call_count == 2


def test_tasks_do_not_silence_each_other(broker: str, sent: Mock) -> None:
    doorbell.ring_once_now(TASK)
    doorbell.ring_once_now("tests.other")
    assert [call.args[0] for call in sent.call_args_list] == [TASK, "tests.other"]


def test_hearing_without_a_ring_is_fine(broker: str) -> None:
    doorbell.heard(TASK)


def test_a_ring_that_nobody_heard_is_taken_for_lost(settings: Any, tmp_path: Path, sent: Mock) -> None:
    settings.CELERY_BROKER_URL, settings.BROKER_DIR = "files://localhost", tmp_path
    (tmp_path / "control").mkdir()
    doorbell.ring_once_now(TASK)
    long_ago = time.time() - doorbell.UNHEARD_SECONDS - 1
    os.utime(tmp_path / "control" / f"{TASK}.bell", (long_ago, long_ago))
    doorbell.ring_once_now(TASK)
    doorbell.ring_once_now(TASK)
    assert sent.call_count == 2


def test_the_note_in_redis_expires(settings: Any, sent: Mock) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    with patch("apps.core.doorbell.cache") as noted:
        noted.add.return_value = True
        doorbell.ring_once_now(TASK)
    noted.add.assert_called_once_with(f"bell:{TASK}", 1, timeout=doorbell.UNHEARD_SECONDS)


def test_rings_when_nothing_can_be_noted(settings: Any, tmp_path: Path, sent: Mock) -> None:
    settings.CELERY_BROKER_URL, settings.BROKER_DIR = "files://localhost", tmp_path / "missing"
    doorbell.ring_once_now(TASK)
    assert sent.call_count == 1


def test_nobody_waits_twice_for_a_redis_that_is_away(
    settings: Any, sent: Mock, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr("apps.core.outage.time", Mock(monotonic=(clock := Mock(return_value=100.0))))
    sent.side_effect = OperationalError("refused")
    doorbell.ring_now(TASK)
    doorbell.ring_now(TASK)
    assert sent.call_count == 1
    clock.return_value += LOOK_EVERY_SECONDS + 1
    sent.side_effect = None
    doorbell.ring_now(TASK)
    doorbell.ring_now(TASK)
    assert sent.call_count == 3, "it is back"


def test_a_queue_of_files_knows_of_no_outage(settings: Any, sent: Mock, outage: Outage) -> None:
    outage.began(OSError("refused"))
    settings.CELERY_BROKER_URL = "files://localhost"
    doorbell.ring_now(TASK)
    assert sent.call_count == 1


@pytest.mark.django_db
def test_rings_only_after_the_commit(broker: str, sent: Mock, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        doorbell.ring_once(TASK)
        assert not sent.called
    assert sent.call_count == 1
