"""What `manage.py doctor` says about alarms."""

from datetime import timedelta

import pytest

from apps.core.clock import now
from apps.notifications.channels import ChannelError
from apps.notifications.health import alert_channels
from apps.notifications.models import AlertDelivery
from apps.notifications.services.alerts import fire
from apps.notifications.services.sending import send_due
from tests.common.alarms import make_channel


@pytest.mark.parametrize(("environment", "state"), [("local", "ok"), ("production", "warning")])
def test_none_is_set_up(db, settings, environment, state):
    settings.LEVQOR_ENV = environment
    assert alert_channels() == (state, "No alarm channel is set up: superusers get alarms by mail.")


def test_all_is_well(channels, settings):
    make_channel("ops")
    assert alert_channels() == ("ok", "Alarms go to 1 channel.")
    settings.ALERT_URLS = ["mailto:ops@example.com"]
    assert alert_channels() == ("ok", "Alarms go to 2 channels.")


def test_a_bad_address_is_told_by_its_place(db, settings):
    settings.ALERT_URLS = ["mailto:ops@example.com", "tgram://secret-part"]
    state, text = alert_channels()
    assert (state, text) == ("failed", "Address 2 of ALERT_URLS: the tgram:// address is not complete.")


def test_what_did_not_arrive_is_told(channels):
    make_channel("ops")
    channels.ends = lambda url: ChannelError("answered 404", permanent=True)
    fire("worker_gone", "w1")
    send_due()
    assert alert_channels() == ("failed", "1 alarm of the last day did not reach its channel.")


def test_what_waits_too_long_is_told(channels):
    make_channel("ops")
    fire("worker_gone", "w1")
    assert alert_channels()[0] == "ok"
    AlertDelivery.objects.update(due_at=now() - timedelta(minutes=6))
    assert alert_channels() == ("failed", "1 alarm waits for more than five minutes: is a worker running?")


def test_what_stays_in_the_mail_outbox_is_told_too(channels):
    make_channel("ops", kind="mail", url="mailto:ops@example.com")
    fire("worker_gone", "w1")
    send_due()
    assert alert_channels()[0] == "ok"
    AlertDelivery.objects.update(due_at=now() - timedelta(minutes=6))
    assert alert_channels() == ("failed", "1 alarm waits for more than five minutes: is a worker running?")
