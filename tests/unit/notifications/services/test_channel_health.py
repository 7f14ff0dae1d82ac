"""The alarm about a channel ends once there is nothing left that fails."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.events import deliver_due
from apps.integrations.mail import transport
from apps.integrations.mail.delivery import send_due as send_mail
from apps.integrations.mail.outcomes import note_outcome
from apps.integrations.mail.transport import TransportError
from apps.integrations.models import MailMessage
from apps.notifications.channels import ChannelError
from apps.notifications.models import Alert, AlertChannel
from apps.notifications.routing import of_url
from apps.notifications.services.alerts import fire
from apps.notifications.services.channel_health import fails, works
from apps.notifications.services.sending import send_due
from apps.notifications.services.testing import order_test
from apps.notifications.tasks import escalate_alerts, send_alerts
from tests.common.alarms import lose_key, make_channel
from tests.common.roles import client_of
from tests.common.staff import row_address

COMMON = {"kind": "webhook", "least_severity": "info", "rings_from": "warning", "codes": "", "enabled": "on"}
GONE = ChannelError("answered 404", permanent=True)


@pytest.fixture
def second(channels):
    return make_channel("second")


@pytest.fixture
def post(channels, monkeypatch):
    """A mail channel, and how its mail ends."""
    ends = []

    def send(row):
        if ends:
            raise ends.pop()
        return "vendor-1"

    monkeypatch.setattr(transport, "send", send)
    make_channel("post", kind="mail", url="mailto:post@example.com")
    return ends


def open_about():
    return list(Alert.objects.filter(code="alert_channel_failing", resolved_at=None).values_list("subject", flat=True))


def save(staff, channel, **fields):
    assert client_of(staff).post(row_address(channel), {"name": channel.name, **COMMON, **fields}).status_code == 302


def fail(channels, *names):
    channels.ends = lambda url: GONE if url.rsplit("/", 1)[-1] in names else None
    fire("worker_gone", f"w{Alert.objects.count()}")
    send_due()
    escalate_alerts()
    assert open_about() == list(names)


def test_an_address_that_staff_enter_anew_ends_it(ops, second, channels, staff):
    lose_key(ops)
    escalate_alerts()
    assert open_about() == ["ops"]
    save(staff, ops, hook="https://alarms.test/ops")
    escalate_alerts()
    send_due()
    assert open_about() == []
    assert channels.titles("second")[-1] == "Over: Alarm channel “ops” does not take alarms"


def test_it_goes_on_while_the_channel_fails(ops, second, channels, staff):
    fail(channels, "ops")
    save(staff, ops, least_severity="warning")
    escalate_alerts()
    assert open_about() == ["ops"]


@pytest.mark.parametrize("what", ["off", "renamed", "deleted", "another address"])
def test_it_ends_with_the_channel(ops, second, channels, staff, what):
    fail(channels, "ops")
    if what == "off":
        save(staff, ops, enabled="")
    elif what == "renamed":
        save(staff, ops, name="Night")
    elif what == "another address":
        save(staff, ops, hook="https://alarms.test/new")
    else:
        page = f"{row_address(ops)[: -len('change/')]}delete/"
        assert client_of(staff).post(page, {"post": "yes"}).status_code == 302
    escalate_alerts()
    assert open_about() == []


@pytest.mark.parametrize("gone", [False, True])
def test_one_of_the_environment_fails_until_it_takes_something_or_is_gone(second, channels, settings, gone):
    settings.ALERT_URLS = ["https://hooks.test/env"]
    route = of_url("https://hooks.test/env")
    fails(route, GONE, given_up=True)
    escalate_alerts()
    assert open_about() == [route.name]
    if gone:
        settings.ALERT_URLS = []
    else:
        works(route)
    escalate_alerts()
    assert open_about() == []


def mail_goes(clock):
    """What is due, through the outbox and back."""
    send_alerts()
    send_mail()
    send_alerts()
    deliver_due()
    clock.shift(1)
    escalate_alerts()


def refuse(post, clock):
    post.append(TransportError("no such domain", transient=False))
    fire("worker_gone", f"w{Alert.objects.count()}")
    mail_goes(clock)
    assert open_about() == ["post"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_mail_that_is_taken_ends_it(post, second, channels, clock, by_hand):
    refuse(post, clock)
    if by_hand:
        Alert.objects.filter(code="alert_channel_failing").update(resolved_at=now())
    order_test(AlertChannel.objects.get(name="post"))
    mail_goes(clock)
    assert open_about() == []
    assert AlertChannel.objects.get(name="post").failing_since is None


def test_where_the_vendor_tells_what_comes_back_it_ends_when_nothing_does(post, second, channels, clock, settings):
    settings.MAIL_TRANSPORT = "resend"
    refuse(post, clock)
    for ends in (False, True):
        order_test(AlertChannel.objects.get(name="post"))
        mail_goes(clock)
        assert open_about() == ["post"], "it may still come back"
        if not ends:
            note_outcome(MailMessage.objects.latest("pk"), "bounced")
            deliver_due()
        clock.shift(timedelta(minutes=10))
        escalate_alerts()
        assert open_about() == ([] if ends else ["post"])
    refuse(post, clock)
    order_test(AlertChannel.objects.get(name="post"))
    mail_goes(clock)
    note_outcome(MailMessage.objects.latest("pk"), "delivered")
    escalate_alerts()
    assert open_about() == [], "the vendor says so"


def test_a_superuser_s_ends_too(channels, clock, monkeypatch):
    User.objects.create_superuser("ann@example.com")
    monkeypatch.setattr(transport, "send", lambda row: "vendor-1")
    fire("worker_gone", "w1")
    mail_goes(clock)
    note_outcome(MailMessage.objects.get(), "bounced")
    mail_goes(clock)
    assert open_about() == ["ann@example.com"]
    fire("worker_gone", "w2")
    mail_goes(clock)
    assert open_about() == []
