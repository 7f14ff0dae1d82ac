"""One registry per kind of contribution: filled at start-up, then frozen.

Each app's `contributions.py` calls `register`; `CoreConfig.ready` discovers them and freezes. A duplicate name or a
late write raises, so what the platform can do is the same in every process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

from apps.core.kinds import Contribution

C = TypeVar("C", bound=Contribution)


class RegistryError(RuntimeError):
    """A duplicate name, a late write or an unknown name."""


class Registry(Generic[C]):
    """The contributions of one kind by their key."""

    def __init__(self, kind: type[C]) -> None:
        self.kind = kind
        self._items: dict[str, C] = {}

    def add(self, item: C) -> None:
        """Add one. Raises `RegistryError` when its key is taken."""
        if item.key in self._items:
            raise RegistryError(f"{self.kind.__name__} {item.key!r} is registered twice")
        self._items[item.key] = item

    def get(self, key: str) -> C:
        """The contribution with this key. Raises `RegistryError`."""
        try:
            return self._items[key]
        except KeyError:
            raise RegistryError(f"no {self.kind.__name__} is registered as {key!r}") from None

    def find(self, key: str) -> C | None:
        """The contribution with this key, or None."""
        return self._items.get(key)

    def all(self) -> list[C]:
        """All of them, in the order of their keys."""
        return [self._items[key] for key in sorted(self._items)]

    def __contains__(self, key: str) -> bool:
        return key in self._items


_registries: dict[type[Contribution], Registry[Any]] = {}
_frozen = False


def registry(kind: type[C]) -> Registry[C]:
    """The registry of a kind."""
    return cast(Registry[C], _registries.setdefault(kind, Registry(kind)))


def register(*contributions: Contribution) -> None:
    """Add contributions. Raises `RegistryError` after start-up or for a taken key."""
    if _frozen:
        raise RegistryError("contributions are registered at start-up, from contributions.py")
    for item in contributions:
        registry(type(item)).add(item)


def freeze() -> None:
    """End of start-up: no writes from here on."""
    global _frozen
    _frozen = True


@contextmanager
def contributed(*contributions: Contribution) -> Iterator[None]:
    """For tests: these contributions exist inside the block."""
    added: list[Contribution] = []
    try:
        for item in contributions:
            registry(type(item)).add(item)
            added.append(item)
        yield
    finally:
        for item in added:
            del registry(type(item))._items[item.key]
