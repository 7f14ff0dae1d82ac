"""The database's own refusal to change an audit entry: triggers for PostgreSQL and SQLite.

Used by the migration, and by tests (which run without migrations). A later migration that makes SQLite rebuild the
table must call `install` again: `manage.py doctor` fails when the triggers are missing.
"""

from typing import Any

TABLE = "audit_auditentry"
FUNCTION = "audit_refuse_change"
MESSAGE = "audit entries are append-only"

_POSTGRESQL = (
    f"""
    CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
    """,
    f"""
    CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()
    """,
    f"""
    CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}()
    """,
)
_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    for verb in ("UPDATE", "DELETE")
)
NAMES = {
    "postgresql": {"audit_no_change", "audit_no_truncate"},
    "sqlite": {"audit_no_update", "audit_no_delete"},
}


def install(connection: Any) -> None:
    """Create the triggers, replacing older ones."""
    remove(connection)
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def remove(connection: Any) -> None:
    """Drop the triggers, for a migration that has to rebuild the table."""
    with connection.cursor() as cursor:
        for name in sorted(NAMES[connection.vendor]):
            suffix = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")


def installed(connection: Any) -> bool:
    """Whether all triggers are there and, on PostgreSQL, switched on."""
    query = (
        f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{TABLE}'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return NAMES[connection.vendor] <= {row[0] for row in cursor.fetchall()}
