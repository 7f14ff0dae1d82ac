"""A channel called "ops", and time that moves by hand."""

import pytest
import time_machine

from tests.common.alarms import make_channel


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel("2027-03-12T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def ops(channels):
    return make_channel("ops")
