"""Who is asking, for whom, in which realm: carried through requests, jobs and mail."""

import uuid
from contextvars import ContextVar, Token
from types import TracebackType
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
    job: str = ""  # the scheduled job that runs
    run: str = ""  # the public id of the workflow run that is worked on
    step: str = ""  # its step, by path


_current: ContextVar[Context] = ContextVar("levqor_context", default=Context())  # noqa: B039 - it is a tuple


def current() -> Context:
    """The context of the running request, task or command."""
    return _current.get()


class bound:
    """Run a block with some members of the context replaced."""

    __slots__ = ("_changes", "_token")

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._token: Token[Context]

    def __enter__(self) -> Context:
        changed = _current.get()._replace(**self._changes)
        self._token = _current.set(changed)
        return changed

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        _current.reset(self._token)


def bind(**changes: Any) -> None:
    """Replace members for the rest of the present `bound` block, such as a request's or a run's."""
    _current.set(_current.get()._replace(**changes))
