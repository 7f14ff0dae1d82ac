"""kill -9 of worker, web process and Stripe itself while organizations buy and money goes back: all happens once."""

import json
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.common.processes import Program, eventually
from tests.faults.conftest import Patient
from tests.faults.load import seed_of

SECONDS = 25.0
CUSTOMERS = 5
CALLS_EACH = 1000
KINDS = ("checkout.session", "charge", "refund", "balance_transaction", "subscription", "_delivery")


@dataclass(frozen=True)
class Victim:
    """A process that is killed, and what it says once it works."""

    program: Program
    ready: str


def ask(patient: Patient, action: str, **arguments: Any) -> Any:
    return patient.platform.call(f"tests.faults.billing_actions:{action}", **arguments)


@pytest.mark.timeout(240)
def test_everything_is_bought_and_given_back_once(patient: Patient) -> None:
    seed = seed_of(patient.name)
    chance = random.Random(seed)
    ask(patient, "open_shop", customers=CUSTOMERS, seed=seed)
    state = patient.platform.folder / "stripe_fake.sqlite3"
    fake = Victim(_fake(patient, state), "Test payments at")
    worker = Victim(patient.platform.worker(), " ready.")
    victims = [fake, Victim(patient.platform.web(), "Started worker-1"), worker]
    for one in victims:
        one.program.start()
    beat = patient.platform.beat().start()
    for program, ready in [*((one.program, one.ready) for one in victims), (beat, "maxinterval")]:
        program.wait_until(ready, 120)

    with _shoppers(patient) as happened:
        eventually(lambda: len(ask(patient, "payments")) > 3, 60, "something is there to be given back")
        killed, held = _kill_for(SECONDS, victims, worker, patient, chance)

    eventually(lambda: ask(patient, "pay_the_rest") == 0, 30, f"all is paid:\n{fake.program.tail()}")
    _let_time_pass(patient, fake, worker, state)
    eventually(lambda: not _kept(state)["_delivery"], 60, "Stripe has told of everything", every=0.3)
    eventually(lambda: ask(patient, "what_waits") == {}, 60, f"all is done: {ask(patient, 'what_waits')}", every=0.3)

    kept = _kept(state)
    _bought_once(patient, kept)
    _given_back_once(patient, kept)
    _books_are_what_stripe_has(patient, kept)
    again = ask(patient, "tried_again")
    assert len(kept["refund"]) > 1, happened
    assert len(kept["charge"]) > 3, happened
    print(  # noqa: T201 - figures for whoever reads
        f"{patient.name}: killed {dict(killed)} in {SECONDS:.0f} s, holding {held}; {dict(happened)};"
        f" {len(kept['charge'])} charges and {len(kept['refund'])} refunds at Stripe; tried again: {again}"
    )


def _fake(patient: Patient, state: Path) -> Program:
    keys = ask(patient, "keys")
    web = f"http://127.0.0.1:{patient.platform.environment['PORT']}/webhooks/stripe/"
    command = (sys.executable, "-m", "apps.integrations.stripe.fake", "--port", keys.pop("STRIPE_FAKE_PORT"))
    return patient.platform.program("fake", *command, "--state", str(state), "--webhook-url", web, **keys)


@contextmanager
def _shoppers(patient: Patient) -> Iterator[Counter[str]]:
    """Inside, somebody buys or wants money back all the time. What happened is counted."""
    happened, done, broken = Counter[str](), threading.Event(), list[BaseException]()

    def shop() -> None:
        try:
            while not done.is_set():
                happened[ask(patient, "go_shopping")] += 1
                done.wait(0.05)
        except BaseException as error:  # noqa: BLE001 - the test's own thread tells it
            broken.append(error)

    shopper = threading.Thread(target=shop, daemon=True)
    shopper.start()
    try:
        yield happened
    finally:
        done.set()
        shopper.join(timeout=60)
    assert not broken, broken


def _kill_for(
    seconds: float, victims: list[Victim], worker: Victim, patient: Patient, chance: random.Random
) -> tuple[Counter[str], int]:
    """Kill one after the other of those that are up, at any moment of their work. Returns how often each died, and how
    much the workers held then."""
    killed, held, deadline = Counter[str](), 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        up = [one for one in victims if one.program.said(one.ready)]
        if not up:
            time.sleep(0.05)
            continue
        victim = chance.choice(up)
        time.sleep(chance.uniform(0.1, 1.2))
        victim.program.kill()
        killed[victim.program.name] += 1
        if victim is worker:
            held += ask(patient, "revive")
        victim.program.start()
    assert min(killed[one.program.name] for one in victims) > 1, f"not everybody was killed: {killed}"
    assert held, "no kill hit anything: this proved nothing"
    return killed, held


