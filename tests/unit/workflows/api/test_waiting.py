"""Places for requests that wait: never all threads, never all of them for one person."""

import uuid
from contextlib import ExitStack

from apps.workflows.api import waiting
from apps.workflows.api.waiting import Waiters
from tests.common.roles import api_client_of
from tests.common.workflows import make_run, make_workflow

ONE, OTHER, THIRD = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def test_half_of_the_threads_wait_and_one_person_has_half_of_those():
    waiters = Waiters(threads=8)
    with ExitStack() as held:
        taken = [held.enter_context(waiters.place(person)) for person in (ONE, ONE, ONE, OTHER, OTHER, THIRD)]
        assert taken == [True, True, False, True, True, False]
    with waiters.place(THIRD) as free:
        assert free


def test_there_is_always_one_place():
    with Waiters(threads=1).place(ONE) as free:
        assert free


def test_where_no_place_is_free_the_answer_comes_at_once(db, organization, developer, monkeypatch):
    run = make_run(make_workflow(organization, developer), {"who": "Ada"})
    monkeypatch.setattr(waiting.waiters, "_most", 0)
    slept = []
    monkeypatch.setattr("apps.workflows.api.runs.time.sleep", slept.append)
    answer = api_client_of(developer, organization).get(
        f"/api/v1/runs/{run.public_id}/events", {"after": run.revision, "wait": 25}
    )
    assert (answer.status_code, answer.json()["events"], slept) == (200, [], [])
