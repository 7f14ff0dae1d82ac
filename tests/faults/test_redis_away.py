"""With Redis killed or standing still people log in, programs start runs, and only one of them waits for it."""

import signal
import time
from collections.abc import Callable

import httpx
import pytest

from tests.common.platform import RedisServer
from tests.common.processes import eventually
from tests.faults.conftest import Patient

ONE_WAITS = 3.5  # the cache's two seconds, and what the request takes itself
OTHERS_WAIT = 1.5
BACK_WITHIN = 8.0
ROUNDS = 4


@pytest.mark.alone
@pytest.mark.timeout(120)
@pytest.mark.parametrize("patient", ["services"], indirect=True)
@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_requests_do_without_redis(patient: Patient, how: signal.Signals) -> None:
    redis, address = patient.redis, f"http://127.0.0.1:{patient.platform.environment['PORT']}"
    assert redis is not None
    patient.ask("forget_limits")
    web = patient.platform.web().start()
    eventually(lambda: _is_up(address), 40, f"the web process answers:\n{web.tail()}")
    headers = {"Authorization": f"Bearer {patient.ask('token')}"}
    with httpx.Client(base_url=address, headers=headers, timeout=30) as program:
        asked: dict[str, Callable[[], httpx.Response]] = {
            "log in": lambda: _log_in(address),
            "start a run": lambda: program.post("/api/v1/workflows/chain/runs", json={}),
            "log a device in": lambda: httpx.post(f"{address}/api/v1/auth/device", json={}, timeout=30),
        }
        expected = {name: ask().status_code for name, ask in asked.items()}
        assert expected == {"log in": 302, "start a run": 201, "log a device in": 200}
        redis.program.signal(how)
        try:
            waited = [_timed(ask, expected[name]) for _round in range(ROUNDS) for name, ask in asked.items()]
        finally:
            _bring_back(redis, how)
        eventually(lambda: asked["start a run"]() and web.said("service_back"), BACK_WITHIN, "Redis is used again")
    patient.platform.worker().start()
    patient.platform.beat().start()
    eventually(lambda: patient.ask("unfinished") == 0, 40, "all runs end")
    eventually(lambda: patient.ask("unsettled") == 0, 20, "all events and mails are out")
    web.stop()
    log = web.log.read_text().rpartition("Starting granian")[2]
    assert log.count("service_away") == 1, log[-3000:]
    slow = [seconds for seconds in waited if seconds > OTHERS_WAIT]
    # One caller looks every three seconds whether it is back.
    assert max(waited) < ONE_WAITS, waited
    assert len(slow) <= 1 + sum(waited) // 3, waited
    print(f"\nredis away ({how.name}): {' '.join(f'{seconds:.2f}' for seconds in waited)} s")  # noqa: T201 - figures


def _timed(ask: Callable[[], httpx.Response], expected: int) -> float:
    began = time.monotonic()
    answer = ask()
    assert answer.status_code == expected, answer.text
    return time.monotonic() - began


def _log_in(address: str) -> httpx.Response:
    with httpx.Client(base_url=address, timeout=30) as browser:
        browser.get("/accounts/login/")
        form = {
            "login": "owner@example.com",
            "password": "correct-horse-battery",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        return browser.post("/accounts/login/", data=form)


def _bring_back(redis: RedisServer, how: signal.Signals) -> None:
    if how == signal.SIGSTOP:
        redis.program.signal(signal.SIGCONT)
    else:
        redis.program.stop()
        redis.start()


def _is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
