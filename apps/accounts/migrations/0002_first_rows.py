"""Levqor's own realm and the staff roles."""

from django.db import migrations

STAFF_ROLES = ("support", "operations", "finance", "superuser")


def first_rows(apps, schema_editor):
    realm = apps.get_model("accounts", "Realm")
    realm.objects.get_or_create(is_default=True, defaults={"slug": "levqor", "name": "Levqor"})
    group = apps.get_model("auth", "Group")
    for name in STAFF_ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(first_rows, migrations.RunPython.noop)]
