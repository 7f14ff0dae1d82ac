"""From here on the database itself refuses to change a transfer."""

from django.db import migrations

from apps.ledger import triggers


def install(apps, schema_editor):
    triggers.protection.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.protection.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
