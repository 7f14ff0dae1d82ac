"""What an address of apprise may ask for: where it goes and how loud it is, never for what lies elsewhere."""

import json
import subprocess
import sys

import pytest
from apprise import AppriseAttachment
from apprise.attachment.file import AttachFile
from apprise.attachment.http import AttachHTTP
from apprise.plugins.discord import NotifyDiscord

from apps.notifications.channels import ChannelError, deliver, refusal_of
from apps.notifications.channels.services import MAY_SAY, SERVICES
from tests.common.loopback import LoopbackServer, answer
from tests.common.surroundings import bare_environment

DISCORD = f"discord://{'1' * 24}/{'a' * 64}/"
TELEGRAM = "tgram://123456789:abcdefghijklmnop_qrstuvwxyzABCDEFGH/-1001234/"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
TEAMS = f"workflows://host.example.com/{'a' * 32}/{'b' * 43}/"


@pytest.fixture
def public(settings, monkeypatch):
    server = LoopbackServer()
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
    monkeypatch.setattr(NotifyDiscord, "notify_url", f"{server.url}/hooks")
    server.script = lambda _request: answer(204, b"")
    yield server
    server.stop()


@pytest.fixture
def private():
    server = LoopbackServer()
    server.script = lambda _request: answer(200, b'{"content": "inner"}')
    yield server
    server.stop()


@pytest.mark.parametrize("key", ["template", "TEMPLATE", " template", "%74emplate"])
def test_an_address_can_t_have_us_read_what_lies_elsewhere(public, private, tmp_path, key):
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"content": "inner"}))
    for where in (f"http%3A%2F%2F127.0.0.1%3A{private.port}%2Fx", f"file%3A%2F%2F{file}"):
        for mark in ("?", "?thread=1&", "?thread=1;"):
            url = f"{DISCORD}{mark}{key}={where}"
            assert "botname, ping, thread" in refusal_of(url)
            with pytest.raises(ChannelError) as caught:  # a row may be older than the rule
                deliver(url, "Title", "Body", "critical", False)
            assert caught.value.permanent
    assert (public.requests, private.requests) == ([], [])


@pytest.mark.parametrize(
    "url",
    [f"{TELEGRAM}?template=x", f"{SLACK}?template=x", f"{TEAMS}?template=x", f"{DISCORD}?:token=x",
     "ntfys://ntfy.example.com/ops?attach=http://127.0.0.1/", "ntfys://ntfy.example.com/ops?email=bob@example.com",
     "jsons://example.com/x?method=DELETE", "jsons://example.com/x?verify=no", "jsons://example.com/x?redirect=yes",
     "mmosts://example.com/abcdef?port=1", f"{TELEGRAM}?image=yes", f"{TELEGRAM}?retry=5", f"{TELEGRAM}?rto=900",
     f"opsgenie://{'a' * 36}/?action=close"],
)  # fmt: skip
def test_what_no_service_needs_is_refused(url):
    assert "after “?”" in refusal_of(url)


@pytest.mark.parametrize(
    "url",
    [DISCORD, f"{DISCORD}?thread=123&ping=@here", f"{TELEGRAM}?topic=7&silent=yes", f"{SLACK}?to=%23ops",
     f"{TEAMS}?ver=2016-06-01", "ntfys://ntfy.example.com/ops?priority=high&tags=computer", "ntfys://topic?mode=cloud",
     "jsons://example.com/x?+X-Key=abc&:message=text&-team=1", f"gotifys://example.com/{'a' * 15}?priority=8",
     f"opsgenie://{'a' * 36}/?region=eu"],
)  # fmt: skip
def test_what_a_service_needs_is_taken(url):
    assert refusal_of(url) == ""


def test_nothing_is_attached_whoever_asks(private, tmp_path):
    file = tmp_path / "file.json"
    file.write_text("{}")
    assert refusal_of(DISCORD) == ""
    for url in (f"file://{file}", f"http://127.0.0.1:{private.port}/x", str(file)):
        found = AppriseAttachment()
        assert not found.add(url)
        assert len(found) == 0
    assert not AttachFile(str(file)).download()
    assert not AttachHTTP(host="127.0.0.1", port=private.port, schema="http", fullpath="/x").download()
    assert private.requests == []


@pytest.mark.parametrize(
    "url",
    ["http://h\r\nx/", "https://example.com/\x00", "jsons://example.com/\x1bx", "mailto:a\n@b.co",
     "https://example.com/\u2028", f"{DISCORD}\t"],
)  # fmt: skip
def test_control_characters_are_no_part_of_an_address(url):
    assert "control characters" in refusal_of(url)
    with pytest.raises(ChannelError) as caught:
        deliver(url, "Title", "Body", "critical", False)
    assert caught.value.permanent


def test_each_service_has_its_list():
    assert set(MAY_SAY) == set(SERVICES)


WATCHDOG = """
import sys, levqor.watchdog as module
set_up = module.set_up
def patched():
    set_up()
    from apps.monitoring.watchdog.watching import Watchdog
    Watchdog.run = lambda self: print("apprise" in sys.modules)
module.set_up = patched
module.main()
"""


@pytest.mark.parametrize(
    ("code", "loaded"),
    [("import django, sys; django.setup(); import levqor.urls; print('apprise' in sys.modules)", False),
     (WATCHDOG, True)],  # the disk may be what it has to alarm about
    ids=["web", "watchdog"],
)  # fmt: skip
def test_apprise_is_loaded_by_who_can_t_wait_for_it_alone(tmp_path, code, loaded):
    environment = bare_environment(DJANGO_SETTINGS_MODULE="levqor.settings.local", LEVQOR_VAR=str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip().endswith(str(loaded))
