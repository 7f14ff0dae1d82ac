"""Which run a worker takes next (`levqor/decisions/0010-turns-and-places.md`).

While workers keep up, the oldest due run says which organization is served. Where runs wait, organizations take turns
(`turns`). Of an organization the most urgent due run goes, and never more of its runs at a time than
`ORGANIZATION_CONCURRENCY`.
"""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import connection

from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.locking import unhurried
from apps.workflows.engine.leases import LEASE
from apps.workflows.engine.turns import DUE, turns
from apps.workflows.models import Run

KEPT_UP = timedelta(seconds=1)  # a run that has waited for longer shows that workers do not keep up

_COLUMNS = ", ".join(str(field.column) for field in Run._meta.concrete_fields)
_OLDEST = """oldest AS MATERIALIZED (
    SELECT organization_id, due_at FROM {table} WHERE {due} ORDER BY due_at LIMIT 1 {lock}
), turn AS (
    SELECT organization_id FROM oldest WHERE due_at > %(kept_up)s
)"""
_THIS = "turn AS (SELECT %(organization)s AS organization_id)"
_CLAIM = """
WITH {turn}, served AS (
    SELECT organization_id FROM turn WHERE (
        SELECT COUNT(*) FROM {table} AS held
        WHERE held.organization_id = turn.organization_id AND held.lease_until > %(now)s
    ) < %(most)s
)
UPDATE {table} SET state = 'running', due_at = NULL, lease_token = %(token)s, lease_until = %(lease_until)s,
    claims = claims + 1, started_at = COALESCE(started_at, %(now)s)
WHERE id = COALESCE({candidates}) AND lease_until IS NULL {unhurried}
RETURNING {columns}, (
    SELECT other.id FROM {table} AS other
    WHERE other.due_at <= %(now)s AND other.due_at IS NOT NULL AND other.lease_until IS NULL
        AND other.id <> {table}.id
    ORDER BY other.due_at LIMIT 1
) IS NOT NULL AS others_are_due
"""
# One look into the index for each priority, the next only when the one before finds nothing: a hundred thousand
# runs that wait for a later moment cost nothing.
_CANDIDATE = """(
    SELECT id FROM {table}
    WHERE organization_id = (SELECT organization_id FROM served) AND priority = {priority:d} AND {due}
    ORDER BY due_at LIMIT 1 {lock}
)"""


def claim_run() -> Run | None:
    """Take the run whose turn it is. None when none is due but those of organizations that have all they may.

    One statement where workers keep up, and one for each run that goes by turns; they are dealt four times a second.
    """
    run = _by_turns() or _claim(_OLDEST)
    if run is None and turns.deal():
        run = _by_turns()
    return run


def _by_turns() -> Run | None:
    while (organization_id := turns.next()) is not None:
        run = _claim(_THIS, organization_id)
        if run is not None:
            return run
        turns.drop(organization_id)
    return None


def _claim(turn: str, organization_id: uuid.UUID | None = None) -> Run | None:
    names = {
        "table": Run._meta.db_table,
        "due": DUE,
        "lock": "FOR NO KEY UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else "",
    }
    statement = _CLAIM.format(
        **names,
        turn=turn.format(**names),
        candidates=", ".join(_CANDIDATE.format(priority=priority, **names) for priority in sorted(Run.Priority.values)),
        columns=_COLUMNS,
        unhurried=unhurried(),
    )
    moment, adapt = now(), connection.ops.adapt_datetimefield_value
    values = {
        "now": adapt(moment),
        "kept_up": adapt(moment - KEPT_UP),
        "lease_until": adapt(moment + LEASE),
        "token": _stored(new_id()),
        "organization": _stored(organization_id),
        "most": settings.ORGANIZATION_CONCURRENCY,
    }
    return next(iter(Run.objects.unscoped().raw(statement, values)), None)


def _stored(key: uuid.UUID | None) -> uuid.UUID | str | None:
    return key if key is None or connection.features.has_native_uuid_field else key.hex
