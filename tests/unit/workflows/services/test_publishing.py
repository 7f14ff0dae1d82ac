"""What publishing refuses because of what the organization has already, and what it puts on record."""

import pytest

from apps.audit.models import AuditEntry
from apps.core.errors import LimitExceededError
from apps.workflows import limits
from apps.workflows.errors import OvertakenError
from apps.workflows.services.publishing import (
    archive_workflow,
    create_workflow,
    publish_version,
    restore_workflow,
    set_enabled,
)
from tests.common.workflows import GREETING

pytestmark = pytest.mark.django_db


def with_schedules(count):
    triggers = ", ".join(f"{{name: t{number}, type: cron, cron: '0 9 * * *'}}" for number in range(count))
    return f"name: S{count}\ntriggers: [{triggers}]\nsteps: [{{id: t, type: transform, with: {{value: 1}}}}]"


def test_an_organization_has_so_many_schedules(organization, monkeypatch):
    monkeypatch.setattr(limits, "SCHEDULES_PER_ORGANIZATION", 2)
    first = create_workflow(organization, with_schedules(1), None).workflow
    with pytest.raises(LimitExceededError, match="at most 2 schedules"):
        create_workflow(organization, with_schedules(2), None)
    archive_workflow(first)
    create_workflow(organization, with_schedules(2), None)
    with pytest.raises(LimitExceededError, match="at most 2 schedules"):
        restore_workflow(first)
    first.refresh_from_db()
    assert first.archived_at is not None


def test_a_restored_workflow_counts_like_a_new_one(organization, monkeypatch):
    monkeypatch.setattr(limits, "WORKFLOWS_PER_ORGANIZATION", 1)
    first = create_workflow(organization, GREETING, None).workflow
    archive_workflow(first)
    second = create_workflow(organization, GREETING, None, slug="second").workflow
    with pytest.raises(LimitExceededError, match="at most 1 workflows"):
        restore_workflow(first)
    assert first.archived_at is not None
    restore_workflow(second)  # in use already: it takes no room
    archive_workflow(second)
    restore_workflow(first)
    assert first.archived_at is None


def test_only_what_changes_something_is_on_record(organization):
    workflow = create_workflow(organization, GREETING, None).workflow
    before = AuditEntry.objects.unscoped().count()
    restore_workflow(workflow)
    set_enabled(workflow, enabled=True)
    for _twice in range(2):
        set_enabled(workflow, enabled=False)
    for _twice in range(2):
        archive_workflow(workflow)
    for _twice in range(2):
        restore_workflow(workflow)
    for _twice in range(2):
        set_enabled(workflow, enabled=True)
    codes = AuditEntry.objects.unscoped().order_by("pk").values_list("code", flat=True)
    assert [code.removeprefix("workflows.") for code in codes[before:]] == [
        "triggers_disabled",
        "workflow_archived",
        "workflow_restored",
        "triggers_enabled",
    ]


def test_a_text_is_published_on_the_version_that_it_began_with(organization):
    workflow = create_workflow(organization, GREETING, None).workflow
    theirs, mine = GREETING.replace("Hello", "Hi"), GREETING.replace("Hello", "Hey")
    publish_version(workflow, theirs, None, base=1)
    with pytest.raises(OvertakenError, match="Version 2") as refused:
        publish_version(workflow, mine, None, base=1)
    assert (refused.value.code, refused.value.status, refused.value.extra) == ("version_overtaken", 409, {"newest": 2})
    assert not publish_version(workflow, theirs, None, base=1).created, "sent twice: that is what is there"
    assert publish_version(workflow, mine, None, base=2).version.number == 3
    assert publish_version(workflow, GREETING, None).version.number == 4
