"""The landing page promises only what works."""

import yaml

from apps.core.templatetags.levqor import STATES
from apps.marketing import content
from apps.workflows.definition.schema import definition_schema
from apps.workflows.definition.validate import check_source


def test_the_example_is_a_valid_definition() -> None:
    definition, problems = check_source(content.example_definition())
    assert problems == []
    assert definition is not None


def test_the_example_run_belongs_to_the_example() -> None:
    steps = yaml.safe_load(content.example_definition())["steps"]
    shown = [step for step in content.EXAMPLE_RUN if not step.get("depth")]
    assert [step["name"] for step in shown] == [step["id"] for step in steps]
    assert [str(step["note"]).split(" ")[0] for step in shown] == [step["type"] for step in steps]


def test_states_shown_are_states_known() -> None:
    assert {step["state"] for step in (*content.EXAMPLE_RUN, *content.CRASH_RUN)} <= STATES.keys()


def test_every_step_type_has_its_tile() -> None:
    known = {name.removeprefix("step_") for name in definition_schema()["$defs"] if name.startswith("step_")}
    assert {tile.icon for tile in content.STEP_TYPES} == known
