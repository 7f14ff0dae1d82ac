"""Alarms in the administration: set up, acknowledged, tested, sent again."""

import pytest

from apps.audit.models import AuditEntry
from apps.notifications.models import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertTemplate,
    EscalationRule,
    MaintenanceWindow,
)
from apps.notifications.services.alerts import fire
from apps.notifications.services.sending import send_due
from tests.common.alarms import alarms, lose_key, make_channel
from tests.common.roles import client_of
from tests.common.staff import action_address, list_address, row_address, staff_with

pytestmark = pytest.mark.django_db
TOKEN = "123456789:abcdefghijklmnopqrstuvwxyzABCDEFGH"
COMMON = {"least_severity": "info", "rings_from": "warning", "codes": "", "enabled": "on"}


@pytest.fixture
def channels():
    with alarms() as found:
        yield found


@pytest.fixture
def browser(staff):
    return client_of(staff)


def add(browser, model, **fields):
    return browser.post(f"{list_address(model)}add/", fields)


def test_the_types_to_choose_from_are_named(browser):
    for model in (AlertChannel, EscalationRule, MaintenanceWindow):
        page = browser.get(f"{list_address(model)}add/").content.decode()
        assert "component_down, " in page


@pytest.mark.parametrize(
    ("fields", "url", "shown"),
    [
        ({"kind": "telegram", "bot_token": TOKEN, "chat": "-1001234"}, f"tgram://{TOKEN}/-1001234/", "tgram://…"),
        ({"kind": "slack", "slack": "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
         "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", "slack://…"),
        ({"kind": "slack", "slack": "xoxb-1234567890-1234567890-abcdefghijklmnop", "room": "#ops"},
         "slack://xoxb-1234567890-1234567890-abcdefghijklmnop/%23ops/", "slack://…"),
        ({"kind": "mail", "mail": "ops@example.com"}, "mailto:ops@example.com", "mailto:ops@example.com"),
        ({"kind": "webhook", "hook": "https://example.com/secret-path", "signing": "whsec_" + "QUJD" * 12},
         "https://example.com/secret-path#whsec_" + "QUJD" * 12, "https://example.com/…"),
        ({"kind": "other", "other": "ntfys://ntfy.example.com/ops"}, "ntfys://ntfy.example.com/ops", "ntfys://…"),
    ],
)  # fmt: skip
def test_a_channel_is_made_by_its_kind(browser, fields, url, shown):
    assert add(browser, AlertChannel, name="Ops", **COMMON, **fields).status_code == 302
    channel = AlertChannel.objects.get()
    assert channel.url == url
    assert channel.shown_url.startswith(shown)
    page = browser.get(row_address(channel)).content.decode()
    for value in fields.values():
        assert value not in page or value in (channel.kind, "ops@example.com")
    changed = {"name": "Ops 2", "kind": channel.kind, **COMMON}
    assert browser.post(row_address(channel), changed).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.url) == ("Ops 2", url)  # left empty, the address stays
    told = [entry.code for entry in AuditEntry.objects.unscoped().all()]
    assert {"staff.row_added", "staff.row_changed"} <= set(told)
    assert url not in str(list(AuditEntry.objects.unscoped().values()))


def test_a_channel_whose_key_is_lost_gets_another_address(browser):
    channel, boss = make_channel("ops"), make_channel("boss")
    lose_key(channel)
    rule = EscalationRule.objects.create(name="Wake")
    for page in (list_address(AlertChannel), row_address(channel), row_address(rule)):
        assert browser.get(page).status_code == 200
    renamed = {"name": "Renamed", "kind": "webhook", **COMMON}
    assert browser.post(row_address(channel), renamed).status_code == 302
    fields = {"name": "ops", "kind": "webhook", "hook": "https://example.com/new", **COMMON}
    assert browser.post(row_address(channel), fields).status_code == 302
    assert AlertChannel.objects.get(name="ops").url == "https://example.com/new"
    lose_key(boss)
    assert browser.post(f"{row_address(boss)[: -len('change/')]}delete/", {"post": "yes"}).status_code == 302


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "telegram", "bot_token": "nonsense", "chat": "1234"},
        {"kind": "telegram", "bot_token": TOKEN, "chat": "no chat"},
        {"kind": "telegram"},
        {"kind": "slack", "slack": "https://example.com/x"},
        {"kind": "slack", "slack": "xoxb-1234567890-1234567890-abcdefghijklmnop"},
        {"kind": "mail", "mail": "nobody"},
        {"kind": "webhook", "hook": "ftp://example.com"},
        {"kind": "webhook", "hook": "https://example.com", "signing": "short"},
        {"kind": "other", "other": "exec://rm"},
        {"kind": "mail", "mail": "ops@example.com", "codes": "no_such_type"},
    ],
)
def test_what_is_no_channel_is_refused(browser, fields):
    answer = add(browser, AlertChannel, name="Ops", **{**COMMON, **fields})
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode() or answer.context["errors"]
    assert not AlertChannel.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "webhook", "hook": "http://example.com/x"},
        {"kind": "other", "other": "http://example.com/x"},
        {"kind": "other", "other": "JSON://example.com/x"},
        {"kind": "other", "other": "ntfy://ntfy.example.com/ops"},
        {"kind": "other", "other": "https://example.com/\x0bx"},
        {"kind": "other", "other": f"discord://{'1' * 24}/{'a' * 64}/?template=http%3A%2F%2F127.0.0.1%2F"},
    ],
)
def test_production_takes_no_address_that_is_read_on_the_way(browser, settings, fields):
    settings.LEVQOR_ENV = "production"
    answer = add(browser, AlertChannel, name="Ops", **COMMON, **fields)
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert not AlertChannel.objects.exists()
    secure = {"kind": "other", "other": "ntfys://ntfy.example.com/ops"}
    assert add(browser, AlertChannel, name="Ops", **COMMON, **secure).status_code == 302


