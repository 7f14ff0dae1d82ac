"""Events as they are written into the stream, and read from it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Organization
from apps.usage.gate.stream import arrival, beginning, event
from apps.usage.periods import month_of
from tests.common.gates import call_of

PERIOD = month_of(datetime(2026, 11, 27, tzinfo=UTC))
FIRST = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@given(st.text(max_size=64), st.uuids(), st.uuids(), st.sampled_from([1, -1]), st.sampled_from(["", "1000-0"]))
def test_what_is_written_is_read(request_id, user, key, value, corrects):
    organization = Organization()
    call = call_of(organization, user_id=user, key_id=key, request_id=request_id)
    text = event(call, PERIOD, value, corrects=corrects)
    assert text.startswith(beginning(organization.pk, PERIOD))
    read = arrival("1764244800123-7", text)
    assert (read.organization_id, read.period, read.category) == (organization.pk, "2026-11", "runs")
    assert (read.user_id, read.key_id, read.value) == (user, key, value)
    assert (read.corrects, read.request_id) == (corrects, request_id)
    assert read.at == (FIRST if corrects else datetime(2025, 11, 27, 12, 0, 0, 123_000, tzinfo=UTC))


def test_what_belongs_to_nobody_is_no_event():
    with pytest.raises(ValueError, match="nobody"):
        event(call_of(None), PERIOD, 1)
