"""Follow a run through its event stream (long polls), across lost connections."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from levqor_cli import clock
from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.retries import backoff
from levqor_cli.wire import Run, Step

LONG_POLL_SECONDS = 25
QUIET_POLL_PAUSE = 0.5
"""Pause in seconds after a poll that brought nothing at once, so that we never spin."""
PATIENCE = 300.0
"""Seconds without any answer after which we stop following."""
STEP_LIMIT = 10_000


@dataclass(frozen=True)
class Snapshot:
    """A run and its steps as last heard of. `trouble` is set while the connection is lost."""

    run: Run
    steps: tuple[Step, ...] = ()
    trouble: str = ""

    @property
    def approvals(self) -> tuple[Step, ...]:
        """Steps on which a person has to decide."""
        return tuple(step for step in self.steps if step.awaits_approval)


def load(client: ApiClient, run_id: str) -> Snapshot:
    """The run as it is now, its steps without input and output.

    The run is read first: events after its revision then miss nothing.
    """
    run = Run.parse(client.get(f"/runs/{run_id}"))
    steps = client.pages(f"/runs/{run_id}/steps", params={}, limit=STEP_LIMIT)
    return Snapshot(run, _in_order(Step.parse(document) for document in steps))


def follow(client: ApiClient, run_id: str, *, deadline: float | None = None) -> Iterator[Snapshot]:
    """Yield the run now and after every change, until it has ended or `deadline` (monotonic seconds) has passed.

    Raises `CliError` when the server refuses, or has been away for longer than `PATIENCE`.
    """
    snapshot = load(client, run_id)
    yield snapshot
    revision, failures, last_contact = snapshot.run.revision, 0, clock.monotonic()
    while not snapshot.run.finished:
        now = clock.monotonic()
        left = LONG_POLL_SECONDS if deadline is None else deadline - now
        if left <= 0:
            return
        wait = max(1, min(LONG_POLL_SECONDS, int(left)))
        try:
            page = client.get_once(
                f"/runs/{run_id}/events", params={"after": revision, "wait": wait}, timeout=wait + 15.0
            )
        except CliError as error:
            if error.exit_code is not ExitCode.UNREACHABLE or clock.monotonic() - last_contact > PATIENCE:
                raise
            failures += 1
            yield replace(snapshot, trouble=error.message)
            clock.sleep(0.2 + backoff(failures))
            continue
        failures, last_contact = 0, clock.monotonic()
        revision = max(revision, int(page.get("revision") or 0))
        changed = _apply(snapshot, page.get("events") or [])
        if page.get("finished") or changed.run.finished:
            changed = load(client, run_id)  # events bring no output, and of very many steps not all at once
        elif changed is snapshot and last_contact - now < QUIET_POLL_PAUSE:
            clock.sleep(QUIET_POLL_PAUSE)
        snapshot = changed
        yield snapshot


def _apply(snapshot: Snapshot, events: list[dict[str, object]]) -> Snapshot:
    run, steps = snapshot.run, {step.id: step for step in snapshot.steps}
    for event in events:
        data = event.get("data")
        if not isinstance(data, dict):
            continue
        if event.get("type") == "run":
            run = Run.parse({**run.raw, **data})  # an event brings no inputs
        elif event.get("type") == "step":
            step = Step.parse(data)
            known = steps.get(step.id)
            if known is None or not _is_older(step, known):
                steps[step.id] = step
    return replace(snapshot, run=run, steps=_in_order(steps.values()), trouble="") if events else snapshot


def _in_order(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps as they began: their ids are UUIDv7, which sort by time."""
    return tuple(sorted(steps, key=lambda step: step.id))


def _is_older(step: Step, known: Step) -> bool:
    """Whether an event tells of an earlier moment than the snapshot already showed."""
    return known.finished and not step.finished and step.attempt <= known.attempt
