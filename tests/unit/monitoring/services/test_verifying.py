"""The nightly verifier: what fails, what is skipped and said, alarms and their end, the command's exit code."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.core.management import call_command

from apps.core.kinds import HealthCheck
from apps.core.registry import contributed, registry
from apps.integrations.notion import connection
from apps.integrations.notion.fake import FakeNotion
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.monitoring.models import HealthRun
from apps.monitoring.services import verifying
from apps.monitoring.services.verifying import expansion_verifier, verify
from apps.notifications.models import Alert
from tests.common.costs import DAY, FakeAccount, cost_days

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 12, 2, tzinfo=UTC)
YESTERDAY = date(2026, 3, 11)
NO_NOTION = "Notion is not set up: nothing goes there (NOTION_TOKEN and NOTION_PARENT_PAGE)."


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAccount]:
    found = FakeAccount()
    monkeypatch.setattr(verifying, "stripe", lambda: found)
    monkeypatch.setattr(registry(HealthCheck), "_items", {})
    with time_machine.travel(NIGHT, tick=False):
        yield found


def states() -> dict[str, str]:
    return dict(HealthRun.objects.get().results.values_list("check_name", "state"))


def alarms() -> list[tuple[str, bool]]:
    return [(alert.subject, alert.is_open) for alert in Alert.objects.order_by("subject")]


def test_a_good_night(account: FakeAccount) -> None:
    cost_days(YESTERDAY, 999, fees=5_000)
    words = expansion_verifier(NIGHT)
    assert states() == {
        "notion": "off", "stripe_balance": "ok", "stripe_charges": "ok", "cost_threshold": "ok"
    }  # fmt: skip
    assert words == "3 checks fine, 1 skipped (Notion)"
    assert not Alert.objects.exists()


def test_notion_is_asked_itself_and_then_what_its_check_says(account: FakeAccount, fake_notion: FakeNotion) -> None:
    for state in ("ok", "warning", "failed"):
        with contributed(HealthCheck("notion", "Notion", lambda state=state: (state, "seen"))):  # type: ignore[misc]
            verify(NIGHT)
        assert states()["notion"] == state


def test_a_notion_that_does_not_answer_has_failed_whatever_is_kept(
    account: FakeAccount, fake_notion: FakeNotion, settings: LazySettings
) -> None:
    settings.NOTION_TOKEN = "ntn_nobodys"
    with contributed(HealthCheck("notion", "Notion", lambda: ("ok", "all is kept"))):
        assert "Notion" in expansion_verifier(NIGHT)
    assert states()["notion"] == "failed"
    assert [subject for subject, is_open in alarms() if is_open] == ["notion"]
    connection._gateway("ntn_nobodys", fake_notion.url).close()


def test_a_bad_night_alarms_once_and_a_good_one_ends_it(account: FakeAccount, settings: LazySettings) -> None:
    settings.DAILY_COST_LIMIT = Decimal("9.99")
    cost_days(YESTERDAY, 1_000)
    account.goes_away()
    assert not verify(NIGHT).ok
    verify(NIGHT)
    assert alarms() == [("cost_threshold", True), ("stripe_balance", True), ("stripe_charges", True)]
    told = Alert.objects.get(subject="cost_threshold").detail
    assert "$10.00 on 2026-03-11: more than $9.99 a day (DAILY_COST_LIMIT in .env)." in told
    assert "not reached" in Alert.objects.get(subject="stripe_balance").detail

    account.away = None
    settings.DAILY_COST_LIMIT = Decimal(10)
    assert verify(NIGHT).ok
    assert {is_open for _subject, is_open in alarms()} == {False}
    assert HealthRun.objects.count() == 1  # the same night


def test_what_is_not_set_up_is_skipped_and_said(account: FakeAccount) -> None:
    account.away = PaymentsNotSetUpError("no")
    run = verify(NIGHT)
    assert run.ok
    assert set(states().values()) == {"off"}
    said = {one.detail for one in run.results.all()}
    assert said == {
        NO_NOTION, "Payments are not set up.", "No costs were collected yet."
    }  # fmt: skip


def test_costs_that_nobody_collects_are_a_warning(account: FakeAccount) -> None:
    cost_days(YESTERDAY - 2 * DAY, 10)
    verify(NIGHT)
    assert states()["cost_threshold"] == "warning"


def test_a_check_that_breaks_has_failed(account: FakeAccount) -> None:
    account.away = RuntimeError("a bug, api_key=sk_test_abcdefgh12345678")
    run = verify(NIGHT)
    assert (states()["stripe_balance"], run.ok) == ("failed", False)
    assert "sk_test" not in " ".join([run.summary, *run.results.values_list("detail", flat=True)])
    assert not Alert.objects.filter(detail__contains="sk_test").exists()


def test_the_command_says_a_line_for_each_check(account: FakeAccount) -> None:
    cost_days(YESTERDAY, 10)
    out = io.StringIO()
    call_command("verify_expansion", stdout=out, no_color=True)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"Notion           skipped  {NO_NOTION}"
    assert lines[3] == "Daily costs      ok       $0.10 on 2026-03-11, under $10.00 a day."
    account.goes_away()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_expansion", stdout=out, no_color=True)
    assert ended.value.code == 1
    assert "Stripe: charges  failed" in out.getvalue()


def test_what_changed_is_told_by_the_night_before(account: FakeAccount) -> None:
    verify(NIGHT - DAY)
    account.goes_away()
    run: Any = verify(NIGHT)
    assert {one.check_name for one in run.results.all() if one.changed} == {"stripe_balance", "stripe_charges"}
