"""Secrets at rest: Fernet with key rotation (`manage.py rotate_encryption_keys`)."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class DecryptionError(RuntimeError):
    """No configured key opens this value: a key was removed before the rotation command had run."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    """The text under the newest key."""
    return _current().encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The text in a token made by `encrypt` under any configured key. Raises `DecryptionError`."""
    try:
        return _current().decrypt(token.encode("ascii")).decode()
    except InvalidToken as error:
        raise DecryptionError("no configured encryption key opens this value") from error


def rotate(token: str) -> str:
    """The same secret under the newest key. Raises `DecryptionError`."""
    try:
        return _current().rotate(token.encode("ascii")).decode("ascii")
    except InvalidToken as error:
        raise DecryptionError("no configured encryption key opens this value") from error


def is_current(token: str) -> bool:
    """Whether the token is under the newest key."""
    try:
        _fernet(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(token.encode("ascii"))
    except InvalidToken:
        return False
    return True


def renewed(token: str) -> str:
    """The token itself when it is under the newest key, else `rotate(token)`. Raises `DecryptionError`."""
    return token if is_current(token) else rotate(token)


class EncryptedTextField(models.TextField):
    """Text that the database only ever sees encrypted. It can't be searched; empty text stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