def test_rules_windows_and_words(browser, channels):
    channel = make_channel("boss")
    rule = {"name": "Wake", "least_severity": "critical", "after_minutes": "15", "repeat_minutes": "30",
            "channels": str(channel.pk), "enabled": "on", "codes": "worker_*"}  # fmt: skip
    assert add(browser, EscalationRule, **rule).status_code == 302
    assert EscalationRule.objects.get().codes == ["worker_gone"] or EscalationRule.objects.get().codes == ["worker_*"]
    assert add(browser, EscalationRule, **{**rule, "name": "b", "repeat_minutes": "1"}).status_code == 200
    window = {"reason": "Move", "starts_at_0": "2027-01-02", "starts_at_1": "10:00", "ends_at_0": "2027-01-02",
              "ends_at_1": "12:00", "codes": "", "subjects": "w1, w2*"}  # fmt: skip
    assert add(browser, MaintenanceWindow, **window).status_code == 302
    assert MaintenanceWindow.objects.get().subjects == ["w1", "w2*"]
    assert add(browser, MaintenanceWindow, **{**window, "ends_at_1": "09:00"}).status_code == 200
    assert add(browser, AlertTemplate, code="worker_gone", title="{{ subject }}!", detail="").status_code == 302
    template = AlertTemplate.objects.get()
    page = browser.get(row_address(template)).content.decode()
    assert "subject!" in page
    for broken in ("{% nonsense %}", "{{ subject|add }}", "{% if %}"):
        answer = browser.post(row_address(template), {"code": "worker_gone", "title": broken, "detail": ""})
        assert answer.status_code == 200, broken
    for row in (template, MaintenanceWindow.objects.get(), EscalationRule.objects.get(), channel):
        assert browser.post(f"{row_address(row)[: -len('change/')]}delete/", {"post": "yes"}).status_code == 302
        assert not type(row).objects.exists()


def test_an_alarm_is_acknowledged_and_ended(browser, staff, channels):
    make_channel("ops")
    alert = fire("worker_gone", "w1")
    send_due()
    assert "Nothing" not in browser.get(action_address(alert, "acknowledge")).content.decode()
    browser.post(action_address(alert, "acknowledge"))
    alert.refresh_from_db()
    assert alert.acknowledged_by == staff
    browser.post(action_address(alert, "resolve"))
    send_due()
    assert channels.titles() == ["Worker w1 is gone", "Over: Worker w1 is gone"]
    codes = set(AuditEntry.objects.unscoped().values_list("code", flat=True))
    assert {"alert.acknowledged", "alert.resolved_by_hand"} <= codes
    again = browser.post(action_address(alert, "resolve"), follow=True).content.decode()
    assert "This alarm is over already." in again


def test_a_channel_is_tested_and_a_message_sent_again(browser, channels):
    channel = make_channel("ops", least_severity="critical")
    other = make_channel("other")
    browser.post(action_address(channel, "test"))
    send_due()
    assert [(one.channel, one.title) for one in channels.told] == [("ops", "Test of “ops”")]
    row = AlertDelivery.objects.get()
    browser.post(action_address(row, "send-again"))
    send_due()
    assert len(channels.titles("ops")) == 2
    assert channels.titles(other.name) == []


@pytest.mark.parametrize(("role", "may"), [("operations", True), ("support", False), ("finance", False)])
def test_operations_look_after_alarms(role, may, channels):
    alert = fire("worker_gone", "w1")
    somebody = client_of(staff_with(role))
    assert somebody.get(list_address(Alert)).status_code == 200
    assert somebody.post(action_address(alert, "acknowledge")).status_code == (302 if may else 403)
    assert somebody.get(f"{list_address(AlertChannel)}add/").status_code == (200 if may else 403)


def test_lists_are_found_by_filters(browser, channels):
    make_channel("ops")
    fire("worker_gone", "w1")
    fire("job_late", "pulse")
    for query, titles in (("state=open", 2), ("state=over", 0), ("code=job_late", 1), ("severity__exact=critical", 1)):
        page = browser.get(f"{list_address(Alert)}?{query}")
        assert len(page.context["cl"].result_list) == titles, query
    found = browser.get(f"{list_address(Alert)}?q=pulse")
    assert [row.subject for row in found.context["cl"].result_list] == ["pulse"]
