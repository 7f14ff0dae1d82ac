"""The email step: what a look-up may bring for its texts, and what may be written there."""

from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.integrations.models import MailMessage
from apps.workflows.definition.validate import check_source
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.services.starting import Start, start_run
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db

LETTER = """\
name: Letter
steps:
  - {id: letter, type: email, with: {to: a@example.com, subject: "{{ inputs.subject }}", text: "{{ inputs.text }}"}}
"""


@pytest.fixture
def send(organization: Organization, owner: User) -> Any:
    """Runs the workflow with these values and returns its run."""
    workflow = make_workflow(organization, owner, LETTER)

    def run(subject: Any, text: Any) -> Run:
        started = start_run(workflow, Start(kind="manual", inputs={"subject": subject, "text": text}))
        work()
        started.refresh_from_db()
        return started

    return run


@pytest.mark.parametrize(
    ("value", "words"), [(7, "7"), (1.5, "1.5"), (True, "true"), (False, "false"), (0, "0"), ("x", "x")]
)
def test_a_single_value_is_put_into_words(send: Any, value: Any, words: str) -> None:
    run = send(value, value)
    assert run.state == "succeeded", run.error
    mail = MailMessage.objects.get()
    assert mail.subject == words
    assert words in mail.text
    assert run.steps.get().output == {"to": ["a@example.com"], "subject": words}


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_text_may_turn_out_empty_and_a_subject_may_not(send: Any, nothing: Any) -> None:
    assert send("s", nothing).state == "succeeded"
    assert "None" not in MailMessage.objects.get().text
    error = send(nothing, "t").error
    assert (error["code"], error["message"]) == ("invalid_step_input", "subject: it has 0 characters, not 1 to 300")


@pytest.mark.parametrize("value", [{"a": 1}, [1]])
def test_lists_and_mappings_are_no_text(send: Any, value: Any) -> None:
    error = send("s", value).error
    assert error["code"] == "invalid_step_input"
    assert error["message"].startswith("text: ")
    assert "is not of types" in error["message"]
    assert not MailMessage.objects.exists()


def test_a_subject_of_a_thousand_digits_is_told(send: Any) -> None:
    assert send(10**1000, "t").error["code"] == "invalid_step_input"


@pytest.mark.parametrize("written", ["", "''", "5", "true", "[a]"])
def test_what_is_written_as_a_subject_is_text(written: str) -> None:
    source = LETTER.replace('"{{ inputs.subject }}"', written)
    definition, problems = check_source(source)
    assert definition is None
    assert [problem.path for problem in problems] == ["steps[0].with.subject"]
