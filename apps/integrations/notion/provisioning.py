"""Making the tables at Notion: what is missing is added, and nothing that people added is touched.

Can be repeated, and interrupted anywhere: a database that is there already, by the id that we noted or by its title
under the parent page, is the one that is meant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import NotionDatabase
from apps.integrations.models import NotionTable
from apps.integrations.notion.errors import NotionMissingError, NotionRefusedError
from apps.integrations.notion.objects import DataSource
from apps.integrations.notion.patience import patiently
from apps.integrations.notion.port import Notion
from apps.integrations.notion.properties import columns_of, digest, external_id_column
from apps.integrations.notion.tables import (
    Contributed,
    Direction,
    State,
    TableBusyError,
    all_contributed,
    held,
    note_failure,
    row_of,
)

ANOTHER = "another table"  # no hash is like it: planning orders such a page whatever it is


@dataclass(frozen=True)
class Provisioned:
    """What was done for a table, or would be."""

    title: str
    made: bool
    columns: tuple[str, ...]
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return _("%(title)s: %(error)s") % {"title": self.title, "error": self.error}
        if self.made:
            return _("%(title)s: created") % {"title": self.title}
        if self.columns:
            return _("%(title)s: added %(columns)s") % {"title": self.title, "columns": ", ".join(self.columns)}
        return _("%(title)s: complete") % {"title": self.title}


def provision_all(notion: Notion, *, dry_run: bool = False) -> Iterator[Provisioned]:
    """All tables that apps contribute, one after the other; one that can't be made keeps no other from it."""
    here = _databases(notion)
    for direction, table in all_contributed():
        row = row_of(direction, table)
        try:
            if dry_run:
                yield _look(notion, row, table, here)
                continue
            with held(row):
                yield provision(notion, row, table, here)
        except TableBusyError:
            yield Provisioned(table.title, False, (), _("another worker has it"))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is noted, shown and tried again
            if not dry_run:
                note_failure(row, error)
            yield Provisioned(table.title, False, (), str(error))


def is_provisioned(row: NotionTable, table: Contributed) -> bool:
    """Whether the columns that the code declares are known to be there: nobody has to be asked."""
    return bool(row.data_source_id) and row.columns_hash == digest(_columns(table))


def provision(
    notion: Notion, row: NotionTable, table: Contributed, here: Mapping[str, str] | None = None
) -> Provisioned:
    """Make what is missing of one table and note where it is. Raises what Notion raises."""
    columns, parent = _columns(table), settings.NOTION_PARENT_PAGE
    if here is None:
        here = _databases(notion)
    found, made = _find(notion, row, table, here), False
    if found is None:
        found, made = patiently(lambda: notion.create_database(parent, table.title, columns), repeatable=False), True
    missing = _missing(found, columns)
    if missing:
        source = found.id
        found = patiently(lambda: notion.add_columns(source, missing))
    if row.data_source_id not in ("", found.id):
        _begin_anew(row)
    row.data_source_id, row.database_id, row.url = found.id, found.database_id, found.url or row.url
    row.title, row.columns_hash, row.provisioned_at = table.title, digest(columns), now()
    row.state = State.READY
    row.save(
        update_fields=(
            "data_source_id", "database_id", "url", "title", "columns_hash", "provisioned_at", "state",
        )
    )  # fmt: skip
    return Provisioned(table.title, made, tuple(missing))


def _begin_anew(row: NotionTable) -> None:
    """It is another table than before: none of our pages is there, and every page of theirs is new to us."""
    if row.direction == Direction.INBOUND:
        row.seen_until = None
        NotionTable.objects.filter(pk=row.pk).update(seen_until=None)
    else:
        row.pages.exclude(wanted="").update(page_id="", present="", maybe_made=False, wanted=ANOTHER)
        row.pages.filter(wanted="").delete()


def _look(notion: Notion, row: NotionTable, table: Contributed, here: Mapping[str, str]) -> Provisioned:
    found = _find(notion, row, table, here)
    return Provisioned(table.title, found is None, () if found is None else tuple(_missing(found, _columns(table))))


def _find(notion: Notion, row: NotionTable, table: Contributed, here: Mapping[str, str]) -> DataSource | None:
    if row.data_source_id:
        try:
            return patiently(lambda: notion.data_source(row.data_source_id))
        except NotionMissingError:
            pass  # people deleted it: by its title, then, or anew
    return patiently(lambda: notion.database(here[table.title])) if table.title in here else None


def _databases(notion: Notion) -> dict[str, str]:
    """The ids of the databases under the parent page, by title; of several the first."""
    found = patiently(lambda: list(notion.databases_under(settings.NOTION_PARENT_PAGE)))
    return {title: database for database, title in reversed(found)}


def _missing(found: DataSource, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that are not there. The title is there always, whatever it is called: it is renamed, never added.

    Raises `NotionRefusedError` where people have a column of that name of another kind: its values are theirs.
    """
    missing: dict[str, Any] = {}
    for name, column in columns.items():
        kind = next(iter(column))
        present = found.columns.get(name)
        if present is None and kind == "title":
            theirs = next(other for other, its in found.columns.items() if its == "title")
            missing[theirs] = {"name": name}
        elif present is None:
            missing[name] = column
        elif present != kind:
            raise NotionRefusedError(
                _("“%(name)s” is there as %(present)s, not as %(kind)s: rename it at Notion.")
                % {"name": name, "present": present, "kind": kind}
            )
    return missing


def _columns(table: Contributed) -> dict[str, Any]:
    own = external_id_column() if isinstance(table, NotionDatabase) else {}
    return {**columns_of(table.properties), **own}
