"""The generated operations by subject, with every list as an iterator, and what takes several calls."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

from levqor_sdk._pages import iterated
from levqor_sdk.errors import WaitTimeoutError
from levqor_sdk.generated.api.keys_api import KeysApi
from levqor_sdk.generated.api.notifications_api import NotificationsApi
from levqor_sdk.generated.api.runs_api import RunsApi
from levqor_sdk.generated.api.secrets_api import SecretsApi
from levqor_sdk.generated.api.workflows_api import WorkflowsApi
from levqor_sdk.generated.models.priority import Priority
from levqor_sdk.generated.models.run_answer import RunAnswer
from levqor_sdk.generated.models.run_event import RunEvent
from levqor_sdk.generated.models.start_run_request import StartRunRequest

LONGEST_POLL = 25.0
TURN = 1.0  # between polls that were answered at once, because too many wait already


class Keys(KeysApi):
    """API keys."""

    iterate_keys = iterated(KeysApi.list_keys)


class Notifications(NotificationsApi):
    """One's own inbox."""

    iterate_notifications = iterated(NotificationsApi.list_notifications)


class Secrets(SecretsApi):
    """The vault: names out, values in."""

    iterate_secrets = iterated(SecretsApi.list_secrets)


class Workflows(WorkflowsApi):
    """Workflows and their versions."""

    iterate_workflows = iterated(WorkflowsApi.list_workflows)
    iterate_versions = iterated(WorkflowsApi.list_versions)


class Runs(RunsApi):
    """Runs and their steps."""

    iterate_runs = iterated(RunsApi.list_runs)
    iterate_steps = iterated(RunsApi.list_steps)

    def start(
        self,
        workflow: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        priority: str | None = None,
        idempotency_key: str | None = None,
    ) -> RunAnswer:
        """Start a run of a workflow, by id or slug. With a key of yours it starts once, whoever repeats it."""
        wanted: dict[str, Any] = {"inputs": dict(inputs or {})}
        if version is not None:
            wanted["version"] = version
        if priority is not None:
            wanted["priority"] = Priority(priority)
        return self.start_run(workflow, idempotency_key=idempotency_key, start_run_request=StartRunRequest(**wanted))

    def watch(self, run: str, timeout: float | None = None) -> Iterator[RunEvent]:
        """Each change of a run and its steps as it happens, until the run ends. Raises `WaitTimeoutError`."""
        end = None if timeout is None else time.monotonic() + timeout
        longest = min(LONGEST_POLL, max(self.api_client.timeout - 5, 0))
        revision = 0
        while True:
            left = longest if end is None else min(longest, end - time.monotonic())
            asked = time.monotonic()
            seen = self.watch_run(run, after=revision, wait=max(int(left), 0))
            yield from seen.events
            if seen.finished:
                return
            if end is not None and time.monotonic() >= end:
                raise WaitTimeoutError(run, timeout or 0)
            if not seen.events and time.monotonic() - asked < TURN:
                time.sleep(random.uniform(TURN / 4, TURN))  # noqa: S311 - no secret
            revision = seen.revision

    def wait(self, run: str, timeout: float | None = None) -> RunAnswer:
        """The run once it has ended, well or not: see its `state`. Raises `WaitTimeoutError`; the run goes on then."""
        for _change in self.watch(run, timeout):
            pass
        return self.get_run(run)
