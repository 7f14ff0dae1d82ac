"""kill -9 of the web process under load: each POST, repeated with its key, happens once and gets the first answer."""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.common.processes import Program, eventually
from tests.faults.conftest import Patient
from tests.faults.evidence import examine

KILLS = 10
SOURCE = "name: Number {number}\nsteps: [{{id: one, type: transform, with: {{value: {number}}}}}]\n"

Asked = tuple[str, str, dict[str, Any]]
"""What is asked for, where, and with which body."""


@pytest.mark.timeout(150)
def test_requests_that_a_kill_interrupted_happen_once(patient: Patient) -> None:
    chance = random.Random(7)
    web = patient.platform.web().start()
    patient.platform.worker().start()
    patient.platform.beat().start()
    address = f"http://127.0.0.1:{patient.platform.environment['PORT']}"
    _wait_for_web(web, address)
    headers = {"Authorization": f"Bearer {patient.ask('token')}"}
    answers: list[tuple[str, Any]] = []
    enough, broken = threading.Event(), list[BaseException]()
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=5) as client:
        sender = threading.Thread(target=_ask_all, args=(client, answers, enough, broken), daemon=True)
        sender.start()
        for number in range(KILLS):
            have = len(answers)
            eventually(lambda have=have: len(answers) > have or broken, 40, "requests are answered")  # type: ignore[misc]
            time.sleep(chance.uniform(0.0, 0.3))
            web.kill(group=number % 2 == 0)
            # By hand, since nobody here waits for the minute that a lease takes to run out.
            # Once more when it is up: a claim may have been committed just after the kill.
            patient.ask("free_requests")
            web.start()
            _wait_for_web(web, address)
            patient.ask("free_requests")
        enough.set()
        sender.join(timeout=60)
        assert not sender.is_alive()
        assert not broken, broken
        eventually(lambda: patient.ask("unfinished") == 0, 30, f"all runs end: {patient.ask('pending')}")
        eventually(lambda: patient.ask("unsettled") == 0, 30, "all events are out")
        _each_happened_once(client, answers)
    examine(patient)


def _requests() -> Iterator[Asked]:
    """Runs, workflows and versions, without an end."""
    yield "target", "/workflows", {"source": SOURCE.format(number=0), "slug": "target"}
    for number in itertools.count(1):
        source = SOURCE.format(number=number)
        yield "run", "/workflows/quick/runs", {"inputs": {}}
        yield "workflow", "/workflows", {"source": source, "slug": f"number-{number}"}
        yield "version", "/workflows/target/versions", {"source": source}


def _ask_all(
    client: httpx.Client, answers: list[tuple[str, Any]], enough: threading.Event, broken: list[BaseException]
) -> None:
    """Each request is repeated with its key until it is answered, as a careful client does."""
    try:
        for kind, path, body in _requests():
            answers.append((kind, _answer(client, path, body)))
            if enough.is_set():
                return
    except BaseException as error:  # noqa: BLE001 - the test's own thread tells it
        broken.append(error)


def _answer(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    key, deadline = str(uuid.uuid4()), time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = client.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code == 201:
            return answer.json()
        assert answer.status_code == 409, answer.text
        assert answer.json()["code"] == "idempotency_key_in_use", answer.text  # the first attempt's lease goes on
        time.sleep(0.1)
    raise TimeoutError(f"{path} was not answered")


def _each_happened_once(client: httpx.Client, answers: list[tuple[str, Any]]) -> None:
    """What was answered is what is there: nothing twice, nothing without an answer."""
    told = {kind: [answer for found, answer in answers if found == kind] for kind in ("run", "workflow", "version")}
    there = [run["id"] for run in _all(client, "/runs?workflow=quick") if run["trigger"] == "api"]
    assert sorted(there) == sorted(answer["id"] for answer in told["run"])
    there = [row["id"] for row in _all(client, "/workflows") if row["slug"].startswith("number-")]
    assert sorted(there) == sorted(answer["id"] for answer in told["workflow"])
    assert all(answer["created"] for answer in told["version"])
    assert [answer["number"] for answer in told["version"]] == list(range(2, len(told["version"]) + 2))
    assert client.get("/workflows/target").json()["version"] == len(told["version"]) + 1


def _all(client: httpx.Client, path: str) -> Iterator[Any]:
    cursor = ""
    while True:
        page = client.get(path, params=httpx.URL(path).params.merge({"limit": 100, "cursor": cursor})).json()
        yield from page["data"]
        if not page["has_more"]:
            return
        cursor = page["next_cursor"]


def _wait_for_web(web: Program, address: str) -> None:
    def answers() -> bool:
        try:
            return httpx.get(f"{address}/api/v1/schemas/workflow", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers, 60, f"the web process answers:\n{web.tail()}")
