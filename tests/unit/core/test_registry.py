import pytest

from apps.core.kinds import EventHandler, EventType, Tick
from apps.core.registry import Registry, RegistryError, contributed, register, registry


def tick(name: str) -> Tick:
    return Tick(name=name, task="x", seconds=5)


def test_a_key_is_taken_once() -> None:
    ticks = Registry(Tick)
    ticks.add(tick("a"))
    with pytest.raises(RegistryError, match="'a' is registered twice"):
        ticks.add(tick("a"))


def test_all_are_in_the_order_of_their_keys() -> None:
    ticks = Registry(Tick)
    for name in ("b", "c", "a"):
        ticks.add(tick(name))
    assert [item.name for item in ticks.all()] == ["a", "b", "c"]


def test_an_unknown_key_is_told() -> None:
    ticks = Registry(Tick)
    assert ticks.find("a") is None
    assert "a" not in ticks
    with pytest.raises(RegistryError, match="no Tick is registered as 'a'"):
        ticks.get("a")


def test_nothing_is_registered_after_start_up() -> None:
    with pytest.raises(RegistryError, match="at start-up"):
        register(tick("late"))
    assert "late" not in registry(Tick)


def test_a_test_may_contribute_for_a_while() -> None:
    with contributed(tick("mine")):
        assert registry(Tick).get("mine").seconds == 5
    assert "mine" not in registry(Tick)


def test_a_failed_contribution_leaves_nothing_behind() -> None:
    with pytest.raises(RegistryError), contributed(tick("mine"), tick("heartbeat")):
        pytest.fail("the second name is taken by core")
    assert "mine" not in registry(Tick)
    assert "heartbeat" in registry(Tick)


def test_handlers_are_named_by_event() -> None:
    handler = EventHandler(event="run_finished", name="mail", handle=lambda event: None)
    assert handler.key == "run_finished:mail"


def test_every_handler_listens_to_a_declared_event() -> None:
    declared = {item.name for item in registry(EventType).all()}
    assert {item.event for item in registry(EventHandler).all()} <= declared
