"""`manage.py provision_notion`: make the tables at Notion that are missing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.integrations.notion.connection import notion
from apps.integrations.notion.provisioning import provision_all


class Command(BaseCommand):
    """Can be repeated: what is there stays, what people added too."""

    help = "Create the databases and columns at Notion that are missing under NOTION_PARENT_PAGE."

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's hook."""
        parser.add_argument("--dry-run", action="store_true", help="only say what would be made")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a table; ends with 1 where one could not be made."""
        failed = 0
        for table in provision_all(notion(), dry_run=options["dry_run"]):
            self.stdout.write(str(table))
            failed += bool(table.error)
        if failed:
            raise CommandError(_("%(count)d tables could not be made.") % {"count": failed})
