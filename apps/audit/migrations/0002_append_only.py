"""From here on the database itself refuses to change an audit entry."""

from django.db import migrations

from apps.audit import triggers


def install(apps, schema_editor):
    triggers.entries.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.entries.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
