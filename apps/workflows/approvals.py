"""Open approvals as pages show them, and how many of them are a member's to decide."""

from dataclasses import dataclass

from apps.accounts.permissions import Actor
from apps.workflows import selectors
from apps.workflows.models import StepRun
from apps.workflows.services.approving import DEFAULT_ROLES

MOST_COUNTED = 100


@dataclass(frozen=True)
class Approval:
    """A step that waits for a person."""

    step: StepRun
    question: str
    roles: tuple[str, ...]
    mine: bool


def shown(step: StepRun, actor: Actor) -> Approval:
    """A waiting step with what is asked and whether this member may answer."""
    asked = step.input or {}
    roles = tuple(asked.get("roles", DEFAULT_ROLES))
    return Approval(step, asked.get("message", ""), roles, actor.role in roles)


def newest(actor: Actor, most: int) -> list[Approval]:
    """The newest open approvals of the member's organization."""
    if actor.organization is None:
        return []
    return [shown(step, actor) for step in selectors.open_approvals(actor.organization)[:most]]


def count_mine(actor: Actor) -> int:
    """How many open approvals the member may answer, counted up to 100; one query."""
    if actor.organization is None:
        return 0
    asked = selectors.open_approvals(actor.organization).values_list("input__roles", flat=True)[:MOST_COUNTED]
    return sum(1 for roles in asked if actor.role in (roles or DEFAULT_ROLES))
