"""What is logged while a run is worked on says of which run and step it is."""

from typing import Any

from apps.core.context import Context, current
from apps.workflows.engine.worker import work
from tests.common.runs import fresh, run_of

SOURCE = """
name: N
steps:
  - {id: first, type: probe, with: {}}
  - id: each
    type: foreach
    items: "{{ inputs.items }}"
    as: x
    steps: [{id: inner, type: probe, with: {}}]
inputs: {type: object, properties: {items: {type: array}}}
"""


class Contexts(list[Any]):
    """Keeps in which context each call was made."""

    def append(self, _call: Any) -> None:
        super().append(current())


def test_steps_know_their_run_and_path(organization, calls):
    calls.seen = Contexts()
    before = current()
    run = run_of(organization, SOURCE, items=[1])
    work()
    assert fresh(run).state == "succeeded", fresh(run).error
    seen: list[Context] = calls.seen
    assert [(context.run, context.step) for context in seen] == [
        (run.public_id, "first"),
        (run.public_id, "each[0].inner"),
    ]
    assert {(context.organization_id, context.realm_id) for context in seen} == {
        (organization.pk, organization.realm_id)
    }
    assert current() == before
