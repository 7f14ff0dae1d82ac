"""Money moves once, whole, and never further than there is of it."""

import pytest
from django.db import connection

from apps.core.money import Money
from apps.ledger import services
from apps.ledger.errors import (
    AccountMismatchError,
    AlreadyResolvedError,
    InsufficientFundsError,
    TransferMismatchError,
)
from apps.ledger.models import Account, Resolution, Side, Transfer
from apps.ledger.selectors import differences
from apps.ledger.services import Entry, open_account, post, transfer, void
from tests.common.threads import run_in_threads


def fresh(account):
    return Account.objects.unscoped().get(pk=account.pk)


def test_an_account_is_opened_once(customer):
    assert open_account("customer:USD", "USD", Side.CREDIT) == customer
    for other in (("USD", Side.DEBIT, {}), ("EUR", Side.CREDIT, {}), ("USD", Side.CREDIT, {"may_be_overdrawn": True})):
        with pytest.raises(AccountMismatchError):
            open_account("customer:USD", other[0], other[1], **other[2])
    with pytest.raises(ValueError, match="ISO 4217"):
        open_account("strange", "XYZ", Side.CREDIT)


def test_a_transfer_moves_money(entry, bank, customer):
    [made] = transfer(entry(500))
    assert (made.debit, made.credit, made.money, made.is_pending) == (bank, customer, Money(500, "USD"), False)
    assert (fresh(bank).balance, fresh(customer).balance) == (Money(500, "USD"), Money(500, "USD"))
    assert differences() == []


def test_said_twice_it_happens_once(entry, customer):
    assert transfer(entry(500)) == transfer(entry(500))
    assert Transfer.objects.count() == 1
    assert fresh(customer).balance == Money(500, "USD")


@pytest.mark.parametrize(
    "otherwise",
    [{"minor": 501}, {"code": "gift"}, {"subject": "pi_2"}, {"pending": True}],
    ids=lambda one: next(iter(one)),
)
def test_a_key_means_one_transfer(entry, otherwise, customer):
    transfer(entry())
    with pytest.raises(TransferMismatchError):
        transfer(entry(**otherwise))
    assert fresh(customer).balance == Money(500, "USD")


def test_a_key_means_its_accounts(entry, bank, revenue):
    transfer(entry())
    with pytest.raises(TransferMismatchError):
        transfer(entry(credit=revenue))
    assert fresh(revenue).balance == Money(0, "USD")


def test_a_key_that_others_used_meanwhile(entry, customer, revenue, bank, monkeypatch):
    """Between other accounts, which are not locked: the database tells, and nothing moves."""
    transfer(entry())
    monkeypatch.setattr(services, "_made_before", lambda entries: [])
    with pytest.raises(TransferMismatchError):
        transfer(entry(credit=revenue))
    assert (fresh(bank).balance, fresh(revenue).balance) == (Money(500, "USD"), Money(0, "USD"))
    assert differences() == []


def test_all_or_none(entry, bank, customer, revenue):
    with pytest.raises(InsufficientFundsError):
        transfer(entry(500), entry(501, key="two", debit=customer, credit=revenue))
    assert Transfer.objects.count() == 0
    assert fresh(bank).balance == Money(0, "USD")
    both = transfer(entry(500), entry(500, key="two", debit=customer, credit=revenue))
    assert [made.idempotency_key for made in both] == ["one", "two"]
    with pytest.raises(TransferMismatchError):
        transfer(entry(500), entry(1, key="three"))
    assert (fresh(customer).balance, fresh(revenue).balance) == (Money(0, "USD"), Money(500, "USD"))


def test_no_more_leaves_an_account_than_there_is(entry, customer, revenue):
    transfer(entry(500))
    with pytest.raises(InsufficientFundsError, match="not enough money"):
        transfer(entry(501, key="two", debit=customer, credit=revenue))
    transfer(entry(500, key="two", debit=customer, credit=revenue))
    assert fresh(customer).balance == Money(0, "USD")


@pytest.mark.parametrize(
    "fields", [{"key": ""}, {"key": "k" * 161}, {"code": ""}, {"code": "c" * 61}, {"subject": "s" * 121}]
)
def test_texts_have_the_length_of_their_columns(entry, fields):
    with pytest.raises(ValueError, match="too short or too long"):
        transfer(entry(**fields))
    with pytest.raises(ValueError, match="too short or too long"):
        open_account("k" * 121, "USD", Side.CREDIT)


