"""Alarms by mail: in the outbox they are not sent yet, and one that dies there or comes back is told by the others."""

from unittest.mock import patch

import pytest

from apps.accounts.models import User
from apps.core.events import deliver_due
from apps.core.models import EventDelivery
from apps.integrations.mail import transport
from apps.integrations.mail.delivery import send_due as send_mail
from apps.integrations.mail.outcomes import note_outcome
from apps.integrations.mail.services import queue_mail
from apps.integrations.mail.transport import TransportError
from apps.integrations.models import MailMessage
from apps.notifications.handlers import note_lost_alarm
from apps.notifications.models import Alert, AlertDelivery
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.mailed import look_at_mail
from apps.notifications.services.sending import resend, send_due
from apps.notifications.tasks import send_alerts
from tests.common.alarms import make_channel

State = AlertDelivery.State
REFUSED = "the mail ended as “failed”: no such domain"


@pytest.fixture
def post(db):
    """The transport: refuses the addresses in it, takes all others."""
    refused = set()

    def send(row):
        if row.to in refused:
            raise TransportError("no such domain", transient=False)
        return "vendor-1"

    with patch.object(transport, "send", send):
        yield refused


def mail_channel(name, **fields):
    return make_channel(name, kind="mail", url=f"mailto:{name}@example.com", shown_url=name, **fields)


def all_goes():
    """Alarms, mail, events, and what mail says of alarms, until nothing is left to do."""
    for _round in range(6):
        send_alerts()
        send_mail()
        deliver_due()


def delivery(channel="post", code="worker_gone"):
    return AlertDelivery.objects.filter(channel_name=channel, alert__code=code).latest("pk")


def test_it_is_sent_once_the_outbox_says_so(channels, post):
    mail_channel("post")
    fire("worker_gone", "w1")
    send_alerts()
    assert (delivery().state, delivery().sent_at) == (State.POSTED, None)
    send_mail()
    send_alerts()
    mail = MailMessage.objects.get()
    assert (delivery().state, delivery().sent_at) == (State.SENT, mail.sent_at)
    assert not Alert.objects.filter(code="alert_channel_failing").exists()


def test_one_that_is_refused_for_good_is_told_by_the_others(channels, post):
    channel = mail_channel("post")
    make_channel("second")
    post.add("post@example.com")
    fire("worker_gone", "w1")
    all_goes()
    assert (delivery().state, delivery().last_error, delivery().sent_at) == (State.DEAD, REFUSED, None)
    assert channels.titles("second") == ["Worker w1 is gone", "Alarm channel “post” does not take alarms"]
    channel.refresh_from_db()
    assert channel.failing_since is not None
    assert channel.last_error == REFUSED


def test_one_that_comes_back_after_it_was_sent_is_told_too_and_once(channels, post):
    mail_channel("post")
    make_channel("second")
    fire("worker_gone", "w1")
    all_goes()
    assert delivery().state == State.SENT
    note_outcome(MailMessage.objects.get(), "bounced", reason="no such mailbox")
    all_goes()
    told = ["Worker w1 is gone", "Alarm channel “post” does not take alarms"]
    assert (delivery().state, channels.titles("second")) == (State.DEAD, told)
    event = EventDelivery.objects.get(handler__contains="note_lost_alarm").event
    note_lost_alarm(event)
    assert Alert.objects.get(code="alert_channel_failing").times == 1
    resolve("worker_gone", "w1")
    all_goes()
    assert not AlertDelivery.objects.filter(channel_name="post", kind="resolved").exists(), "it never heard of it"


def test_of_one_that_may_have_arrived_the_end_is_told(channels, post):
    mail_channel("post")
    fire("worker_gone", "w1")
    all_goes()
    note_outcome(MailMessage.objects.get(), "complained")
    all_goes()
    assert (delivery().state, delivery().uncertain) == (State.DEAD, True)
    resolve("worker_gone", "w1")
    assert delivery().kind == "resolved"


def test_it_is_seen_without_the_event_too(channels, post):
    mail_channel("post")
    post.add("post@example.com")
    fire("worker_gone", "w1")
    send_due()
    send_mail()
    EventDelivery.objects.all().delete()  # such as those that old processes did not make
    assert (look_at_mail(), look_at_mail()) == (1, 0)
    assert delivery().state == State.DEAD
    assert Alert.objects.filter(code="alert_channel_failing", subject="post").count() == 1


def test_without_channels_the_other_superusers_hear_of_it(channels, post):
    for name in ("ann", "bob"):
        User.objects.create_superuser(f"{name}@example.com")
    post.add("ann@example.com")
    fire("worker_gone", "w1")
    all_goes()
    assert [mail.subject for mail in MailMessage.objects.filter(to="bob@example.com").order_by("pk")] == [
        "🔴 Worker w1 is gone",
        "🟠 Alarm channel “ann@example.com” does not take alarms",
    ]


def test_of_the_only_channel_superusers_hear(channels, post):
    User.objects.create_superuser("root@example.com")
    mail_channel("post")
    post.add("post@example.com")
    fire("worker_gone", "w1")
    all_goes()
    subjects = MailMessage.objects.filter(to="root@example.com").values_list("subject", flat=True)
    assert list(subjects) == ["🟠 Alarm channel “post” does not take alarms"]


def test_broken_mail_channels_do_not_write_of_each_other_for_ever(channels, post):
    for name in ("one", "two"):
        mail_channel(name)
        post.add(f"{name}@example.com")
    fire("worker_gone", "w1")
    all_goes()
    count = MailMessage.objects.count()
    assert count == 4, "the alarm to each, and of each to the other"
    all_goes()
    assert MailMessage.objects.count() == count
    assert sorted(Alert.objects.values_list("code", "subject", "episode")) == [
        ("alert_channel_failing", "one", 1), ("alert_channel_failing", "two", 1), ("worker_gone", "w1", 1),
    ]  # fmt: skip


def test_what_is_gone_or_was_sent_again_since_is_left_alone(channels, post):
    channel = mail_channel("post")
    fire("worker_gone", "w1")
    all_goes()
    first = MailMessage.objects.get()
    resend(delivery())
    note_outcome(first, "bounced")
    all_goes()
    assert (delivery().state, delivery().resent) == (State.SENT, 1)
    channel.delete()
    note_outcome(MailMessage.objects.exclude(pk=first.pk).get(), "bounced")
    all_goes()
    assert delivery().state == State.DEAD
    note_outcome(queue_mail("notifications/alert", "x@example.com", {}, idempotency_key="alert:ring_gone"), "bounced")
    AlertDelivery.objects.all().delete()
    EventDelivery.objects.update(state="pending", attempts=0)
    deliver_due()
    assert not Alert.objects.filter(code="alert_channel_failing").exists()


def test_other_mail_is_none_of_it(channels, post):
    mail = queue_mail("notifications/notice", "x@example.com", {}, idempotency_key="notice:1")
    note_outcome(mail, "bounced")
    assert not EventDelivery.objects.filter(handler__contains="note_lost_alarm").exists()


def test_an_address_that_is_none_is_given_up_at_once(channels, post, caplog):
    make_channel("second")
    make_channel("post", kind="mail", url="mailto:nobody")
    fire("worker_gone", "w1")
    send_due()
    send_due()
    assert (delivery().state, delivery().attempts) == (State.DEAD, 1)
    assert channels.titles("second")[1:] == ["Alarm channel “post” does not take alarms"]
