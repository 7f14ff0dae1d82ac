"""Bodies of mail, encrypted from now on. The columns stay what they are: only what is put into them changes.

Batch by batch, each in a transaction of its own: a run that is killed goes on where it was, because what is encrypted
already is known by a key that opens it. What somebody changes meanwhile (the nightly forgetting) stays as they left it.

The code before can't read what this writes, and would send it so: its workers have to be stopped. (No release had them.)
"""

from django.db import migrations, transaction

from apps.core.crypto import DecryptionError, EncryptedTextField, decrypt, encrypt

BATCH = 200


def sealed(text):
    try:
        decrypt(text)
    except (DecryptionError, UnicodeEncodeError):
        return encrypt(text)
    return text


def opened(text):
    try:
        return decrypt(text)
    except (DecryptionError, UnicodeEncodeError):
        return text


def _change(mails, change):
    for name in ("text", "html"):
        rows, last = mails.objects.exclude(**{name: ""}).order_by("pk").values_list("pk", name), None
        while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
            with transaction.atomic():
                for key, before in batch:
                    after = change(before)
                    if after != before:
                        mails.objects.filter(**{"pk": key, name: before}).update(**{name: after})
            last = batch[-1][0]


def seal(apps, schema_editor):
    _change(apps.get_model("integrations", "MailMessage"), sealed)


def unseal(apps, schema_editor):
    _change(apps.get_model("integrations", "MailMessage"), opened)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("integrations", "0001_initial")]

    operations = [
        migrations.RunPython(seal, unseal),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("mailmessage", "text", EncryptedTextField()),
                migrations.AlterField("mailmessage", "html", EncryptedTextField(blank=True)),
            ]
        ),
    ]
