"""Taking turns: what an organization pays and has is changed by one after the other."""

import uuid
from collections.abc import Callable
from typing import Any

import structlog

from apps.accounts.models import Organization

log = structlog.get_logger(__name__)


def take_turn(organization_id: uuid.UUID) -> None:
    """Until the transaction ends nobody else has a turn with this organization.

    It comes before any lock of a row that belongs to it and before any account of the ledger: two who took those in
    different orders would wait for each other. Taken again it costs a query.
    """
    Organization.objects.select_for_update(of=("self",), no_key=True).filter(pk=organization_id).first()


def alone(work: Callable[..., Any], *arguments: Any) -> bool:
    """Whether a part of the work for many did something. What goes wrong with it is told and keeps no other waiting."""
    try:
        return bool(work(*arguments))
    except Exception:
        log.exception("left_out_of_the_work_for_many", work=work.__qualname__, of=str(arguments[0]))
        return False