@pytest.mark.parametrize("minor", [0, -5, 2**63])
def test_what_moves_nothing_is_refused(entry, minor):
    with pytest.raises(ValueError, match="more than nothing"):
        transfer(entry(minor))


def test_one_currency_and_two_accounts(entry, bank, customer):
    euros = open_account("customer:EUR", "EUR", Side.CREDIT)
    with pytest.raises(ValueError, match="currency"):
        transfer(entry(credit=euros))
    with pytest.raises(ValueError, match="currency"):
        transfer(Entry(bank, customer, Money(5, "EUR"), "payment", "one"))
    with pytest.raises(ValueError, match="two accounts"):
        transfer(entry(credit=bank))


class TestPending:
    def test_it_is_held_back_and_gives_nothing_yet(self, entry, customer, revenue):
        transfer(entry(500))
        [held] = transfer(entry(300, key="two", debit=customer, credit=revenue, pending=True))
        assert (fresh(customer).balance, fresh(customer).available) == (Money(500, "USD"), Money(200, "USD"))
        assert fresh(revenue).balance == Money(0, "USD")
        with pytest.raises(InsufficientFundsError):
            transfer(entry(201, key="three", debit=customer, credit=revenue))
        assert post(held).outcome == "posted"
        assert (fresh(customer).available, fresh(revenue).balance) == (Money(200, "USD"), Money(300, "USD"))
        assert differences() == []

    def test_given_back(self, entry, customer, revenue):
        transfer(entry(500))
        [held] = transfer(entry(300, key="two", debit=customer, credit=revenue, pending=True))
        assert void(held).outcome == "voided"
        assert fresh(customer).available == Money(500, "USD")
        assert fresh(customer).debits_pending == fresh(revenue).credits_pending == 0
        assert differences() == []

    def test_it_ends_once(self, entry):
        [held] = transfer(entry(pending=True))
        assert post(held) == post(held)
        with pytest.raises(AlreadyResolvedError):
            void(held)
        assert Resolution.objects.count() == 1

    def test_what_was_never_pending_has_no_end(self, entry):
        [made] = transfer(entry())
        with pytest.raises(AlreadyResolvedError):
            post(made)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _many_writers(self):
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has one writer at a time")

    def test_the_same_transfer_by_many(self, entry, customer):
        one = entry(500)
        made = run_in_threads(*[lambda: transfer(one)[0].pk] * 4)
        assert len(set(made)) == 1
        assert fresh(customer).balance == Money(500, "USD")

    def test_the_last_dollar_is_spent_once(self, entry, customer, revenue):
        transfer(entry(100))

        def spend(number):
            try:
                transfer(entry(100, key=f"spend {number}", debit=customer, credit=revenue))
            except InsufficientFundsError:
                return 0
            return 1

        assert sum(run_in_threads(*[lambda number=number: spend(number) for number in range(4)])) == 1
        assert differences() == []

    def test_opposite_transfers_do_not_wait_for_each_other(self, bank, revenue):
        revenue.may_be_overdrawn = True
        revenue.save()

        def move(debit, credit, name):
            for number in range(10):
                transfer(Entry(debit, credit, Money(1, "USD"), "test", f"{name} {number}"))

        run_in_threads(lambda: move(bank, revenue, "there"), lambda: move(revenue, bank, "back"))
        assert (fresh(bank).balance, fresh(revenue).balance) == (Money(0, "USD"), Money(0, "USD"))

    def test_posted_and_voided_at_once(self, entry):
        [held] = transfer(entry(pending=True))

        def end(how):
            try:
                how(held)
            except AlreadyResolvedError:
                return 0
            return 1

        assert sum(run_in_threads(lambda: end(post), lambda: end(void))) == 1
        assert differences() == []


def test_locks_are_taken_in_one_order(entry, django_assert_num_queries):
    """Whichever side an account is on; on SQLite the whole database is locked."""
    with django_assert_num_queries(9) as seen:
        transfer(entry())
    locked = next(query["sql"] for query in seen.captured_queries if "ledger_account" in query["sql"])
    assert 'ORDER BY "ledger_account"."id"' in locked
    assert ("FOR UPDATE" in locked) is (connection.vendor == "postgresql")
