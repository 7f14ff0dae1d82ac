import io
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st

from apps.core import crypto
from apps.core.crypto import DecryptionError, EncryptedTextField, decrypt, encrypt, is_current, renewed, rotate
from apps.core.encrypted import encrypted_columns, rotate_column, stored_tokens

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert decrypt(encrypt(text)) == text


def test_the_same_text_never_looks_the_same() -> None:
    assert encrypt("secret") != encrypt("secret")
    assert "secret" not in encrypt("secret")


def test_a_changed_token_is_refused() -> None:
    token = encrypt("secret")
    with pytest.raises(DecryptionError):
        decrypt(token[:-4] + "AAA=")
    with pytest.raises(DecryptionError):
        rotate("nonsense")


def test_the_newest_key_encrypts_and_all_decrypt(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    token = encrypt("secret")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert decrypt(token) == "secret"
    assert not is_current(token)
    assert is_current(encrypt("x"))
    fresh = renewed(token)
    assert is_current(fresh)
    assert renewed(fresh) == fresh
    settings.ENCRYPTION_KEYS = [NEW]
    assert decrypt(fresh) == "secret"
    with pytest.raises(DecryptionError):
        decrypt(token)


with isolate_apps("apps.core"):  # the rest of the suite knows nothing of this table

    class Vault(models.Model):
        """A table of its own for these tests."""

        word = EncryptedTextField(blank=True)
        maybe = EncryptedTextField(null=True)

        class Meta:
            app_label = "core"

        def __str__(self) -> str:
            return str(self.pk)


@pytest.fixture
def vault(db: None) -> type[Vault]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE core_vault (id integer PRIMARY KEY, word text NOT NULL, maybe text NULL)")
    return Vault


def raw(column: str = "word") -> list[str | None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM core_vault ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def word_field() -> EncryptedTextField:
    field = Vault._meta.get_field("word")
    assert isinstance(field, EncryptedTextField)
    return field


def test_the_database_never_sees_the_text(vault: type[Vault]) -> None:
    vault.objects.create(id=1, word="hush", maybe=None)
    vault.objects.create(id=2, word="", maybe="")
    stored = raw()
    assert stored[0] is not None
    assert "hush" not in stored[0]
    assert (stored[1], raw("maybe")) == ("", [None, ""])
    assert [row.word for row in vault.objects.order_by("id")] == ["hush", ""]
    assert vault.objects.filter(maybe__isnull=True).count() == 1


def test_it_can_not_be_searched(vault: type[Vault]) -> None:
    with pytest.raises(Exception, match="Unsupported lookup"):
        vault.objects.filter(word="hush").exists()


def test_a_rotation_changes_what_is_under_an_old_key(vault: type[Vault], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    for number in range(1, 6):
        vault.objects.create(id=number, word=f"word {number}")
    vault.objects.create(id=6, word="")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    vault.objects.create(id=7, word="word 7")
    new_already = raw()[-1]

    assert rotate_column(vault, word_field()) == 5
    assert raw()[-1] == new_already
    assert rotate_column(vault, word_field()) == 0

    settings.ENCRYPTION_KEYS = [NEW]
    assert [row.word for row in vault.objects.order_by("id")] == [*(f"word {n}" for n in range(1, 6)), "", "word 7"]


def test_an_interrupted_rotation_goes_on(
    vault: type[Vault], settings: Any, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    for number in range(1, 8):
        vault.objects.create(id=number, word=f"word {number}")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    monkeypatch.setattr("apps.core.encrypted.BATCH", 2)
    monkeypatch.setattr(stored_tokens, "__kwdefaults__", {"order": "pk", "after": None, "most": 2})
    seen = 0

    def breaking(token: str) -> str:
        nonlocal seen
        seen += 1
        if seen == 4:
            raise KeyboardInterrupt
        return crypto.renewed(token)

    with monkeypatch.context() as patch:
        patch.setattr("apps.core.encrypted.renewed", breaking)
        with pytest.raises(KeyboardInterrupt):
            rotate_column(vault, word_field())
    assert [is_current(token or "") for token in raw()] == [True] * 2 + [False] * 5
    assert rotate_column(vault, word_field()) == 5
    assert all(is_current(token or "") for token in raw())


def test_a_value_that_no_key_opens_is_told(vault: type[Vault], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    vault.objects.create(id=1, word="lost")
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(DecryptionError):
        rotate_column(vault, word_field())


def test_the_command_covers_two_factor_secrets(db: None, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    user = get_user_model().objects.create_user(email="totp@example.com", password="correct horse battery")  # type: ignore[attr-defined] # ours has no username
    totp = Authenticator.objects.create(user=user, type="totp", data={"secret": encrypt("BASE32")})
    codes = Authenticator.objects.create(
        user=user,
        type="recovery_codes",
        data={"seed": encrypt("seed"), "used_mask": 5, "migrated_codes": [encrypt("a")]},
    )
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    out = io.StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    assert "Two-factor secrets: 2 values changed" in out.getvalue()
    again = io.StringIO()
    call_command("rotate_encryption_keys", stdout=again)
    assert "0 values changed; all are under the newest key" in again.getvalue()

    settings.ENCRYPTION_KEYS = [NEW]
    totp.refresh_from_db()
    codes.refresh_from_db()
    assert decrypt(totp.data["secret"]) == "BASE32"
    assert (decrypt(codes.data["seed"]), codes.data["used_mask"]) == ("seed", 5)
    assert decrypt(codes.data["migrated_codes"][0]) == "a"


def test_encrypted_columns_are_found_wherever_they_are() -> None:
    """In each app, once each. (That secrets are in such columns: tests/unit/test_secret_fields.py.)"""
    found = [f"{model._meta.label}.{field.name}" for model, field in encrypted_columns()]
    assert {"integrations.MailMessage.text", "workflows.Secret.value", "workflows.Trigger.signing_secret"} <= set(found)
    assert len(found) == len(set(found))


def test_rotation_does_not_overwrite_a_newer_value(
    vault: type[Vault], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    vault.objects.create(id=1, word="before")
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    def meanwhile(change: Callable[[str], str]) -> Callable[[str], str]:
        def renew(token: str) -> str:
            vault.objects.filter(id=1).update(word="after")
            return change(token)

        return renew

    monkeypatch.setattr("apps.core.encrypted.renewed", meanwhile(crypto.renewed))
    assert rotate_column(vault, word_field()) == 0
    assert vault.objects.get(id=1).word == "after"
