"""What leaves the house in an event: what went wrong and where, whose request or run it was by id, and no secret."""

from typing import Any

from apps.core.context import current
from apps.core.scrubbing import scrub_data

# Of a request only how it was made: its address may hold a token, its headers and cookies are keys. Which page it was
# is the event's transaction, by the route's pattern.
OF_REQUESTS = ("method",)


def before_send(event: Any, _hint: Any) -> Any:
    """The library's hook for errors and traces. It drops an event for which this fails."""
    context = current()
    ids = {
        "request_id": context.request_id,
        "organization": str(context.organization_id or ""),
        "job": context.job,
        "run": context.run,
        "step": context.step,
    }
    event["tags"] = {**_tags(event), **{name: value for name, value in ids.items() if value}}
    request = event.pop("request", None) or {}
    if told := {name: request[name] for name in OF_REQUESTS if name in request}:
        event["request"] = told
    event.pop("user", None)
    return scrub_data(event)


def before_breadcrumb(crumb: Any, _hint: Any) -> Any:
    """The library's hook for what happened before. Queries and calls are left out: they tell values."""
    return crumb if crumb.get("type") == "log" else None


def _tags(event: Any) -> dict[str, Any]:
    tags = event.get("tags") or {}
    return dict(tags)
