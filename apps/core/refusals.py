"""What the database itself refuses, whoever asks: triggers, on PostgreSQL and SQLite.

For migrations, and for tests, which run without them. A later migration that makes SQLite rebuild such a table must
call `install` again; a `HealthCheck` of its app should fail when triggers are missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A trigger before each row of `verb` (of the statement, for TRUNCATE) that refuses where `when` holds.

    `message` is what whoever tries is told; a quote in it is doubled. Of one `vendor`, or of both.
    """

    name: str
    table: str
    verb: str
    message: str
    when: str = ""
    vendor: str = ""

    def statements(self, vendor: str) -> tuple[str, ...]:
        """What creates it."""
        head = f"CREATE TRIGGER {self.name} BEFORE {self.verb} ON {self.table}"
        if vendor != "postgresql":
            when = f"WHEN {self.when} " if self.when else ""
            return (f"{head} {when}BEGIN SELECT RAISE(ABORT, '{self.message}'); END",)
        each = "STATEMENT" if self.verb == "TRUNCATE" else "ROW"
        return (
            f"""
            CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF {self.when or "true"} THEN
                RAISE EXCEPTION '{self.message}' USING ERRCODE = 'integrity_constraint_violation';
              END IF;
              RETURN NEW;
            END $$
            """,
            f"{head} FOR EACH {each} EXECUTE FUNCTION {self.name}()",
        )


def append_only(table: str, prefix: str, message: str) -> tuple[Refusal, ...]:
    """Refusals of every change of a row, and of its end."""
    return (
        Refusal(f"{prefix}_no_change", table, "UPDATE OR DELETE", message, vendor="postgresql"),
        Refusal(f"{prefix}_no_truncate", table, "TRUNCATE", message, vendor="postgresql"),
        Refusal(f"{prefix}_no_update", table, "UPDATE", message, vendor="sqlite"),
        Refusal(f"{prefix}_no_delete", table, "DELETE", message, vendor="sqlite"),
    )


class Refusals:
    """Those of an app."""

    def __init__(self, *refusals: Refusal) -> None:
        self._all = refusals

    def install(self, connection: Any) -> None:
        """Create the triggers, replacing older ones."""
        self.remove(connection)
        with connection.cursor() as cursor:
            for refusal in self._of(connection):
                for statement in refusal.statements(connection.vendor):
                    cursor.execute(statement)

    def remove(self, connection: Any) -> None:
        """Drop the triggers, for a migration that has to rebuild a table."""
        with connection.cursor() as cursor:
            for refusal in self._of(connection):
                suffix = f" ON {refusal.table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {refusal.name}{suffix}")

    def installed(self, connection: Any) -> bool:
        """Whether all triggers are there and, on PostgreSQL, switched on."""
        query = (
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            if connection.vendor == "postgresql"
            else "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            there = set(cursor.fetchall())
        return {(refusal.table, refusal.name) for refusal in self._of(connection)} <= there

    def _of(self, connection: Any) -> Iterator[Refusal]:
        return (refusal for refusal in self._all if refusal.vendor in ("", connection.vendor))
