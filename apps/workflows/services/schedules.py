"""Schedules: which slots run, and when.

A look at a schedule first takes in the slots that came due since the last look, and then starts those whose turn it is.
A slot that was taken in waits in the row, however long: only one that nobody looked at in time counts as missed.
Schedules of a sandbox have no slots.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import cron
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.locking import claim_next
from apps.workflows import limits
from apps.workflows.models import Run, Trigger
from apps.workflows.services.starting import Start, start_run

log = structlog.get_logger(__name__)

LATE = timedelta(minutes=2)
RECHECK = timedelta(seconds=5)
AFTER_A_FAULT = timedelta(minutes=1)
OUTCOME_CHARACTERS = 200  # of the column; translations may be longer than our words


def stand_still(trigger: Trigger) -> None:
    """Let a sandbox's schedule have no slot: whatever somebody tried out there once would run for ever."""
    trigger.slot = trigger.due_at = trigger.dropped_until = None
    trigger.waiting, trigger.last_outcome = [], _("not fired: schedules of a sandbox start nothing by themselves")


def next_slot(config: Mapping[str, Any], after: datetime) -> datetime:
    """The first slot of a schedule's configuration after a moment."""
    return cron.next_slot(config["cron"], config.get("timezone", "UTC"), after)


def fire_due(most: int = 500) -> int:
    """Start runs for the schedules that are due. Returns how many triggers were handled."""
    for done in range(most):
        if not _fire_one():
            return done
    return most


def _fire_one() -> bool:
    """Handle the next due schedule: its runs and its next slot in one transaction. False when none is due."""
    with transaction.atomic():
        due = Trigger.objects.unscoped().filter(due_at__lte=now(), kind=Trigger.Kind.CRON).order_by("due_at")
        trigger = claim_next(due.select_related("workflow", "organization"))
        if trigger is None:
            return False
        if not trigger.organization.livemode:  # from a time when they were fired
            stand_still(trigger)
            trigger.save(update_fields=["slot", "due_at", "waiting", "dropped_until", "last_outcome"])
            return True
        try:
            busy = trigger.config.get("overlap") != "allow" and _has_unfinished_run(trigger)
            with transaction.atomic():
                told = _take_in(trigger, busy=busy)
            with transaction.atomic():  # apart, so that a slot seen in time stays so when its run can't be started
                _start_waiting(trigger, told, busy=busy)
        except Exception:
            log.exception("schedule_broke", trigger=trigger.public_id)
            Trigger.objects.unscoped().filter(pk=trigger.pk).update(
                due_at=now() + AFTER_A_FAULT, last_outcome=_("a fault on our side; tried again soon")
            )
        return True


def _has_unfinished_run(trigger: Trigger) -> bool:
    return Run.objects.for_organization(trigger.organization_id).filter(trigger=trigger, finished_at=None).exists()


# Which slots run ----------------------------------------------------------------------------------------------------


def _take_in(trigger: Trigger, *, busy: bool) -> str | None:
    """Let the slots that came due wait for their turn. Returns why they do not, or ""; None when there are none."""
    moment, workflow = now(), trigger.workflow
    paused = not (trigger.enabled and workflow.enabled) or workflow.archived_at is not None
    due = _due_slots(trigger, moment)
    if not due and not paused:
        return None
    if paused or not trigger.waiting:
        trigger.dropped_until = None
    if paused:
        trigger.waiting, told = [], _("paused")
    elif busy and trigger.config.get("overlap", "skip") == "skip":
        told = _("skipped: the last run had not ended")
    else:
        accepted = _caught_up(due, moment, trigger.config.get("catch_up", "latest"))
        told = "" if accepted else _("skipped: missed while the platform was down")
        _append(trigger, accepted)
    if due:
        trigger.slot = next_slot(trigger.config, moment)
    trigger.save(update_fields=["slot", "waiting", "dropped_until"])
    return told


