from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from apps.core import seeds
from apps.core.errors import ForbiddenError
from apps.core.kinds import Seed
from apps.core.models import LoadedSeed
from apps.core.registry import contributed

pytestmark = pytest.mark.django_db


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Three seeds and the order in which they are loaded; the platform's own are left out."""
    loaded: list[str] = []

    def seed(name: str, order: int) -> Seed:
        return Seed(name, lambda: loaded.append(name) or f"{name} is there", order=order)  # type: ignore[func-returns-value] # append returns None, so the text counts

    mine = (seed("last", 90), seed("first", 1), seed("also first", 1))
    with contributed(*mine):
        monkeypatch.setattr("apps.core.seeds._all", lambda: sorted(mine, key=lambda item: (item.order, item.name)))
        yield loaded


def test_seeds_are_loaded_in_order_and_remembered(loads: list[str]) -> None:
    assert ("first", "first is there") in list(seeds.load())
    assert loads == ["also first", "first", "last"]
    assert seeds.outcomes() == ["also first is there", "first is there", "last is there"]


def test_a_start_loads_only_what_is_new(loads: list[str]) -> None:
    list(seeds.load(again=False))
    LoadedSeed.objects.filter(name="last").delete()
    assert [name for name, _outcome in seeds.load(again=False)] == ["last"]
    assert list(seeds.load(again=False)) == []
    assert loads.count("first") == 1


def test_demo_data_stays_out_of_real_installations(settings: Any, loads: list[str]) -> None:
    settings.DEMO = False
    with pytest.raises(ForbiddenError):
        list(seeds.load())
    with pytest.raises(ForbiddenError):
        call_command("seed")
    assert loads == []


def test_a_seed_that_fails_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        LoadedSeed.objects.create(name="half", loaded_at="2026-01-01T00:00Z")
        raise ValueError("no")

    monkeypatch.setattr("apps.core.seeds._all", lambda: [Seed("broken", broken)])
    with pytest.raises(ValueError, match="no"):
        list(seeds.load())
    assert not LoadedSeed.objects.exists()


def test_the_platforms_own_seeds_can_be_loaded_twice() -> None:
    first = dict(seeds.load())
    assert "password" in first["accounts"]
    assert dict(seeds.load()).keys() == first.keys()
