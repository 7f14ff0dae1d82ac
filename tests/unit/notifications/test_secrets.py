"""Known secrets are planted where alarms and notices come from, and looked for wherever they go."""

import pytest
from django.apps import apps as django_apps
from django.db.models import F, TextField
from django.db.models.functions import Cast

from apps.core.registry import contributed
from apps.integrations.models import MailMessage
from apps.notifications.channels import ChannelError
from apps.notifications.models import AlertTemplate
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.notices import notify
from apps.notifications.services.sending import send_due
from tests.common.alarms import WORKER, make_channel
from tests.common.loopback import LoopbackServer, answer

PLANTED = "sk_live_PLANTEDabcdefghijklmnopqrst"
SECRETS = (PLANTED, "PlantedPassword1", "planted-in-the-environment", "plantedchannelkey")


@pytest.fixture
def server(settings):
    server = LoopbackServer()
    server.script = lambda _request: answer(200)
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
    yield server
    server.stop()


def stored() -> str:
    """Everything that the rows of this app, and mail, hold in plain text."""
    found = []
    for model in [*django_apps.get_app_config("notifications").get_models(), MailMessage]:
        texts = {f"raw_{field.attname}": Cast(F(field.attname), TextField()) for field in model._meta.concrete_fields}
        found += [str(row) for row in model._base_manager.annotate(**texts).values(*texts)]
    return "\n".join(found)


def test_none_arrives_anywhere(channels, server, organization, owner, settings, caplog, capsys):
    caplog.set_level("DEBUG")
    settings.SECRET_KEY = "planted-in-the-environment"
    make_channel("ops", url=f"{server.url}/hook/plantedchannelkey#whsec_{'QUJD' * 12}")
    make_channel("gone", url="https://nowhere.invalid/plantedchannelkey")
    AlertTemplate.objects.create(code="job_late", title="{{ subject }} {{ note }} {{ password }}", detail="{{ error }}")
    data = {
        "since": f"nine, key {PLANTED}",
        "password": "PlantedPassword1",
        "note": "DB_PASSWORD=PlantedPassword1",
        "error": "refused: planted-in-the-environment",
        "nested": {"authorization": "PlantedPassword1", "list": [f"Bearer {PLANTED}"]},
    }
    channels.ends = lambda url: ChannelError("answered 401", permanent=True) if "gone" in url else None
    for code in ("worker_gone", "job_late"):
        fire(code, f"w1 {PLANTED}", data)
        send_due()
        resolve(code, f"w1 {PLANTED}")
        send_due()
    notify(organization, [owner], "run_failed", title=f"Failed {PLANTED}", body="password: PlantedPassword1",
           idempotency_key="a")  # fmt: skip
    told = repr([(one.title, one.body) for one in channels.told])
    assert "Worker w1" in told
    places = {"channels": told, "rows": stored(), "logs": caplog.text + "".join(capsys.readouterr())}
    for place, text in places.items():
        assert not [secret for secret in SECRETS if secret in text], place


def test_none_goes_over_the_wire(db, server):
    make_channel("ops", url=f"{server.url}/hook")
    with contributed(WORKER):
        fire("worker_gone", "w1", {"since": f"nine {PLANTED}", "api_key": "PlantedPassword1"})
        send_due()
    [request] = server.requests
    assert b"Worker w1" in request.body
    assert not [secret for secret in SECRETS if secret.encode() in request.body]
