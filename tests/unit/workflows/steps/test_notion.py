"""The notion step: with the organization's own token, and honest about what it does not know."""

from itertools import count
from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.integrations.notion.fake import FakeNotion, Fault, checking
from apps.workflows.definition.compiled import compile_definition
from apps.workflows.definition.source import read
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.services.secrets import put_secret
from apps.workflows.services.starting import Start, start_run
from tests.common.roles import actor_of
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db

STEP = """\
name: At Notion
slug: SLUG
steps:
  - {id: ask, type: notion, with: {token: "{{ secrets.NOTION }}", WITH}}
"""
NAMED = '{Name: {title: [{text: {content: "Ada"}}]}}'


@pytest.fixture
def source(fake_notion: FakeNotion) -> str:
    """A table of the customer's."""
    columns = {"Name": {"title": {}}, "Age": {"number": {}}, "Kind": {"select": {}}}
    with fake_notion.world.lock:
        title = [{"type": "text", "plain_text": "Theirs", "text": {"content": "Theirs"}}]
        made = fake_notion.world.create_database(fake_notion.parent, title, checking.columns(columns, whole=True))
    return str(made["data_sources"][0]["id"])


@pytest.fixture
def ask(organization: Organization, owner: User, fake_notion: FakeNotion) -> Any:
    """Runs the step and returns its row."""
    put_secret(organization, "NOTION", fake_notion.token, actor_of(owner, organization))
    numbers = count()

    def run(config: str, **options: Any) -> Any:
        workflow = make_workflow(
            organization, owner, STEP.replace("WITH", config).replace("SLUG", f"n-{next(numbers)}")
        )
        started = start_run(workflow, Start(kind="manual", **options))
        work()
        return Run.objects.for_organization(organization).get(pk=started.pk).steps.get()

    return run


def test_a_page_is_created_changed_found_and_written_on(fake_notion: FakeNotion, source: str, ask: Any) -> None:
    made = ask(f"action: create_page, data_source_id: {source}, properties: {NAMED}")
    assert made.state == "succeeded", made.error
    page = made.output["id"]
    assert made.output["properties"] == {"Name": "Ada", "Age": None, "Kind": None}
    changed = ask(f"action: update_page, page_id: {page}, properties: {{Age: {{number: 36}}}}")
    assert changed.output["properties"]["Age"] == 36
    found = ask(
        f"action: query, data_source_id: {source}, filter: {{property: Age, number: {{greater_than: 30}}}}, limit: 5"
    )
    assert [one["id"] for one in found.output["pages"]] == [page]
    block = "{paragraph: {rich_text: [{text: {content: hello}}]}}"
    written = ask(
        f"action: append, page_id: https://www.notion.so/Ada-{page.replace('-', '')}?v=1, children: [{block}]"
    )
    assert fake_notion.world.children[page] == written.output["blocks"]
    under = ask(f"action: create_page, page_id: {fake_notion.parent}, title: Below")
    assert fake_notion.world.pages[under.output["id"]]["parent"]["page_id"] == fake_notion.parent


def test_the_token_is_in_no_row(fake_notion: FakeNotion, source: str, ask: Any) -> None:
    row = ask(f"action: query, data_source_id: {source}")
    assert row.input["token"] == "••••••"
    assert fake_notion.token not in str([row.input, row.output, row.error])


def test_unique_by_creates_once_and_then_updates(fake_notion: FakeNotion, source: str, ask: Any) -> None:
    config = f"action: create_page, data_source_id: {source}, unique_by: Name, properties: {NAMED}"
    first, second = ask(config), ask(config)
    assert first.output["id"] == second.output["id"]
    assert len(fake_notion.rows("Theirs")) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "action",
    ["create_page, data_source_id: SOURCE, properties: NAMED", "append, page_id: PAGE, children: [{divider: {}}]"],
)
def test_what_may_have_been_done_is_not_repeated(
    fake_notion: FakeNotion, source: str, ask: Any, action: str, after: bool
) -> None:
    page = fake_notion.write(source, {})
    fake_notion.faults.append(Fault(after_effect=after))
    config = action.replace("SOURCE", source).replace("NAMED", NAMED).replace("PAGE", page)
    row = ask(f"action: {config}}}, retry: {{attempts: 3, delay: 1s")
    assert (row.state, row.error["code"], row.attempt) == ("failed", "unknown_outcome", 1)


