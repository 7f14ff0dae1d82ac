"""Workflows and runs for tests of pages and engine."""

from typing import Any

from apps.accounts.models import Organization, User
from apps.workflows.models import Run, Workflow
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run
from tests.common.roles import actor_of

GREETING = """\
name: Greeting
description: Says hello.
inputs: {type: object, properties: {who: {type: string, minLength: 2}}, required: [who]}
steps:
  - {id: say, name: Say it, type: transform, with: {value: "Hello {{ inputs.who }}"}}
output: "{{ steps.say.output }}"
"""
ASKING = """\
name: Asking
triggers:
  - {name: mornings, type: cron, cron: "0 9 * * *", timezone: Europe/London}
  - {name: orders, type: webhook}
steps:
  - id: route
    type: branch
    branches:
      - name: always
        when: "`true`"
        steps: [{id: ask, name: Ask somebody, type: approval, with: {message: Ship it?, roles: [owner, viewer]}}]
  - {id: after, type: transform, with: {value: done}}
"""
LOOP = """\
name: Loop
inputs: {type: object, properties: {rows: {type: array}}}
steps:
  - id: each
    name: Each row
    type: foreach
    items: "{{ inputs.rows }}"
    as: row
    on_item_error: continue
    steps:
      - {id: first, type: transform, with: {expression: row.name}}
      - {id: second, type: transform, with: {expression: "join(' ', [row.name])"}}
"""
FAILING = """\
name: Failing
steps:
  - {id: wrong, name: Go wrong, type: transform, with: {expression: "join(' ', [`1`])"}}
  - {id: never, type: transform, with: {value: 1}}
"""


def make_workflow(organization: Organization, user: User, source: str = GREETING, **options: Any) -> Workflow:
    """A published workflow."""
    return create_workflow(organization, source, actor_of(user, organization), **options).workflow


def make_run(workflow: Workflow, inputs: dict[str, Any] | None = None, **options: Any) -> Run:
    """A queued run; `apps.workflows.engine.worker.work` takes it on."""
    return start_run(workflow, Start(kind=Run.TriggerKind.MANUAL, inputs=inputs or {}, **options))
