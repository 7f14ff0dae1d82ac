"""Alarms of tests."""

from collections.abc import Iterator

import pytest

from apps.integrations.models import MailMessage
from tests.common.alarms import Channels, alarms


@pytest.fixture
def channels(db) -> Iterator[Channels]:
    with alarms() as found:
        yield found


@pytest.fixture
def mailbox(db):
    """The mail that was ordered, in order."""
    return lambda: list(MailMessage.objects.order_by("pk"))
