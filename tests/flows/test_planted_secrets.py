"""Secrets that got into errors, names and rows are planted once, and looked for in all that leaves: log, jobs, alarms
and their channels, mail, notices and Notion; in reports by `test_planted_reports.py`."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from django.core import mail

from apps.accounts.models import Organization, User
from apps.core import jobs
from apps.core.kinds import AlertType, PulseMetric, ScheduledJob
from apps.core.logs import formatter
from apps.core.models import JobRun
from apps.core.registry import contributed
from apps.integrations.mail.delivery import send_due as send_mail
from apps.integrations.notion import syncing
from apps.integrations.notion.fake import FakeNotion
from apps.monitoring.health.notion import HEALTH
from apps.monitoring.models import HealthRun
from apps.monitoring.services import pulse
from apps.monitoring.services.looking import Seen, keep
from apps.notifications.models import Alert, AlertDelivery, Notification
from apps.notifications.services.alerts import fire
from apps.notifications.services.notices import notify
from apps.notifications.services.sending import send_due
from tests.common.alarms import alarms, make_channel
from tests.common.notion import only
from tests.common.planted import SECRETS, WORDS, found_in

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
ALARM = AlertType("planted", "Planted", "critical", "Planted {{ subject }}", "{{ error }}")


@pytest.fixture
def told() -> Iterator[dict[str, str]]:
    """What left, by the way that it took; the log comes in when the story is over, each line as the console has it."""
    left: dict[str, str] = {}
    log = logging.StreamHandler(io.StringIO())
    log.setFormatter(formatter("json"))
    logging.getLogger().addHandler(log)
    yield left
    logging.getLogger().removeHandler(log)
    left["log"] = log.stream.getvalue()
    assert {way: found_in(text) for way, text in left.items()} == {way: [] for way in left}
    assert [way for way, text in left.items() if "[removed]" not in text] == [], "what was planted came there"
    assert "planted_story" in left["log"], "the log was looked at"


def test_nothing_that_leaves_holds_one(
    told: dict[str, str], staff: User, owner: User, organization: Organization, fake_notion: FakeNotion
) -> None:
    structlog.get_logger("levqor.tests").error("planted_story", error=WORDS, api_key=SECRETS[1])
    metric = PulseMetric("planted", f"Figure {SECRETS[0]}", "count", lambda _start, _end: 1, "Planted", order=1)
    job = ScheduledJob("planted", "Planted", _fail, "0 * * * *", retries=0)
    with contributed(ALARM, metric, job), alarms() as channels:
        make_channel("ops")
        fire("planted", f"one {SECRETS[0]}", {"error": WORDS, "password": SECRETS[3]})
        title = f"Failed {SECRETS[0]}"
        notify(organization, [owner], "run_failed", title=title, body=WORDS, url="/", idempotency_key="planted")
        failed = jobs.run_slot(job, NOON)
        keep(HealthRun.Kind.VERIFIER, NOON, [Seen("planted", "Planted", "failed", WORDS)])
        pulse.weekly_pulse(NOON)
        with only(HEALTH):
            syncing.sync_all(NOON)
        send_due()
        send_mail()
        told["channels"] = "\n".join(f"{one.title}\n{one.body}" for one in channels.told)
    assert failed is not None
    told["jobs"] = f"{failed.outcome}\n{failed.log}"
    told["alerts"] = str(list(Alert.objects.values())) + str(list(AlertDelivery.objects.values()))
    told["notices"] = str(list(Notification.objects.unscoped().values()))
    told["mail"] = "\n".join(str(one.message()) for one in mail.outbox)
    told["notion"] = json.dumps([page["properties"] for page in fake_notion.world.pages.values()])
    assert JobRun.objects.filter(job="planted", state="failed").exists()


def _fail(_slot: datetime) -> str:
    raise ValueError(WORDS)
