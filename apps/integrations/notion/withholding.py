"""Columns that are meant for secrets are refused at Notion. Elsewhere `core.scrubbing` removes what looks like one."""

import re

COLUMNS = re.compile(r"passw|secret|token|credential|private.?key|\bapi.?key\b", re.IGNORECASE)
HARMLESS = re.compile(r"masked|last.?(4|four)|\bid\b|count|used|tokens", re.IGNORECASE)


def is_for_secrets(column: str) -> bool:
    """Whether a column's name says that secrets are meant to stand in it."""
    return bool(COLUMNS.search(column)) and not HARMLESS.search(column)
