"""Whatever happens, in whatever order: sums are zero, nothing is overdrawn or changed, nothing happens twice."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from apps.core.errors import ConflictError
from apps.core.money import Money
from apps.ledger.errors import AlreadyResolvedError, InsufficientFundsError
from apps.ledger.models import Account, Resolution, Side, Transfer
from apps.ledger.selectors import derived_sums, differences
from apps.ledger.services import Entry, open_account, post, transfer, void

NAMES = ("bank", "customer", "revenue", "fees", "held")
AMOUNTS = st.integers(min_value=1, max_value=1_000)


class Ledger(RuleBasedStateMachine):
    """Payments, spendings, holds and their ends, beside a model that adds up by itself."""

    entries = Bundle("entries")

    def __init__(self):
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.accounts = {
            name: open_account(
                f"{name}:USD", "USD", Side.DEBIT if name in ("bank", "fees") else Side.CREDIT,
                may_be_overdrawn=name == "bank",
            )
            for name in NAMES
        }  # fmt: skip
        self.balances, self.reserved = dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0)
        self.made, self.ended, self.number = {}, {}, 0

    def teardown(self):
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    def grows(self, name, side):
        return self.accounts[name].grows_by == side

    def lessened(self, debit, credit):
        """The accounts that a transfer takes from."""
        return [name for name, side in ((debit, Side.DEBIT), (credit, Side.CREDIT)) if not self.grows(name, side)]

    def moved(self, debit, credit, amount):
        for name, side in ((debit, Side.DEBIT), (credit, Side.CREDIT)):
            self.balances[name] += amount if self.grows(name, side) else -amount

    @rule(target=entries, ends=st.permutations(NAMES), amount=AMOUNTS, pending=st.booleans())
    def move(self, ends, amount, pending):
        debit, credit = ends[:2]
        self.number += 1
        entry = Entry(
            self.accounts[debit], self.accounts[credit], Money(amount, "USD"), "test", str(self.number), pending=pending
        )
        taken = self.lessened(debit, credit)
        enough = all(name == "bank" or self.balances[name] - self.reserved[name] >= amount for name in taken)
        try:
            [made] = transfer(entry)
        except InsufficientFundsError:
            assert not enough
            return multiple()
        assert enough
        self.made[made.pk] = (debit, credit, amount, pending)
        if pending:
            for name in taken:
                self.reserved[name] += amount
        else:
            self.moved(debit, credit, amount)
        return entry

    @rule(entry=entries)
    def say_again(self, entry):
        [made] = transfer(entry)
        assert made.pk in self.made

    @rule(entry=entries, amount=AMOUNTS)
    def say_otherwise(self, entry, amount):
        other = Entry(entry.debit, entry.credit, entry.amount + Money(amount, "USD"), entry.code, entry.key)
        with pytest.raises(ConflictError):
            transfer(other)

    @rule(entry=entries, ends=st.sampled_from(["posted", "voided"]))
    def end(self, entry, ends):
        made = Transfer.objects.get(idempotency_key=entry.key)
        before = self.ended.get(made.pk)
        try:
            (post if ends == "posted" else void)(made)
        except AlreadyResolvedError:
            assert not entry.pending or before not in (None, ends)
            return
        assert entry.pending
        assert before in (None, ends)
        if before is None:
            debit, credit, amount, _pending = self.made[made.pk]
            self.ended[made.pk] = ends
            for name in self.lessened(debit, credit):
                self.reserved[name] -= amount
            if ends == "posted":
                self.moved(debit, credit, amount)

    @invariant()
    def balances_are_those_of_the_model(self):
        rows = {row.key.removesuffix(":USD"): row for row in Account.objects.unscoped()}
        assert {name: rows[name].balance.minor for name in NAMES} == self.balances
        assert {name: (rows[name].balance - rows[name].available).minor for name in NAMES} == self.reserved
        assert all(row.may_be_overdrawn or row.available.minor >= 0 for row in rows.values())

    @invariant()
    def sums_are_zero_and_derive_from_transfers(self):
        rows = list(Account.objects.unscoped())
        assert sum(row.debits_posted - row.credits_posted for row in rows) == 0
        assert sum(row.debits_pending - row.credits_pending for row in rows) == 0
        assert differences() == []
        assert derived_sums(rows[0])["debits_posted"] == rows[0].debits_posted

    @invariant()
    def nothing_was_changed(self):
        found = {
            row.pk: (row.debit.key[:-4], row.credit.key[:-4], row.amount, row.is_pending)
            for row in Transfer.objects.select_related("debit", "credit")
        }
        assert found == self.made
        assert dict(Resolution.objects.values_list("transfer_id", "outcome")) == self.ended


@pytest.mark.django_db
def test_the_ledger_holds():
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=30, stateful_step_count=25, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
