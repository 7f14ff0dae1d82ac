"""Runs, their steps, and watching them."""

import time
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.core.errors import InvalidInputError
from apps.core.openapi import IDEMPOTENCY
from apps.core.waiting_requests import waits
from apps.workflows import selectors
from apps.workflows.api import represent, schemas
from apps.workflows.api.waiting import waiters
from apps.workflows.models import Run
from apps.workflows.services.approving import decide
from apps.workflows.services.cancelling import cancel_run
from apps.workflows.services.starting import Start, start_run

LONGEST_WAIT = 25
LOOK_EVERY = 0.25
MOST_CHANGES = 500


class WorkflowRunsView(OrganizationAPIView):
    """`/workflows/{id}/runs`"""

    permission_codes = {"post": "runs.start"}

    @extend_schema(
        operation_id="start_run",
        tags=["runs"],
        parameters=[IDEMPOTENCY],
        request=schemas.StartRun,
        responses={201: schemas.RunAnswer},
    )
    def post(self, request: Request, workflow: str) -> Response:
        """Start a run."""
        row = selectors.get_workflow(self.organization, workflow)
        form = schemas.StartRun(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        version = selectors.get_version(row, data["version"]) if "version" in data else None

        def start() -> Response:
            run = start_run(
                row,
                Start(
                    kind=Run.TriggerKind.API,
                    inputs=data["inputs"],
                    priority=data.get("priority"),
                    user=self.actor.user,
                    livemode=self.organization.livemode,
                ),
                version,
            )
            return Response(represent.run(selectors.get_run_to_show(self.organization, run.public_id)), status=201)

        return self.once(request, start)


class RunListView(OrganizationAPIView):
    """`/runs`"""

    permission_codes = {"get": "workflows.view"}

    @extend_schema(
        operation_id="list_runs",
        parameters=[
            schemas.LIMIT,
            schemas.CURSOR,
            OpenApiParameter("workflow", str, description="A workflow's id or slug."),
            OpenApiParameter("state", str, enum=schemas.STATES),
        ],
        responses={200: schemas.listed(schemas.RunSummary)},
    )
    def get(self, request: Request) -> Response:
        """The organization's runs, newest first, without their inputs and output: those are in the single run."""
        runs = selectors.run_summaries(self.organization)
        workflow, state = request.query_params.get("workflow"), request.query_params.get("state")
        if workflow:
            runs = runs.filter(workflow=selectors.get_workflow(self.organization, workflow))
        if state:
            if state not in schemas.STATES:
                raise InvalidInputError(
                    _("“state” is one of %(states)s.") % {"states": ", ".join(schemas.STATES)}, code="invalid_state"
                )
            runs = runs.filter(state=state)
        return self.paginated(request, runs, represent.run_summary)


class RunView(OrganizationAPIView):
    """`/runs/{id}`"""

    permission_codes = {"get": "workflows.view"}
    is_lean = True

    @extend_schema(operation_id="get_run", responses={200: schemas.RunAnswer})
    def get(self, _request: Request, run: str) -> dict[str, Any]:
        """A run, with its inputs and its output."""
        return represent.run(selectors.get_run_to_show(self.organization, run))


class RunStepsView(OrganizationAPIView):
    """`/runs/{id}/steps`"""

    permission_codes = {"get": "workflows.view"}

    @extend_schema(
        operation_id="list_steps",
        parameters=[schemas.LIMIT, schemas.CURSOR],
        responses={200: schemas.listed(schemas.StepSummary)},
    )
    def get(self, request: Request, run: str) -> Response:
        """A run's steps in the order in which they began, without input and output: those are in the single step."""
        steps = selectors.step_summaries(selectors.get_run_summary(self.organization, run))
        return self.paginated(request, steps, represent.step_summary, oldest_first=True)


class StepView(OrganizationAPIView):
    """`/runs/{id}/steps/{step}`"""

    permission_codes = {"get": "workflows.view"}

    @extend_schema(operation_id="get_step", responses={200: schemas.StepAnswer})
    def get(self, request: Request, run: str, step: str) -> Response:
        """A step, with its input, its output and its earlier attempts."""
        row = selectors.get_run_summary(self.organization, run)
        return Response(represent.step(selectors.get_step(row, step)))


class RunEventsView(OrganizationAPIView):
    """`/runs/{id}/events`"""

    permission_codes = {"get": "workflows.view"}
    is_free = True

    @extend_schema(
        operation_id="watch_run",
        parameters=[
            OpenApiParameter("after", int, description="The revision seen last; 0 for everything."),
            OpenApiParameter("wait", int, description="Seconds to wait for a change, 0 to 25."),
        ],
        responses={200: schemas.RunEvents},
    )
    def get(self, request: Request, run: str) -> Response:
        """What changed after a revision: at once, or as soon as something does within `wait` seconds.

        Events carry runs and steps as lists do: without what went in and came out.
        Where many wait already, the answer comes at once and may be empty: ask again after a pause.
        """
        after, wait = _whole(request, "after", 2**31 - 1), _whole(request, "wait", LONGEST_WAIT)
        row = selectors.get_run_summary(self.organization, run)
        if wait and row.revision <= after and not row.finished:
            with waiters.place(self.actor.user.pk) as free:
                if free:
                    waits(request._request)
                row = self._changed(row, after, wait if free else 0)
        return Response(_changes(row, after))

    def _changed(self, row: Run, after: int, wait: int) -> Run:
        """The run as soon as it has changed, or as it is when the time is over."""
        end = time.monotonic() + wait
        while row.revision <= after and not row.finished and time.monotonic() < end:
            time.sleep(LOOK_EVERY)
            row = selectors.get_run_summary(self.organization, row.public_id)
        return row


def _changes(row: Run, after: int) -> dict[str, Any]:
    steps = list(selectors.changes_since(row, after)[:MOST_CHANGES])
    full = len(steps) == MOST_CHANGES
    seen = steps[-1].revision - 1 if full else row.revision
    if full:
        steps = [step for step in steps if step.revision <= seen] or steps
        seen = max(seen, steps[-1].revision)
    events = [{"revision": step.revision, "type": "step", "data": represent.step_summary(step)} for step in steps]
    if row.revision > after:
        events.append({"revision": row.revision, "type": "run", "data": represent.run_summary(row)})
    return {"events": events, "revision": seen, "finished": row.finished and not full}


def _whole(request: Request, name: str, most: int) -> int:
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most):
        raise InvalidInputError(
            _("“%(name)s” is a whole number from 0 to %(most)s.") % {"name": name, "most": most},
            code=f"invalid_{name}",
        )
    return int(text)


class CancelRunView(OrganizationAPIView):
    """`/runs/{id}/cancel`"""

    permission_codes = {"post": "runs.start"}

    @extend_schema(
        operation_id="cancel_run",
        request=None,
        responses={200: schemas.RunAnswer},
    )
    def post(self, request: Request, run: str) -> Response:
        """Stop a run before its next step."""
        cancel_run(selectors.get_run_summary(self.organization, run))
        return Response(represent.run(selectors.get_run_to_show(self.organization, run)), status=status.HTTP_200_OK)


class DecideView(OrganizationAPIView):
    """`/runs/{id}/steps/{step}/approve`"""

    permission_codes = {"post": "runs.decide"}

    @extend_schema(
        operation_id="decide_step",
        request=schemas.DecideStep,
        responses={200: schemas.StepAnswer},
    )
    def post(self, request: Request, run: str, step: str) -> Response:
        """Approve or reject a waiting step."""
        row = selectors.get_step(selectors.get_run_summary(self.organization, run), step)
        form = schemas.DecideStep(data=request.data)
        form.is_valid(raise_exception=True)
        decide(row, self.actor, form.validated_data["decision"], form.validated_data["comment"])
        return Response(represent.step(row))
