"""From here on the database itself refuses rows of what is not mirrored."""

from django.db import migrations

from apps.integrations.stripe import triggers


def install(apps, schema_editor):
    triggers.protection(schema_editor.connection).install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.protection(schema_editor.connection).remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("djstripe", "0001_initial")]

    operations = [migrations.RunPython(install, remove)]
