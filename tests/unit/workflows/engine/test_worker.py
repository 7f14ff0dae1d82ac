"""The engine, driven by hand: walk, park, resume, fail."""

from datetime import timedelta

import pytest
import time_machine

from apps.core import http
from apps.core.clock import now
from apps.core.models import DomainEvent
from apps.workflows import limits
from apps.workflows.engine.contract import StepFailure
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, StepRun
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run
from tests.common.runs import fresh, run_of, steps

pytestmark = pytest.mark.django_db


def test_transform_branch_foreach_run_to_the_end(organization):
    run = run_of(
        organization,
        """
name: All control
inputs: {type: object, properties: {n: {type: array}}}
steps:
  - {id: big, type: transform, with: {expression: "inputs.n[?@ > `2`]"}}
  - id: route
    type: branch
    branches:
      - {when: "length(steps.big.output) > `1`", name: many, steps: [{id: m, type: transform, with: {value: many}}]}
    otherwise: [{id: f, type: transform, with: {value: few}}]
  - id: each
    type: foreach
    items: "{{ steps.big.output }}"
    as: x
    steps: [{id: twice, type: transform, with: {value: {x: "{{ x }}", at: "{{ loop.index }}"}}}]
output: {all: "{{ steps.each.output.items }}", text: "got {{ steps.m.output }}", none: "{{ steps.f.output }}"}
""",
        n=[1, 2, 3, 4],
    )
    assert work() == 1
    run = fresh(run)
    assert run.state == "succeeded", run.error
    assert run.output == {"all": [{"x": 3, "at": 0}, {"x": 4, "at": 1}], "text": "got many", "none": None}
    assert sorted(steps(run)) == ["big", "each", "each[0].twice", "each[1].twice", "m", "route"]


def test_delay_parks_and_resumes(organization):
    source = """
name: D
steps:
  - {id: wait, type: delay, with: {for: 1h}}
  - {id: t, type: transform, with: {value: 1}}
"""
    with time_machine.travel(now(), tick=False) as clock:
        run = run_of(organization, source)
        assert work() == 1
        assert fresh(run).state == "waiting"
        assert work() == 0
        clock.shift(timedelta(hours=1))
        assert work() == 1
    assert fresh(run).state == "succeeded"
    assert fresh(run).lease_until is None


def test_retries_grow_obey_retry_after_and_keep_the_idempotency_key(organization, calls):
    calls.plan += [
        StepFailure("busy", "busy", transient=True),
        StepFailure("busy", "busy", transient=True, retry_after=120),
        {"done": True},
    ]
    source = "name: R\nsteps: [{id: p, type: probe, retry: {attempts: 3, delay: 1s, max_delay: 10s}}]"
    with time_machine.travel(now(), tick=False) as clock:
        run = run_of(organization, source)
        work()
        assert steps(run)["p"].waiting_for == "retry"
        assert timedelta() <= steps(run)["p"].due_at - now() <= timedelta(seconds=1)
        clock.shift(timedelta(seconds=1))
        work()
        assert steps(run)["p"].due_at - now() == timedelta(seconds=120)
        clock.shift(timedelta(seconds=120))
        work()
    row = steps(run)["p"]
    assert (row.state, row.attempt, len(row.attempts)) == ("succeeded", 3, 2)
    assert len({call.idempotency_key for call in calls.seen}) == 1
    assert [call.attempt for call in calls.seen] == [1, 2, 3]
    assert fresh(run).state == "succeeded"


def test_a_permanent_failure_is_not_tried_again_and_fails_the_run(organization, calls):
    calls.plan += [StepFailure("gone", "no such thing")]
    run = run_of(
        organization,
        "name: F\nsteps:\n  - {id: p, type: probe, retry: {attempts: 5}}\n  - {id: q, type: probe}",
    )
    work()
    run = fresh(run)
    assert (run.state, run.error["code"], run.error["step"]) == ("failed", "gone", "p")
    assert list(steps(run)) == ["p"]
    assert DomainEvent.objects.filter(name="run_finished", payload__run_id=str(run.pk)).count() == 1


def test_on_error_continue_goes_on(organization, calls):
    calls.plan += [StepFailure("gone", "no such thing")]
    run = run_of(
        organization,
        """
name: C
steps:
  - {id: p, type: probe, on_error: continue}
  - {id: t, type: transform, with: {expression: "steps.p.error.code"}}
output: "{{ steps.t.output }}"
""",
    )
    work()
    assert (fresh(run).state, fresh(run).output) == ("succeeded", "gone")


def test_skip_if_skips(organization, calls):
    run = run_of(organization, "name: S\nsteps: [{id: p, type: probe, skip_if: 'inputs.dry'}]", dry=True)
    work()
    assert (steps(run)["p"].state, calls.seen) == ("skipped", [])


def test_a_failing_item_does_not_hold_up_the_others(organization, calls):
    calls.plan += ["a", StepFailure("bad", "no"), "c"]
    source = """
name: E
steps:
  - {id: each, type: foreach, items: [1, 2, 3], on_item_error: continue, steps: [{id: p, type: probe}]}
output: "{{ steps.each.output }}"
"""
    run = run_of(organization, source)
    work()
    output = fresh(run).output
    assert (output["items"], output["succeeded"], output["failed"]) == (["a", None, "c"], 2, 1)
    assert output["errors"][0]["index"] == 1


def test_an_item_that_waits_lets_the_others_go_on(organization, calls):
    calls.plan += [StepFailure("busy", "busy", transient=True), "b", "a"]
    source = """
name: W
steps:
  - {id: each, type: foreach, items: [1, 2], steps: [{id: p, type: probe, retry: {attempts: 2, delay: 1s}}]}
output: "{{ steps.each.output.items }}"
"""
    with time_machine.travel(now(), tick=False) as clock:
        run = run_of(organization, source)
        work()
        assert steps(run)["each[1].p"].state == "succeeded"
        clock.shift(timedelta(seconds=2))
        work()
    assert fresh(run).output == ["a", "b"]