@pytest.mark.parametrize(
    ("action", "fault", "code"),
    [
        ("query, data_source_id: SOURCE", Fault(), "notion_unavailable"),
        ("create_page, data_source_id: SOURCE, unique_by: Name, properties: NAMED", Fault(), "notion_unavailable"),
        ("create_page, data_source_id: SOURCE", Fault(429, "rate_limited", retry_after=30), "notion_rate_limited"),
    ],
)
def test_what_can_be_repeated_is(
    fake_notion: FakeNotion, source: str, ask: Any, action: str, fault: Fault, code: str
) -> None:
    fake_notion.faults.append(fault)
    config = action.replace("SOURCE", source).replace("NAMED", NAMED)
    row = ask(f"action: {config}}}, retry: {{attempts: 2, delay: 1s")
    assert (row.state, row.waiting_for, row.error["code"]) == ("waiting", "retry", code)
    if fault.retry_after:
        assert (row.due_at - row.started_at).total_seconds() >= fault.retry_after


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("action: create_page", "invalid_step_input"),
        ("action: create_page, data_source_id: SOURCE, page_id: SOURCE", "invalid_step_input"),
        ("action: create_page, page_id: SOURCE", "invalid_step_input"),
        ("action: create_page, data_source_id: SOURCE, unique_by: Age", "invalid_step_input"),
        ("action: create_page, data_source_id: SOURCE, unique_by: A, properties: {A: {}}", "invalid_step_input"),
        ("action: update_page, page_id: SOURCE", "invalid_step_input"),
        ("action: query, data_source_id: ../users", "invalid_step_input"),
        ("action: query, data_source_id: SOURCE, title: x", "invalid_step_input"),
        ("action: query, data_source_id: SOURCE, limit: 1000", "invalid_step_input"),
        ("action: append, page_id: SOURCE, children: []", "missing_at_notion"),
        ("action: update_page, page_id: 11111111-1111-4111-8111-111111111111, properties: {}", "missing_at_notion"),
        ("action: create_page, data_source_id: SOURCE, properties: {Nothing: {number: 1}}", "refused_by_notion"),
    ],
)  # fmt: skip
def test_what_is_wrong_says_so(source: str, ask: Any, config: str, code: str) -> None:
    row = ask(config.replace("SOURCE", source))
    assert (row.state, row.error["code"]) == ("failed", code)


@pytest.mark.parametrize("token", ["ntn_schön", "ntn_a b", "ntn_a\tb", "ntn_a\u200b", "ntn_“a”"])
def test_a_token_that_can_be_none_is_the_input_s_fault(
    organization: Organization, owner: User, source: str, ask: Any, token: str
) -> None:
    put_secret(organization, "NOTION", token, actor_of(owner, organization))
    row = ask(f"action: query, data_source_id: {source}")
    assert (row.state, row.error["code"]) == ("failed", "invalid_step_input")
    assert token not in str(row.error)


def test_a_token_that_was_pasted_with_its_line_end_is_taken(
    fake_notion: FakeNotion, organization: Organization, owner: User, source: str, ask: Any
) -> None:
    put_secret(organization, "NOTION", f"{fake_notion.token}\n", actor_of(owner, organization))
    assert ask(f"action: query, data_source_id: {source}").state == "succeeded"


def test_a_token_that_is_not_taken(fake_notion: FakeNotion, source: str, ask: Any) -> None:
    fake_notion.token = "ntn_another"
    assert ask(f"action: query, data_source_id: {source}").error["code"] == "refused_token_at_notion"


def test_in_a_sandbox_nothing_is_asked(fake_notion: FakeNotion, ask: Any) -> None:
    table = "11111111-1111-4111-8111-111111111111"
    for config in (
        f"action: create_page, data_source_id: {table}",
        f"action: query, data_source_id: {table}",
        f"action: append, page_id: {table}, children: [{{divider: {{}}}}]",
    ):
        assert ask(config, livemode=False).state == "succeeded"
    assert not fake_notion.requests


def test_interrupted_it_is_not_repeated_unless_the_definition_says_so() -> None:
    text = STEP.replace("WITH", "action: query, data_source_id: x").replace("SLUG", "n")
    [step] = compile_definition(read(text).data).steps
    assert not step.repeat_interrupted
    [step] = compile_definition(read(text.replace("type: notion", "type: notion, on_interrupt: repeat")).data).steps
    assert step.repeat_interrupted
