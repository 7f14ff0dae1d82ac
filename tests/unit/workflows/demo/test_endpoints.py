"""The demo's services fail on purpose: that is no error in the platform's log."""

import pytest
from django.test import Client
from structlog.testing import capture_logs


@pytest.mark.django_db
def test_what_fails_on_purpose_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as told:
        answer = Client().post("/demo/customers/5/notify")
    assert answer.status_code == 503
    assert [(entry["log_level"], entry["path"]) for entry in told] == [("info", "/demo/customers/5/notify")]
    assert not [record for record in caplog.records if record.name == "django.request"]
