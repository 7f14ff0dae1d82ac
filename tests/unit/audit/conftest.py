"""Actions to record, and rows to record them on."""

import uuid
from collections.abc import Iterator

import pytest

from apps.core.kinds import AuditAction
from apps.core.registry import contributed

ORGANIZATION = uuid.UUID("01890000-0000-7000-8000-000000000001")
OTHER = uuid.UUID("01890000-0000-7000-8000-000000000002")


@pytest.fixture(autouse=True)
def _actions() -> Iterator[None]:
    actions = (
        AuditAction("test.done", "Did it"),
        AuditAction("test.invited", "Invited somebody", scrub=("email", "name")),
    )
    with contributed(*actions):
        yield
