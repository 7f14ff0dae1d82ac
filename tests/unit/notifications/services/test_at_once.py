"""Two processes that raise the same alarm at the same moment tell it once."""

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.notifications.models import Alert, AlertChannel, AlertDelivery, AlertTemplate, MaintenanceWindow
from apps.notifications.services.alerts import fire
from tests.common.alarms import make_channel
from tests.common.threads import run_in_threads, shared_database

TABLES = (User, Alert, AlertChannel, AlertDelivery, AlertTemplate, MaintenanceWindow)
SUBJECTS = [f"Pulse {number}" for number in range(15)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", ["report_made", "report_late"])
def test_they_make_one_alarm(code, channels, tmp_path: Path):
    def raise_each():
        for subject in SUBJECTS:
            fire(code, subject)

    def read():
        return sorted(Alert.objects.values_list("subject", "times")), AlertDelivery.objects.count()

    with shared_database(tmp_path, *TABLES):
        run_in_threads(lambda: make_channel("ops"))
        run_in_threads(raise_each, raise_each)
        ((found, told),) = run_in_threads(read)
    assert found == sorted((subject, 2) for subject in SUBJECTS)
    assert told == len(SUBJECTS)