def _due_slots(trigger: Trigger, moment: datetime) -> list[datetime]:
    """The slots that nobody has seen yet, oldest first: of very many the newest, and one more than may wait."""
    assert trigger.slot is not None  # noqa: S101 - live schedules always have one
    if trigger.slot > moment:
        return []
    most, config = limits.SLOTS_WAITING + 1, trigger.config
    later = cron.slots_between(config["cron"], config.get("timezone", "UTC"), trigger.slot, moment, most)
    return [trigger.slot, *later]


def _caught_up(due: list[datetime], moment: datetime, policy: str) -> list[datetime]:
    """Those of the due slots that run: all that are seen in time, and of the missed ones what the policy says."""
    in_time = [slot for slot in due if moment - slot <= LATE]
    if policy == "all":
        return due
    return in_time if in_time or policy == "skip" else due[-1:]


def _append(trigger: Trigger, slots: list[datetime]) -> None:
    """Let these slots wait too; where too many do, the oldest go."""
    waiting = trigger.waiting + [slot.isoformat() for slot in slots]
    if len(waiting) > limits.SLOTS_WAITING:
        trigger.dropped_until = datetime.fromisoformat(waiting[-limits.SLOTS_WAITING - 1])
        log.warning("schedule_slots_dropped", trigger=trigger.public_id, until=trigger.dropped_until.isoformat())
    trigger.waiting = waiting[-limits.SLOTS_WAITING :]


# When they run ------------------------------------------------------------------------------------------------------


def _start_waiting(trigger: Trigger, told: str | None, *, busy: bool) -> None:
    """Start the slots whose turn it is, say what came of the look, and settle when the next one is."""
    turn = _whose_turn(trigger, busy=busy)
    trigger.waiting = trigger.waiting[len(turn) :]
    outcomes = [_start(trigger, datetime.fromisoformat(slot)) for slot in turn]
    if outcomes:
        trigger.last_fired_at = now()
    if outcomes or told is not None:
        trigger.last_outcome = _outcome(trigger, outcomes[-1] if outcomes else "", told or "")
    trigger.due_at = now() + RECHECK if trigger.waiting else trigger.slot
    trigger.save(update_fields=["waiting", "due_at", "last_fired_at", "last_outcome", "last_run"])


def _whose_turn(trigger: Trigger, *, busy: bool) -> list[str]:
    if trigger.config.get("overlap") == "allow":
        return list(trigger.waiting)
    return [] if busy else trigger.waiting[:1]


def _start(trigger: Trigger, slot: datetime) -> str:
    """Start the run of one slot, once, and note it as the trigger's last. Returns what came of it."""
    slot = slot.astimezone(UTC)
    start = Start(
        kind=Run.TriggerKind.CRON,
        inputs=trigger.config.get("inputs", {}),
        idempotency_key=f"cron:{trigger.public_id}:{slot.isoformat()}",
        trigger=trigger,
        trigger_data={"scheduled_for": slot.isoformat()},
        livemode=trigger.organization.livemode,
    )
    try:
        with transaction.atomic():
            run = start_run(trigger.workflow, start)
    except DomainError as error:
        log.warning("schedule_not_started", trigger=trigger.public_id, code=error.code)
        return _("failed: %(reason)s") % {"reason": error.detail}
    trigger.last_run = run
    return _("started %(run)s") % {"run": run.public_id}


def _outcome(trigger: Trigger, started: str, told: str) -> str:
    """One line for people: what was started, what waits, and what was left out."""
    waiting, dropped = "", ""
    if trigger.waiting:
        waiting = ngettext(
            "%(count)s slot waits for the last run to end",
            "%(count)s slots wait for the last run to end",
            len(trigger.waiting),
        ) % {"count": len(trigger.waiting)}
    if trigger.dropped_until is not None:
        dropped = _("slots up to %(slot)s UTC were dropped: at most %(most)s wait") % {
            "slot": f"{trigger.dropped_until.astimezone(UTC):%Y-%m-%d %H:%M}",
            "most": limits.SLOTS_WAITING,
        }
    rest = "; ".join(part for part in (told, waiting, dropped) if part)
    room = max(0, OUTCOME_CHARACTERS - len(rest) - 2)
    return "; ".join(part for part in (started[: room if rest else None], rest) if part)[:OUTCOME_CHARACTERS]
