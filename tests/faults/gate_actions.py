"""What fault tests ask of the gate, inside of the platform: calls from many processes, and what became of them."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.test import override_settings

from apps.accounts.models import ApiKey, Organization, User
from apps.accounts.permissions import Actor
from apps.accounts.services import api_keys
from apps.accounts.services.access import Shown
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.organizations import create_organization
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.outage import REDIS
from apps.usage.gate.either import catch_up, gate
from apps.usage.gate.known import memory, read
from apps.usage.gate.port import Call, Gate, StaleError, Verdict
from apps.usage.limits import limits_of, set_limits
from apps.usage.models import UsageEvent, UsageTotal
from apps.usage.periods import month_of
from apps.usage.services.draining import drain

forks = multiprocessing.get_context("fork")


def new_key(quota: int, per_minute: int = 1_000_000) -> dict[str, str]:
    """An organization with these limits and a key."""
    user = User.objects.get(email="owner@example.com")
    Organization.objects.filter(created_by=user).update(created_by=None)  # so that one person may have made so many
    organization = create_organization(user, name="Gate")
    set_limits(organization, "pro", calls=quota, per_minute=per_minute)
    actor = Actor(user, organization, "session", "owner")
    secret = api_keys.create_key(actor, organization, "live", Terms("Faults")).secret
    return {"organization": str(organization.pk), "secret": secret}


def revoke(organization: str, redis_url: str) -> None:
    """Refuse the organization's key from now on."""
    with override_settings(REDIS_URL=redis_url):
        api_keys.revoke_key(ApiKey.objects.unscoped().get(organization_id=organization))


def shows(secret: str, redis_url: str) -> str:
    """What a call with this key is told by a process that remembers it: "ok", or the code of the refusal."""
    shown = Shown(secret)

    def admit(port: Gate) -> Verdict:
        known = (memory.recall(shown) or memory.learn(shown)) if port.compares_versions else read(shown)
        organization = known.access.actor.organization
        call = Call("shows", known.limits, organization and organization.pk, category="faults")
        return port.admit(call, known.words)

    with override_settings(REDIS_URL=redis_url):
        for _attempt in range(5):
            try:
                return gate.ask(admit).refusal or "ok"
            except StaleError:
                memory.forget(shown)
            except DomainError as refusal:
                return refusal.code
    return "stale"


def call(organization: str, calls: int, redis_url: str | None = None) -> dict[str, int]:
    """Call so often. Returns how often each answer came."""
    with override_settings(**({} if redis_url is None else {"REDIS_URL": redis_url})):
        return dict(_call(organization, calls))


def _call(organization: str, calls: int) -> Counter[str]:
    found = Organization.objects.get(pk=organization)
    one = Call("faults", limits_of(found), found.pk, category="faults")
    return Counter(gate.ask(lambda port: port.admit(one)).refusal or "ok" for _number in range(calls))


def call_from_processes(organization: str, processes: int, calls: int, redis_url: str | None = None) -> dict[str, int]:
    """The same from several processes at once, each so often."""
    connections.close_all()
    start = forks.Barrier(processes)
    answers = forks.Queue()

    def work() -> None:
        start.wait(30)
        answers.put(call(organization, calls, redis_url))

    children = [_child(work) for _number in range(processes)]
    told: Counter[str] = Counter()
    for _child_process in children:
        told.update(answers.get(timeout=60))
    for child in children:
        child.join(10)
    return dict(told)


def drain_under_kills(organization: str, kills: int, seed: int) -> dict[str, Any]:
    """Call on and on while whoever drains is killed again and again. Returns what was counted and what arrived."""
    chance = random.Random(seed)
    connections.close_all()
    over, answers = forks.Event(), forks.Queue()

    def call_on() -> None:
        told: Counter[str] = Counter()
        while not over.is_set():
            told.update(_call(organization, 5))
            over.wait(0.01)
        answers.put(told)

    def drain_on() -> None:
        while True:
            drain()

    callers = [_child(call_on) for _number in range(2)]
    arrived = []
    for _number in range(kills):
        drainer = _child(drain_on)
        time.sleep(chance.uniform(0.04, 0.3))
        os.kill(drainer.pid, signal.SIGKILL)
        drainer.join(10)
        arrived.append(recorded(organization)["events"])
        connections.close_all()
    over.set()
    told = sum((answers.get(timeout=30) for _caller in callers), Counter())
    for caller in callers:
        caller.join(10)
    return {
        "ok": told["ok"],
        "others": len(told) - 1,
        "kills_that_brought_some": len(set(arrived)),
        **recorded_all(organization),
    }


def recorded(organization: str) -> dict[str, int]:
    """What the database has of an organization's calls."""
    events = UsageEvent.objects.unscoped().filter(organization_id=organization)
    total = UsageTotal.objects.unscoped().filter(organization_id=organization, category="").first()
    return {
        "events": sum(events.values_list("value", flat=True)),
        "entries": events.values("source", "source_id").distinct().count(),
        "rows": events.count(),
        "total": total.total if total else 0,
    }


def recorded_all(organization: str, redis_url: str | None = None) -> dict[str, int]:
    """The same when everything has arrived, and what the gate says that it counted."""
    with override_settings(**({} if redis_url is None else {"REDIS_URL": redis_url})):
        REDIS.ended()
        if redis_url != "":
            drain()
            catch_up()
        counted = gate.counted(Organization.objects.get(pk=organization).pk, month_of(now())).calls
    return {**recorded(organization), "counted": counted}


def bring(redis_url: str | None = None) -> int:
    """Drain once."""
    with override_settings(**({} if redis_url is None else {"REDIS_URL": redis_url})):
        return drain()


_calling: dict[str, Any] = {}


def begin_calling(organization: str) -> None:
    """Call in the background until `end_calling`, and drain meanwhile."""
    over: threading.Event = threading.Event()
    told: Counter[str] = Counter()

    def work() -> None:
        while not over.is_set():
            try:
                told.update(_call(organization, 1))
            except Exception as error:  # noqa: BLE001 - told to the test
                told[repr(error)] += 1
        connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(3)]
    _calling.update(over=over, told=told, threads=threads)
    for thread in threads:
        thread.start()


def end_calling() -> dict[str, int]:
    """How often each answer came."""
    _calling["over"].set()
    for thread in _calling["threads"]:
        thread.join(30)
    return dict(_calling["told"])


def _child(work: Callable[[], None]) -> Any:
    child = forks.Process(target=work, daemon=True)
    child.start()
    return child
