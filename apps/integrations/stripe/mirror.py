"""Replaced by the mirror of dj-stripe."""

from typing import Any


def mirror(kind: str, raw: dict[str, Any]) -> None:
    """Nothing yet."""


def forget(kind: str, object_id: str) -> None:
    """Nothing yet."""
