"""The number beside the bell; counted once in a request."""

from typing import Any

from apps.notifications import selectors


def unread_count(request: Any) -> int:
    """How many unread notifications the person has in this organization."""
    if request.actor is None:
        return 0
    if not hasattr(request, "unread_notifications"):
        request.unread_notifications = selectors.count_unread(request.actor)
    return int(request.unread_notifications)


def badge(request: Any) -> int | str:
    """The same for the side bar; what is too many to count says so."""
    count = unread_count(request)
    return f"{count}+" if count >= selectors.MOST_COUNTED else count
