"""Puts stored secrets under the newest key."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.crypto import renewed
from apps.core.encrypted import encrypted_columns, rotate_column
from apps.core.kinds import EncryptedValues
from apps.core.registry import registry


class Command(BaseCommand):
    """Can be interrupted and run again; running it twice changes nothing the second time."""

    help = "Put every stored secret under the first key of ENCRYPTION_KEYS; afterwards older keys can be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        for model, field in encrypted_columns():
            changed = rotate_column(model, field)
            self.stdout.write(f"{model._meta.label}.{field.name}: {changed} values changed")
            total += changed
        for values in registry(EncryptedValues).all():
            changed = values.rotate(renewed)
            self.stdout.write(f"{values.label}: {changed} values changed")
            total += changed
        self.stdout.write(f"{total} values changed; all are under the newest key")
