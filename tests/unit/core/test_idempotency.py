"""`Idempotency-Key`: once, even when processes die or race."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import QuerySet
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.idempotency import LEASE, InUseError, ReusedError, once, purge
from apps.core.models import IdempotentRequest, LoadedSeed
from tests.common.threads import run_in_threads, shared_database

pytestmark = pytest.mark.django_db


def request(key="k", body=None, path="/x"):
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key is not None else {}
    return Request(APIRequestFactory().post(path, body or {"a": 1}, format="json", **headers))


class Counter:
    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return Response({"n": self.calls}, status=201)


def test_the_second_answer_is_the_first():
    perform = Counter()
    first, second = (once(request(), "me", perform) for _try in range(2))
    assert (first.data, second.data, second.status_code, perform.calls) == ({"n": 1}, {"n": 1}, 201, 1)
    assert second["Idempotent-Replayed"] == "true"


def test_without_a_key_and_for_another_owner_it_happens_again():
    perform = Counter()
    for owner, key in (("me", None), ("me", None), ("me", "k"), ("you", "k")):
        once(request(key), owner, perform)
    assert perform.calls == 4


def test_a_key_belongs_to_its_request():
    once(request(), "me", Counter())
    for other in (request(body={"a": 2}), request(path="/y")):
        with pytest.raises(ReusedError):
            once(other, "me", Counter())


def test_a_second_request_while_the_first_is_under_way_is_told_so():
    def perform():
        with pytest.raises(InUseError):
            once(request(), "me", Counter())
        return Response({})

    once(request(), "me", perform)


class Raises(Counter):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def __call__(self):
        super().__call__()
        write()
        raise self.error


def write():
    LoadedSeed.objects.create(name="written", loaded_at=now())


@pytest.mark.parametrize(
    "error", [ConflictError("no"), ValidationError("no"), Http404(), ZeroDivisionError(), SystemExit()]
)
def test_what_raises_has_done_nothing_and_frees_the_key_for_any_request(error):
    with pytest.raises(type(error)):
        once(request(), "me", Raises(error))
    assert not LoadedSeed.objects.exists()
    perform = Counter()
    once(request(body={"a": 2}), "me", perform)
    assert perform.calls == 1


def test_what_is_done_and_its_answer_are_committed_together(monkeypatch):
    """A process that dies before it has stored the answer has done nothing: there is no moment between the two."""

    def dies(*_args, **_kwargs):
        raise SystemExit

    def perform():
        write()
        monkeypatch.setattr(QuerySet, "update", dies)
        monkeypatch.setattr(QuerySet, "delete", dies)
        return Response({})

    with pytest.raises(SystemExit):
        once(request(), "me", perform)
    monkeypatch.undo()
    assert not LoadedSeed.objects.exists()
    with pytest.raises(InUseError):
        once(request(), "me", Counter())
    with time_machine.travel(now() + LEASE, tick=False):
        once(request(), "me", Counter())


def test_who_takes_longer_than_the_lease_is_fenced_by_the_one_who_took_over():
    with time_machine.travel(now(), tick=False) as clock:

        def perform():
            write()
            clock.shift(LEASE)
            assert once(request(), "me", quick).data == {"n": 1}
            return Response({"n": "late"})

        quick = Counter()
        with pytest.raises(InUseError):
            once(request(), "me", perform)
        assert not LoadedSeed.objects.exists()


def test_a_key_stands_for_a_new_request_after_a_day():
    perform = Counter()
    with time_machine.travel(now(), tick=False) as clock:
        once(request(), "me", perform)
        clock.shift(timedelta(hours=25))
        once(request(body={"a": 2}), "me", perform)
    assert perform.calls == 2


def test_a_key_whose_process_died_can_be_used_again_after_its_lease():
    with time_machine.travel(now(), tick=False) as clock:
        once(request("other"), "me", Counter())
        row = IdempotentRequest.objects.get()
        row.status, row.body = None, None
        row.save()
        with pytest.raises(InUseError):
            once(request("other"), "me", Counter())
        clock.shift(timedelta(seconds=61))
        perform = Counter()
        once(request("other"), "me", perform)
        assert perform.calls == 1


def test_answers_are_forgotten_after_a_day():
    once(request(), "me", Counter())
    assert purge(now()) == 0
    assert purge(now() + timedelta(hours=25)) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
def test_keys_have_a_form(key):
    with pytest.raises(Exception, match="Idempotency-Key"):
        once(request(key), "me", Counter())


@pytest.mark.django_db(transaction=True)
def test_a_request_sent_by_many_at_once_happens_once(tmp_path):
    def ask():
        try:
            return once(request(), "me", write_once).data
        except InUseError:
            return "in use"

    def write_once():
        write()
        return Response({"n": 1}, status=201)

    with shared_database(tmp_path, IdempotentRequest, LoadedSeed):
        answers = run_in_threads(*[ask] * 4)
        [count] = run_in_threads(LoadedSeed.objects.count)
    assert all(answer in ({"n": 1}, "in use") for answer in answers)
    assert ({"n": 1} in answers, count) == (True, 1)