def _let_time_pass(patient: Patient, fake: Victim, worker: Victim, state: Path) -> None:
    """What waits for its next attempt is due: at ours and at Stripe's."""
    worker.program.kill()
    ask(patient, "revive")
    fake.program.kill()
    with closing(sqlite3.connect(state)) as file, file:
        rows = file.execute("SELECT id, body FROM objects WHERE kind = '_delivery'").fetchall()
        for key, body in rows:
            due = json.dumps({**json.loads(body), "due": 0.0})
            file.execute("UPDATE objects SET body = ? WHERE kind = '_delivery' AND id = ?", (due, key))
    for one in (fake, worker):
        one.program.start()
    for one in (fake, worker):
        one.program.wait_until(one.ready, 120)


def _kept(state: Path) -> dict[str, list[dict[str, Any]]]:
    """What is at Stripe, by kind."""
    with closing(sqlite3.connect(state)) as file:
        rows = file.execute("SELECT kind, body FROM objects ORDER BY place").fetchall()
    return {name: [json.loads(body) for kind, body in rows if kind == name] for name in KINDS}


def _bought_once(patient: Patient, kept: dict[str, list[dict[str, Any]]]) -> None:
    """Each order that was paid is given, and nothing else is."""
    paid = {one["client_reference_id"]: one for one in kept["checkout.session"] if one["status"] == "complete"}
    bought = {order["id"]: order for order in ask(patient, "bought") if order["state"] != "expired"}
    assert set(bought) == set(paid)
    assert len({order["session"] for order in bought.values()}) == len(bought)
    for order in bought.values():
        units = [grant["units"] for grant in order["grants"]]
        assert units == ([CALLS_EACH * order["quantity"]] if order["price"] == "credits_1000" else []), order
    ours = {row["id"]: row for row in ask(patient, "subscriptions")}
    assert {key: row["status"] for key, row in ours.items()} == {
        one["id"]: one["status"] for one in kept["subscription"]
    }
    assert all(row["gives"] == (row["status"] == "active") for row in ours.values()), ours


def _given_back_once(patient: Patient, kept: dict[str, list[dict[str, Any]]]) -> None:
    """Each payment and each refund is told of once, and as large as at Stripe."""
    payments = ask(patient, "payments")
    charges = {one["payment_intent"]: one for one in kept["charge"] if one["paid"]}
    assert {row["id"]: (row["amount"], row["refunded"]) for row in payments} == {
        key: (one["amount"], one["amount_refunded"]) for key, one in charges.items()
    }
    ordered = [row["stripe_id"] for payment in payments for row in payment["refunds"] if row["state"] != "refused"]
    assert Counter(ordered) == Counter(one["id"] for one in kept["refund"])
    ours = [one["metadata"]["refund"] for one in kept["refund"]]
    assert len(set(ours)) == len(ours), "a refund was made twice"
    for payment in payments:
        assert payment["succeeded"] == 1, payment
        assert payment["settled"] == payment["refunded"], payment
        back = [row for row in payment["refunds"] if row["state"] == "succeeded"]
        assert 0 < payment["reversed"] <= len(back) if back else payment["reversed"] == 0, payment


def _books_are_what_stripe_has(patient: Patient, kept: dict[str, list[dict[str, Any]]]) -> None:
    """Charges less refunds less fees, to the cent; and no comparison of ours finds a difference."""
    balances = ask(patient, "balances")
    fees = sum(one["fee"] for one in kept["balance_transaction"])
    came = sum(one["amount"] for one in kept["charge"] if one["paid"])
    went = sum(one["amount"] for one in kept["refund"])
    assert balances["stripe"] == came - went - fees == sum(one["net"] for one in kept["balance_transaction"])
    assert (balances["fees"], balances["receivable"]) == (fees, 0)
    assert balances["refunds"] == went - _never_owed(patient)
    assert balances["contradictions"] == 0
    said = ask(patient, "reconcile")
    assert said.endswith("\n0 differences.\n"), said


def _never_owed(patient: Patient) -> int:
    """What of refunds was paid for calls that are not owed any more."""
    grants = [grant for order in ask(patient, "bought") for grant in order["grants"]]
    return sum(grant["amount"] * grant["withdrawn"] // grant["units"] for grant in grants)