def test_secrets_never_reach_a_row(organization, owner, calls, settings):
    from apps.accounts.permissions import Actor
    from apps.workflows.services.secrets import put_secret

    put_secret(organization, "TOKEN", "s3cr3t/value+x", Actor(owner, organization, "session", "owner"))
    calls.plan += [{"echo": "you sent s3cr3t/value+x and s3cr3t%2Fvalue%2Bx", "s3cr3t/value+x": 1}]
    run = run_of(
        organization,
        """
name: V
steps:
  - {id: p, type: probe, with: {header: "Bearer {{ secrets.TOKEN }}"}}
  - {id: t, type: transform, with: {value: "{{ steps.p.output.echo }}"}}
output: "{{ steps.t.output }}"
""",
    )
    work()
    assert calls.seen[0].config == {"header": "Bearer s3cr3t/value+x"}
    rows = [*Run.objects.unscoped().values(), *StepRun.objects.unscoped().values()]
    assert fresh(run).state == "succeeded"
    for form in ("s3cr3t", "s3cr3t%2F"):
        assert form not in str(rows)


def test_limits_are_told(organization, calls, monkeypatch):
    monkeypatch.setattr(limits, "FOREACH_ITEMS", 2)
    monkeypatch.setattr(limits, "OUTPUT_BYTES", 100)
    calls.plan += ["x" * 200]
    loop = run_of(
        organization,
        "name: X\nsteps: [{id: e, type: foreach, items: [1,2,3], steps: [{id: t, type: transform, with: {value: 1}}]}]",
    )
    big = run_of(organization, "name: Y\nsteps: [{id: p, type: probe}]")
    work()
    assert fresh(loop).error["code"] == "too_many_items"
    assert fresh(big).error["code"] == "output_too_large"


def test_subflow_gives_its_output_to_the_parent(organization):
    create_workflow(
        organization,
        "name: Child\ninputs: {type: object, required: [n]}\n"
        "steps: [{id: t, type: transform, with: {value: '{{ inputs.n }}'}}]\noutput: {twice: '{{ steps.t.output }}'}",
        None,
    )
    run = run_of(
        organization,
        "name: Parent\nsteps: [{id: c, type: subflow, with: {workflow: child, inputs: {n: 7}}}]\n"
        "output: '{{ steps.c.output.twice }}'",
    )
    assert work() == 3
    assert (fresh(run).state, fresh(run).output) == ("succeeded", 7)


def test_subflow_with_wrong_inputs_fails_the_step(organization):
    create_workflow(
        organization,
        "name: Child\ninputs: {type: object, required: [n]}\nsteps: [{id: t, type: transform, with: {value: 1}}]",
        None,
    )
    run = run_of(organization, "name: Parent\nsteps: [{id: c, type: subflow, with: {workflow: child}}]")
    work()
    assert fresh(run).error["code"] == "invalid_inputs"


def test_concurrency_key_admits_one_at_a_time(organization, django_capture_on_commit_callbacks):
    source = """
name: Q
concurrency: {key: "{{ inputs.k }}"}
steps: [{id: wait, type: delay, with: {for: 1h}}]
"""
    workflow = create_workflow(organization, source, None).workflow
    with time_machine.travel(now(), tick=False) as clock:
        first, second, other = (start_run(workflow, Start(kind="manual", inputs={"k": k})) for k in ("a", "a", "b"))
        work()
        assert [fresh(run).state for run in (first, second, other)] == ["waiting", "queued", "waiting"]
        clock.shift(timedelta(hours=1))
        with django_capture_on_commit_callbacks(execute=True):
            work()
        work()
        assert [fresh(run).state for run in (first, second, other)] == ["succeeded", "waiting", "succeeded"]


def test_priority_goes_first(organization, calls):
    workflow = create_workflow(organization, "name: N\nsteps: [{id: p, type: probe}]", None).workflow
    low, high = (start_run(workflow, Start(kind="api", priority=p)) for p in ("low", "high"))
    work()
    assert [call.run_public_id for call in calls.seen] == [high.public_id, low.public_id]


def test_a_run_of_pure_steps_costs_few_statements(organization, django_assert_num_queries):
    workflow = create_workflow(
        organization,
        "name: N\nsteps:\n" + "".join(f"  - {{id: s{n}, type: transform, with: {{value: 1}}}}\n" for n in range(3)),
        None,
    ).workflow
    start_run(workflow, Start(kind="api"))
    start_run(workflow, Start(kind="api"))
    work(1)
    # claim; savepoint, run, steps, event, release (outside of a transaction PostgreSQL takes all but the claim as one)
    with django_assert_num_queries(6):
        work(1)


def test_http_step_sends_its_idempotency_key_and_parses_json(organization, monkeypatch):
    sent = []

    def request(method, url, **options):
        sent.append((method, url, options["headers"]))
        return http.Response(
            status=200, headers={"content-type": "application/json"}, body=b'{"a": 1}', url=url, elapsed_ms=1
        )

    monkeypatch.setattr(http, "request", request)
    run = run_of(
        organization,
        "name: H\nsteps: [{id: h, type: http, with: {method: POST, url: 'https://x.example/', json: {}}}]\n"
        "output: '{{ steps.h.output.body.a }}'",
    )
    work()
    assert fresh(run).output == 1
    assert sent[0][2]["Idempotency-Key"] == steps(run)["h"].public_id
