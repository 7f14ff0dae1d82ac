"""What the landing page shows: one example definition, the run it makes, and what the platform does."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EXAMPLE = Path(__file__).with_name("example.yaml")


@dataclass(frozen=True)
class Feature:
    """A tile: a name, what it does, and its icon."""

    title: str | Promise
    text: str | Promise
    icon: str


@cache
def example_definition() -> str:
    """The example workflow's YAML, which `tests/unit/marketing` holds to the published schema."""
    return EXAMPLE.read_text(encoding="utf-8").rstrip()


EXAMPLE_RUN: tuple[dict[str, Any], ...] = (
    {"name": "fetch_orders", "state": "succeeded", "note": _("http · 200 on the 2nd attempt"), "duration_ms": 2_430},
    {"name": "large_ones", "state": "succeeded", "note": _("transform · 3 of 48 orders"), "duration_ms": 6},
    {"name": "sign_off", "state": "succeeded", "note": _("approval · approved by an owner"), "duration_ms": 252_000},
    {"name": "each_order", "state": "running", "note": _("foreach · 2 of 3"), "done": 2, "total": 3},
    {"name": "ship[0]", "state": "succeeded", "note": _("http · 201"), "duration_ms": 318, "depth": 1},
    {"name": "ship[1]", "state": "succeeded", "note": _("http · 201"), "duration_ms": 294, "depth": 1},
    {"name": "ship[2]", "state": "running", "note": _("http · attempt 1"), "depth": 1},
)

CRASH_RUN: tuple[dict[str, Any], ...] = (
    {
        "name": "charge_card",
        "state": "succeeded",
        "note": _("done before the crash, so not run again"),
        "duration_ms": 820,
    },
    {
        "name": "reserve_stock",
        "state": "succeeded",
        "note": _("found unfinished by the reconciler, finished"),
        "duration_ms": 460,
    },
    {"name": "send_receipt", "state": "succeeded", "note": _("ran once"), "duration_ms": 210},
)

STEP_TYPES: tuple[Feature, ...] = (
    Feature(_("HTTP call"), _("Any API, with retries, back-off and Retry-After."), "http"),
    Feature(_("Branch"), _("Go left or right by a JMESPath condition."), "branch"),
    Feature(_("For each"), _("Work through a list; one bad item need not stop it."), "foreach"),
    Feature(_("Transform"), _("Filter and reshape data without writing code."), "transform"),
    Feature(_("Delay"), _("Wait seconds or weeks. Nothing is held in memory."), "delay"),
    Feature(_("Approval"), _("Stop until the right person says yes or no."), "approval"),
    Feature(_("E-mail"), _("Send through a durable outbox, once."), "email"),
    Feature(_("Subflow"), _("Call another workflow and use its output."), "subflow"),
    Feature(_("Notion"), _("Create, change and find pages in your own workspace."), "notion"),
)

TRIGGERS: tuple[Feature, ...] = (
    Feature(_("By hand"), _("A form made from the workflow's own inputs."), "hand"),
    Feature(_("By API"), _("One POST; an idempotency key makes it safe to repeat."), "code"),
    Feature(_("On schedule"), _("Cron in any time zone. You choose what happens to missed times."), "calendar"),
    Feature(_("By webhook"), _("Signed and deduplicated, so a sender may retry."), "webhook"),
)

GUARDS: tuple[Feature, ...] = (
    Feature(_("Secrets stay secret"), _("Encrypted at rest, redacted in every output, log and error."), "lock"),
    Feature(
        _("Calls go where they should"),
        _("Private networks and metadata addresses are refused, in every notation and after each redirect."),
        "shield",
    ),
    Feature(
        _("Roles for everyone"),
        _("Owner, admin, developer, billing, viewer: checked in one place, on page and API alike."),
        "users",
    ),
    Feature(
        _("A record that stays"),
        _("Who did what, when and from where, in an append-only log from the first day."),
        "book",
    ),
)
