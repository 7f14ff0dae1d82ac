import time
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ids import InvalidIdError, from_public, moment_of_id, new_id, to_public
from apps.core.models import DomainEvent


def test_ids_are_version_7_and_rise() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {value.version for value in ids} == {7}
    assert type(ids[0]) is uuid.UUID
    assert len(set(ids)) == 1000
    milliseconds = int.from_bytes(ids[-1].bytes[:6], "big")
    assert abs(milliseconds - time.time() * 1000) < 60_000
    assert ids == sorted(ids)


@given(st.uuids())
def test_public_ids_come_back(value: uuid.UUID) -> None:
    public = to_public("run", value)
    assert public.startswith("run_")
    assert len(public) == 30
    assert from_public("run", public) == value


@given(st.uuids())
def test_another_prefix_is_no_id(value: uuid.UUID) -> None:
    with pytest.raises(InvalidIdError):
        from_public("wf", to_public("run", value))


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        value = from_public("run", text)
    except InvalidIdError:
        return
    assert to_public("run", value) == text


@pytest.mark.parametrize(
    "text", ["", "run_", "run", "_", "run_" + "z" * 26, "run_" + "0" * 25, "RUN_" + "0" * 26, "\x00"]
)
def test_wrong_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError) as refused:
        from_public("run", text)
    assert refused.value.status == 404


def test_models_speak_public_ids() -> None:
    event = DomainEvent(name="x")
    assert event.public_id.startswith("evt_")
    assert DomainEvent.parse_public_id(event.public_id) == event.pk


@pytest.mark.parametrize("text", ["nonsense", "run_01m7vv2xh0e14avfxr5vk977ya", "x" * 500])
def test_a_wrong_id_is_told_as_a_missing_thing_is(text: str) -> None:
    with pytest.raises(InvalidIdError) as refused:
        DomainEvent.parse_public_id(text)
    assert refused.value.detail == DomainEvent.missing(text).detail == f"There is no domain event “{text[:80]}”."


def test_an_id_of_a_moment_says_when():
    moment = datetime(2026, 11, 27, 12, 0, 0, 123_000, tzinfo=UTC)
    made = {new_id(moment) for _number in range(100)}
    assert len(made) == 100
    assert {(one.version, moment_of_id(one)) for one in made} == {(7, moment)}
