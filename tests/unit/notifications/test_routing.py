"""Where alarms go."""

import pytest

from apps.accounts.models import User
from apps.notifications.routing import matches, named, routes
from tests.common.alarms import make_channel

pytestmark = pytest.mark.django_db


def test_severity_and_type_decide_which_routes_take_an_alarm(settings):
    make_channel("ops", rings_from="critical")
    make_channel("jobs", codes=["job_*"])
    make_channel("grave", least_severity="critical")
    make_channel("boss", escalations_only=True)
    settings.ALERT_URLS = ["mailto:ops@example.com"]
    found = {(one.name, one.url, one.silent_for("warning")) for one in routes() if one.takes("warning", "worker_gone")}
    assert found == {
        ("ops", "https://alarms.test/ops", True),
        ("mailto:ops@example.com", "mailto:ops@example.com", False),
    }
    names = {one.name for one in routes() if one.takes("critical", "job_late")}
    assert names == {"ops", "jobs", "grave", "mailto:ops@example.com"}


def test_each_route_is_found_again_by_its_key(settings):
    User.objects.create_superuser("root@example.com")
    [staff] = routes()
    row = make_channel("ops")
    settings.ALERT_URLS = ["json://example.com/x"]
    for route in (staff, *routes()):
        assert named(route.key) == route
    key = row.public_id
    row.delete()
    settings.ALERT_URLS = []
    assert named(key) is None
    assert named("env_0") is None


@pytest.mark.parametrize(
    ("patterns", "text", "fits"),
    [(["job_*"], "job_late", True), (["job_late"], "job_late", True), (["job"], "job_late", False),
     (["*"], "x", True), ([], "x", False), (["a", "w*"], "w1", True)],
)  # fmt: skip
def test_patterns(patterns, text, fits):
    assert matches(patterns, text) is fits
