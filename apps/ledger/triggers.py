"""What the database itself refuses: changed transfers, transfers between currencies, accounts that become others."""

from typing import Any

from apps.core.append_only import AppendOnly, triggers_on

APPEND_ONLY = (
    AppendOnly("ledger_transfer", prefix="ledger_transfer", message="transfers are never changed"),
    AppendOnly("ledger_resolution", prefix="ledger_resolution", message="resolutions are never changed"),
)
_OTHER_CURRENCY = """
(SELECT COUNT(*) FROM ledger_account WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency = NEW.currency) <> 2
"""  # an account that comes later in the transaction, which foreign keys allow, is none
_NOT_PENDING = "NOT EXISTS (SELECT 1 FROM ledger_transfer WHERE id = NEW.transfer_id AND is_pending)"
_OTHER_ACCOUNT = "NEW.key <> OLD.key OR NEW.currency <> OLD.currency OR NEW.grows_by <> OLD.grows_by"
_RULES = (  # name, table, when, what is refused, why
    ("ledger_same_currency", "ledger_transfer", "INSERT", _OTHER_CURRENCY, "a transfer has its accounts'' currency"),
    ("ledger_only_pending", "ledger_resolution", "INSERT", _NOT_PENDING, "only a pending transfer is resolved"),
    ("ledger_same_account", "ledger_account", "UPDATE", _OTHER_ACCOUNT, "an account stays what it is"),
)


def install(connection: Any) -> None:
    """Create all, replacing older ones."""
    for table in APPEND_ONLY:
        table.install(connection)
    with connection.cursor() as cursor:
        for name, table_name, verb, refused, why in _RULES:
            _drop(connection, cursor, name, table_name)
            for statement in _rule(connection.vendor, name, table_name, verb, refused, why):
                cursor.execute(statement)


def remove(connection: Any) -> None:
    """Drop all, for a migration that has to rebuild a table."""
    for table in APPEND_ONLY:
        table.remove(connection)
    with connection.cursor() as cursor:
        for name, table_name, *_rest in _RULES:
            _drop(connection, cursor, name, table_name)


def installed(connection: Any) -> bool:
    """Whether all are there and switched on."""
    return all(table.installed(connection) for table in APPEND_ONLY) and all(
        name in triggers_on(connection, table_name) for name, table_name, *_rest in _RULES
    )


def _rule(vendor: str, name: str, table: str, verb: str, refused: str, why: str) -> tuple[str, ...]:
    if vendor != "postgresql":
        return (
            f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {refused} BEGIN SELECT RAISE(ABORT, '{why}'); END",
        )
    return (
        f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF {refused} THEN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
          RETURN NEW;
        END $$
        """,
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
    )


def _drop(connection: Any, cursor: Any, name: str, table: str) -> None:
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{f' ON {table}' if connection.vendor == 'postgresql' else ''}")
