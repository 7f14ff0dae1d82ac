"""Statements, and sums that derive from transfers."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.core.money import Money
from apps.ledger.health import WrongSumsError, verify
from apps.ledger.models import Account
from apps.ledger.selectors import derived_sums, differences, statement
from apps.ledger.services import post, transfer, void

DAY = datetime(2026, 11, 3, tzinfo=UTC)


def on(day):
    return time_machine.travel(DAY + timedelta(days=day), tick=False)


def usd(minor):
    return Money(minor, "USD")


@pytest.fixture
def history(entry, customer, revenue):
    """Five days: 500 in, 300 held, 100 spent, the 300 taken, 50 held and given back."""
    with on(0):
        transfer(entry(500, key="in"))
    with on(1):
        [held] = transfer(entry(300, key="held", debit=customer, credit=revenue, pending=True))
    with on(2):
        transfer(entry(100, key="spent", debit=customer, credit=revenue))
    with on(3):
        post(held)
    with on(4):
        void(transfer(entry(50, key="back", debit=customer, credit=revenue, pending=True))[0])


@pytest.mark.usefixtures("history")
def test_a_statement_tells_what_was_posted_when(customer):
    whole = statement(customer, DAY, DAY + timedelta(days=9))
    assert whole.opening == usd(0)
    assert [(line.transfer.idempotency_key, line.at, line.change, line.balance) for line in whole.lines] == [
        ("in", DAY, usd(500), usd(500)),
        ("spent", DAY + timedelta(days=2), usd(-100), usd(400)),
        ("held", DAY + timedelta(days=3), usd(-300), usd(100)),
    ]
    assert whole.closing == usd(100)


@pytest.mark.usefixtures("history")
def test_a_statement_begins_with_what_was_there(customer, bank, revenue):
    part = statement(customer, DAY + timedelta(days=1), DAY + timedelta(days=3))
    assert (part.opening, [line.change for line in part.lines], part.closing) == (usd(500), [usd(-100)], usd(400))
    later = statement(customer, DAY + timedelta(days=5), DAY + timedelta(days=6))
    assert (later.opening, later.lines, later.closing) == (usd(100), [], usd(100))
    assert statement(bank, DAY, DAY + timedelta(days=9)).closing == usd(500), "it grows by debits"
    assert statement(revenue, DAY + timedelta(days=3), DAY + timedelta(days=9)).closing == usd(400)


@pytest.mark.usefixtures("history")
def test_of_a_long_statement_the_last_lines(customer):
    found = statement(customer, DAY, most=2)
    assert (found.opening, [line.change for line in found.lines], found.closing) == (
        usd(500), [usd(-100), usd(-300)], usd(100)
    )  # fmt: skip


@pytest.mark.usefixtures("history")
def test_a_statement_asks_for_the_balance_and_two_kinds_of_lines(customer, django_assert_num_queries):
    with django_assert_num_queries(5):  # two of them begin and end
        [line.transfer.debit.key for line in statement(customer, DAY, DAY + timedelta(days=9)).lines]


@pytest.mark.usefixtures("history")
def test_the_sums_of_an_account_derive_from_its_transfers(customer, django_assert_num_queries):
    row = Account.objects.unscoped().get(pk=customer.pk)
    assert derived_sums(customer) == {
        "debits_posted": 400, "credits_posted": 500, "debits_pending": 0, "credits_pending": 0
    }  # fmt: skip
    assert derived_sums(customer) == {name: getattr(row, name) for name in derived_sums(customer)}
    with django_assert_num_queries(5):
        assert differences() == []


@pytest.mark.usefixtures("history")
def test_a_transfer_that_comes_while_sums_are_compared_is_no_difference(customer, entry, monkeypatch):
    """The sums are of different moments."""
    rows = Account.objects.unscoped

    def with_one_more():
        monkeypatch.undo()
        transfer(entry(700, key="meanwhile"))
        return rows()

    monkeypatch.setattr(Account.objects, "unscoped", with_one_more)
    assert differences() == []
    assert statement(customer, DAY).closing == usd(800)


@pytest.mark.usefixtures("history")
def test_a_sum_that_was_changed_by_hand_is_found(customer):
    assert verify(DAY) == "every account keeps the sums of its transfers"
    Account.objects.unscoped().filter(pk=customer.pk).update(credits_posted=600)
    assert [(account, derived["credits_posted"]) for account, derived in differences()] == [(customer, 500)]
    assert statement(customer, DAY).opening == usd(100), "a statement goes back from the balance"
    with pytest.raises(WrongSumsError, match=r"1 accounts .* customer:USD"):
        verify(DAY)
