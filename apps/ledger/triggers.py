"""What the database itself refuses: changed transfers, transfers between currencies, accounts that become others.

`manage.py doctor` fails when it does not.
"""

from apps.core.refusals import Refusal, Refusals, append_only

_OTHER_CURRENCY = """
(SELECT COUNT(*) FROM ledger_account WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency = NEW.currency) <> 2
"""  # an account that comes later in the transaction, which foreign keys allow, is none
_NOT_PENDING = "NOT EXISTS (SELECT 1 FROM ledger_transfer WHERE id = NEW.transfer_id AND is_pending)"
_OTHER_ACCOUNT = "NEW.key <> OLD.key OR NEW.currency <> OLD.currency OR NEW.grows_by <> OLD.grows_by"

protection = Refusals(
    *append_only("ledger_transfer", prefix="ledger_transfer", message="transfers are never changed"),
    *append_only("ledger_resolution", prefix="ledger_resolution", message="resolutions are never changed"),
    Refusal(
        "ledger_same_currency", "ledger_transfer", "INSERT", "a transfer has its accounts'' currency", _OTHER_CURRENCY
    ),
    Refusal("ledger_only_pending", "ledger_resolution", "INSERT", "only a pending transfer is resolved", _NOT_PENDING),
    Refusal("ledger_same_account", "ledger_account", "UPDATE", "an account stays what it is", _OTHER_ACCOUNT),
)
