"""Pauses before another attempt: longer each time, never longer than said."""

from apps.core.backoff import pause


def test_it_doubles_up_to_the_longest():
    for attempt, most in ((1, 2), (2, 4), (5, 32), (12, 3_600), (1_000, 3_600)):
        found = [pause(attempt) for _time in range(200)]
        assert most / 2 <= min(found) <= max(found) <= most
        assert max(found) - min(found) > most / 4, "not all at once"


def test_another_beginning_and_end():
    assert 30 <= pause(1, first=60, factor=5, longest=100) <= 60
    assert 50 <= pause(2, first=60, factor=5, longest=100) <= 100
