"""What people may do, what of it is recorded, how they log in."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.core.kinds.base import Contribution, Text


@dataclass(frozen=True)
class AuditAction(Contribution):
    """An action that may be recorded. Members of `data` named in `scrub` are personal and can be erased later."""

    code: str
    label: Text
    scrub: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class Permission(Contribution):
    """Something that a member may or may not do, and the built-in roles that may.

    `for_keys` says whether an API key may hold it: its scope is the code with a colon ("runs:start").
    """

    code: str
    label: Text
    roles: frozenset[str]
    for_keys: bool = False

    @property
    def scope(self) -> str:
        """The permission as a key's scope."""
        return self.code.replace(".", ":")

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class LoginMethod(Contribution):
    """A way to log in, offered on the login page when `available()`."""

    name: str
    label: Text
    available: Callable[[], bool]
    url_name: str
    order: int = 100
