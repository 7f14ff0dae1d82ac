"""Who is asking, for whom, in which realm: carried through requests, jobs and mail."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Context(NamedTuple):
    """What the present work belongs to. `actor_*` are plain values so that floor 0 knows no user model."""

    request_id: str = ""
    realm_id: uuid.UUID | None = None
    organization_id: uuid.UUID | None = None
    actor_kind: str = "system"  # system | user | staff | api
    actor_id: str = ""
    actor_label: str = ""
    ip: str | None = None
    impersonator_id: str = ""


_current: ContextVar[Context] = ContextVar("levqor_context", default=Context())  # noqa: B039 - it is a tuple


def current() -> Context:
    """The context of the running request, task or command."""
    return _current.get()


@contextmanager
def bound(**changes: Any) -> Iterator[Context]:
    """Run a block with some members of the context replaced."""
    changed = _current.get()._replace(**changes)
    token = _current.set(changed)
    try:
        yield changed
    finally:
        _current.reset(token)


def bind(**changes: Any) -> None:
    """Replace members for the rest of the present request: for middleware inside a `bound` block."""
    _current.set(_current.get()._replace(**changes))
