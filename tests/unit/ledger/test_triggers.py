"""What the database itself refuses, whoever asks."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, transaction

from apps.core.ids import new_id
from apps.core.money import Money
from apps.ledger import health, triggers
from apps.ledger.models import Account, Resolution, Side, Transfer
from apps.ledger.services import open_account, post
from apps.ledger.services import transfer as move

migration = importlib.import_module("apps.ledger.migrations.0002_protected")


def refuses(why, work):
    with pytest.raises(Exception, match=why), transaction.atomic():
        work()


def execute(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_transfer SET amount = 1",
        "UPDATE ledger_transfer SET subject = 'x'",
        "DELETE FROM ledger_transfer",
        "UPDATE ledger_resolution SET outcome = 'voided'",
        "DELETE FROM ledger_resolution",
    ],
)
def test_transfers_and_how_they_ended_are_never_changed(sql, entry):
    [held] = move(entry(pending=True))
    post(held)
    refuses("never changed", lambda: execute(sql))
    assert Transfer.objects.get().money == Money(500, "USD")
    assert Resolution.objects.get().outcome == "posted"


def test_postgresql_refuses_to_empty_the_table(entry):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite empties a table by DELETE")
    move(entry())
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    refuses("never changed", lambda: execute("TRUNCATE ledger_transfer CASCADE"))


@pytest.mark.parametrize("sql", ["key = 'other'", "currency = 'EUR'", "grows_by = 'debit'"])
def test_an_account_stays_what_it_is(sql, customer):
    refuses("stays what it is", lambda: execute(f"UPDATE ledger_account SET {sql} WHERE key = 'customer:USD'"))
    execute("UPDATE ledger_account SET may_be_overdrawn = true WHERE key = 'customer:USD'")


def raw(debit, credit, **changes):
    fields = {"amount": 5, "currency": "USD", "code": "test", "idempotency_key": new_id().hex} | changes
    return Transfer.objects.create(debit=debit, credit=credit, **fields)


def test_a_transfer_has_the_currency_of_its_accounts(bank, customer):
    euros = open_account("customer:EUR", "EUR", Side.CREDIT)
    refuses("currency", lambda: raw(bank, euros))
    refuses("currency", lambda: raw(euros, bank))
    refuses("currency", lambda: raw(bank, customer, currency="EUR"))
    raw(bank, customer)


def test_a_transfer_moves_something_between_two(bank, customer):
    refuses("ledger_transfer_moves_something", lambda: raw(bank, customer, amount=0))
    refuses("ledger_transfer_moves_something", lambda: raw(bank, customer, amount=-1))
    refuses("ledger_transfer_has_two_accounts|currency", lambda: raw(bank, bank))


def test_an_account_that_comes_later_has_no_currency_yet(customer):
    refuses("currency", lambda: raw(Account(id=new_id(), key="later", currency="EUR", grows_by="debit"), customer))


def test_replacing_is_changing(entry):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite knows REPLACE")
    move(entry())
    refuses("never changed", lambda: execute("REPLACE INTO ledger_transfer SELECT * FROM ledger_transfer"))


def test_values_are_those_that_the_code_knows(entry, customer):
    [held] = move(entry(pending=True))
    refuses("posted_or_voided", lambda: Resolution.objects.create(transfer=held, outcome="void"))
    refuses("grows_by", lambda: Account.objects.create(key="x", currency="USD", grows_by="x", may_be_overdrawn=True))
    refuses("has_a_key", lambda: raw(held.debit, held.credit, idempotency_key=""))


def test_a_key_is_used_once(bank, customer):
    raw(bank, customer, idempotency_key="one")
    refuses("(?i)unique", lambda: raw(bank, customer, idempotency_key="one"))


def test_only_what_is_pending_ends_and_once(entry):
    [done] = move(entry())
    refuses("only a pending transfer", lambda: Resolution.objects.create(transfer=done, outcome="posted"))
    [held] = move(entry(key="two", pending=True))
    post(held)
    refuses("(?i)unique", lambda: Resolution(transfer=held, outcome="voided").save(force_insert=True))


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"credits_posted": 5, "debits_posted": 5}, True),
        ({"credits_posted": 5, "debits_posted": 6}, False),
        ({"credits_posted": 5, "debits_posted": 3, "debits_pending": 3}, False),
        ({"credits_posted": 5, "credits_pending": 3, "debits_posted": 6}, False),
        ({"credits_posted": -1}, False),
        ({"may_be_overdrawn": True, "debits_posted": 6}, True),
    ],
)
def test_an_account_is_not_overdrawn(changes, allowed, customer):
    rows = Account.objects.unscoped().filter(pk=customer.pk)
    if allowed:
        assert rows.update(**changes) == 1
    else:
        refuses("ledger_account", lambda: rows.update(**changes))


def test_what_grows_by_debits_is_not_overdrawn_either():
    cash = open_account("cash:USD", "USD", Side.DEBIT)
    rows = Account.objects.unscoped().filter(pk=cash.pk)
    assert rows.update(debits_posted=5, credits_posted=3, credits_pending=2) == 1
    refuses("ledger_account_is_not_overdrawn", lambda: rows.update(credits_pending=3))


def test_an_account_with_transfers_is_not_deleted(entry, customer):
    move(entry())
    refuses("(?i)foreign key|protected", lambda: Account.objects.unscoped().filter(pk=customer.pk).delete())


def test_the_migration_protects_the_tables_and_can_be_undone():
    editor = SimpleNamespace(connection=connection)
    (operation,) = migration.Migration.operations
    operation.code(apps, editor)
    assert triggers.protection.installed(connection)
    assert health.protected()[0] == "ok"
    operation.reverse_code(apps, editor)
    assert not triggers.protection.installed(connection)
    assert health.protected()[0] == "failed"
