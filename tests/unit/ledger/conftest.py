"""Accounts to move money between, in tables that the database protects."""

import pytest
from django.db import connection

from apps.core.money import Money
from apps.ledger import triggers
from apps.ledger.models import Side
from apps.ledger.services import Entry, open_account


@pytest.fixture(autouse=True)
def _protected(db):
    triggers.protection.install(connection)
    yield
    triggers.protection.remove(connection)  # or no test could empty the tables


@pytest.fixture
def bank():
    return open_account("bank:USD", "USD", Side.DEBIT, may_be_overdrawn=True)


@pytest.fixture
def customer():
    return open_account("customer:USD", "USD", Side.CREDIT)


@pytest.fixture
def revenue():
    return open_account("revenue:USD", "USD", Side.CREDIT)


@pytest.fixture
def entry(bank, customer):
    """Makes an entry: money that comes in from a customer, unless said otherwise."""

    def make(minor=500, key="one", debit=bank, credit=customer, code="payment", **more):
        return Entry(debit, credit, Money(minor, "USD"), code, key, **more)

    return make
