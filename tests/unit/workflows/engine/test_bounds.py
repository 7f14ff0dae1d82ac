"""Runs that would grow without end are ended with a clear error."""

import pytest

from apps.core import http
from apps.workflows import limits
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.services.secrets import put_secret
from tests.common.roles import actor_of
from tests.common.runs import fresh, run_of, steps

pytestmark = pytest.mark.django_db
BIG = "x" * 200_000


def ended(organization, source, **inputs) -> Run:
    run = run_of(organization, "inputs: {type: object}\n" + source, **inputs)
    work()
    return fresh(run)


@pytest.mark.parametrize("value", ["{{ inputs.big }}" * 100, ["{{ inputs.big }}"] * 100], ids=["text", "list"])
def test_look_ups_together_bring_no_more_than_the_limit(organization, value):
    run = ended(organization, f"name: A\nsteps: [{{id: a, type: transform, with: {{value: {value!r}}}}}]", big=BIG)
    assert (run.state, run.error["code"]) == ("failed", "rendered_too_large")


def test_what_a_run_returns_is_bounded(organization):
    source = (
        "name: A\nsteps: [{id: a, type: transform, with: {value: 1}}]\noutput: ['{{ inputs.big }}', '{{ inputs.big }}']"
    )
    run = ended(organization, source, big=BIG)
    assert (run.state, run.error["code"], run.output) == ("failed", "output_too_large", None)
    source = source.replace("name: A", "name: B").replace(", '{{ inputs.big }}']", ", '{{ inputs.big }}'" * 20 + "]")
    assert ended(organization, source, big=BIG).error["code"] == "rendered_too_large"


LOOP = """
name: L
steps:
  - id: each
    type: foreach
    items: "{{ inputs.rows }}"
    steps: [{id: a, type: transform, with: {value: "{{ inputs.big }}"}}]
"""


def test_what_a_loop_collects_is_bounded(organization, monkeypatch):
    monkeypatch.setattr(limits, "LOOP_OUTPUT_BYTES", 500_000)
    run = ended(organization, LOOP, rows=[1, 2, 3], big=BIG)
    assert (run.state, run.error["code"], run.error["step"]) == ("failed", "output_too_large", "each")


def test_what_a_run_records_is_bounded_also_over_several_claims(organization, monkeypatch):
    monkeypatch.setattr(limits, "RUN_BYTES", 700_000)
    run = ended(organization, LOOP, rows=list(range(9)), big=BIG)
    assert (run.state, run.error["code"]) == ("failed", "run_too_large")
    assert len(steps(run)) < 7

    monkeypatch.setattr("apps.workflows.engine.execution.FEW_ROWS", 2)
    waiting = LOOP.replace("name: L", "name: M").replace("steps: [{", "steps: [{id: d, type: delay, with: {for: 0}}, {")
    again = ended(organization, waiting, rows=list(range(9)), big=BIG)
    assert again.error["code"] == "run_too_large"


@pytest.mark.parametrize(
    "step",
    [
        'id: a, type: transform, skip_if: "length(inputs.n)", with: {value: 1}',
        'id: a, type: branch, branches: [{when: "length(inputs.n)", steps: [{id: b, type: delay, with: {for: 0}}]}]',
    ],
    ids=["skip_if", "when"],
)
def test_a_condition_that_cannot_be_evaluated_fails_its_step(organization, step):
    run = ended(organization, f"name: C\nsteps: [{{{step}}}]", n=5)
    assert (run.state, run.error["code"], run.error["step"]) == ("failed", "condition_failed", "a")
    assert steps(run)["a"].state == "failed"


def test_an_expression_without_end_fails_its_step(organization):
    bomb = "[@,@]" + "|[@,@][]" * 50
    run = ended(organization, f"name: E\nsteps: [{{id: a, type: transform, with: {{expression: '{bomb}'}}}}]")
    assert (run.state, run.error["code"]) == ("failed", "transform_failed")


def test_braces_after_a_look_up_stay_text(organization):
    source = (
        'name: T\nsteps: [{id: a, type: transform, with: {value: "{{ inputs.n }} }}"}}]\noutput: "{{ steps.a.output }}"'
    )
    assert ended(organization, source, n=5).output == "5 }}"


CALL = (
    "name: Call\nsteps: [{id: h, type: http, with: {url: 'https://x.example/', headers: {A: '{{ secrets.TOKEN }}'}}}]"
)


@pytest.fixture
def answers(organization, owner, monkeypatch):
    """Make the other side answer with this status and body, to a step that sends the secret."""
    put_secret(organization, "TOKEN", "sesame-open-sesame", actor_of(owner, organization))

    def answer(status: int, body: bytes) -> None:
        found = http.Response(status, {"content-type": "application/json"}, body, "https://x.example/", 1)
        monkeypatch.setattr(http, "request", lambda *args, **options: found)

    return answer


def test_a_secret_is_removed_before_a_long_answer_is_cut(organization, answers):
    for cut in range(limits.RECORDED_INPUT_BYTES - 100, limits.RECORDED_INPUT_BYTES, 9):
        answers(500, b'"' + b"x" * cut + b'sesame-open-sesame"')
        run = ended(organization, CALL.replace("Call", f"Call {cut}"))
        assert run.error["code"] == "unexpected_status"
        assert "sesame" not in str(run.error)


def test_an_answer_that_is_too_deep_fails_its_step_at_once(organization, answers):
    answers(200, b"[" * 600 + b"]" * 600)
    run = ended(organization, CALL)
    assert (run.state, run.error["code"]) == ("failed", "output_too_deep")


def test_an_answer_that_only_says_it_is_json_is_text(organization, answers):
    answers(200, b'{"a":')
    run = ended(organization, CALL)
    assert (run.state, steps(run)["h"].output["body"]) == ("succeeded", '{"a":')
