"""Tables whose rows are never changed: the database itself refuses, on PostgreSQL and SQLite.

For migrations, and for tests, which run without them. A later migration that makes SQLite rebuild such a table must
call `install` again; a `HealthCheck` of its app should fail when the triggers are missing.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AppendOnly:
    """A table, the prefix of its triggers' names, and what whoever tries to change a row is told (no quotes)."""

    table: str
    prefix: str
    message: str

    def install(self, connection: Any) -> None:
        """Create the triggers, replacing older ones."""
        self.remove(connection)
        with connection.cursor() as cursor:
            for statement in self._postgresql() if connection.vendor == "postgresql" else self._sqlite():
                cursor.execute(statement)

    def remove(self, connection: Any) -> None:
        """Drop the triggers, for a migration that has to rebuild the table."""
        with connection.cursor() as cursor:
            for name in sorted(self._names(connection)):
                suffix = f" ON {self.table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")

    def installed(self, connection: Any) -> bool:
        """Whether all triggers are there and, on PostgreSQL, switched on."""
        return self._names(connection) <= triggers_on(connection, self.table)

    def _names(self, connection: Any) -> set[str]:
        verbs = ("change", "truncate") if connection.vendor == "postgresql" else ("update", "delete")
        return {f"{self.prefix}_no_{verb}" for verb in verbs}

    def _postgresql(self) -> tuple[str, ...]:
        refuse = f"{self.prefix}_refuse_change"
        return (
            f"""
            CREATE OR REPLACE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{self.message}' USING ERRCODE = 'integrity_constraint_violation'; END $$
            """,
            f"""
            CREATE TRIGGER {self.prefix}_no_change BEFORE UPDATE OR DELETE ON {self.table}
            FOR EACH ROW EXECUTE FUNCTION {refuse}()
            """,
            f"""
            CREATE TRIGGER {self.prefix}_no_truncate BEFORE TRUNCATE ON {self.table}
            FOR EACH STATEMENT EXECUTE FUNCTION {refuse}()
            """,
        )

    def _sqlite(self) -> tuple[str, ...]:
        return tuple(
            f"CREATE TRIGGER {self.prefix}_no_{verb.lower()} BEFORE {verb} ON {self.table}"
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            for verb in ("UPDATE", "DELETE")
        )


def triggers_on(connection: Any, table: str) -> set[str]:
    """The names of a table's triggers that are switched on."""
    query = (
        f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal"
        " AND tgenabled IN ('O', 'A')"
        if connection.vendor == "postgresql"
        else f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {row[0] for row in cursor.fetchall()}
