"""Lists without cursors: each page is asked for when the one before is used up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Row = TypeVar("Row", covariant=True)
Found = TypeVar("Found")
Self = TypeVar("Self")
P = ParamSpec("P")


class Page(Protocol[Row]):
    """What every list operation answers."""

    @property
    def data(self) -> Sequence[Row]:
        """The rows."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins; None on the last."""


def iterated(listing: Callable[Concatenate[Self, P], Page[Found]]) -> Callable[Concatenate[Self, P], Iterator[Found]]:
    """The same operation over all of its pages; `limit` is the size of a page."""

    def iterate(self: Self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Found]:
        wanted: dict[str, Any] = dict(kwargs)
        while True:
            page = listing(self, *args, **wanted)  # type: ignore[arg-type] # the cursor alone is changed
            yield from page.data
            if page.next_cursor is None:
                return
            wanted["cursor"] = page.next_cursor

    iterate.__doc__ = f"Every row of `{listing.__name__}`, page by page."
    return iterate
