"""What goes over the wire to each kind of channel, and what its answers are taken for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram
from standardwebhooks import Webhook

from apps.notifications.channels import ChannelError, deliver, masked, refusal_of
from apps.notifications.channels.services import SERVICES
from levqor.env import ALERT_SCHEMES
from tests.common.loopback import LoopbackServer, answer

SECRET = "whsec_" + "QUJD" * 12
TELEGRAM = "tgram://123456789:abcdefghijklmnop_qrstuvwxyzABCDEFGH/-1001234/"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/"
BOT = "slack://xoxb-1234567890-1234567890-abcdefghijklmnopqrstuvwx/%23ops/"
TITLE, BODY = "Worker <w1> & co", "Since *nine*.\nhttp://127.0.0.1/admin/?a=1&b=2"


@pytest.fixture
def server(settings, monkeypatch) -> Iterator[LoopbackServer]:
    server = LoopbackServer()
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{server.url}/bot")
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{server.url}/services")
    monkeypatch.setattr(NotifySlack, "api_url", f"{server.url}/api/{{}}")
    yield server
    server.stop()


def answers(server: LoopbackServer, status: int, body: Any = b"", **headers: str) -> None:
    server.script = lambda _request: answer(
        status, body if isinstance(body, bytes) else json.dumps(body).encode(), **headers
    )


def tell(url: str, **more: Any) -> None:
    deliver(url, TITLE, BODY, "critical", more.pop("silent", False), **more)


def refused(url: str) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        tell(url)
    return caught.value


def test_telegram(server):
    answers(server, 200, {"ok": True, "result": {}})
    tell(TELEGRAM, silent=True)
    [request] = server.requests
    assert (request.method, request.path) == (
        "POST", "/bot123456789:abcdefghijklmnop_qrstuvwxyzABCDEFGH/sendMessage"
    )  # fmt: skip
    sent = json.loads(request.body)
    assert (sent["chat_id"], sent["disable_notification"], sent["parse_mode"]) == (-1001234, True, "HTML")
    assert "Worker &lt;w1&gt; &amp; co" in sent["text"]
    assert "Since *nine*." in sent["text"]
    tell(TELEGRAM)
    assert json.loads(server.requests[1].body)["disable_notification"] is False


def test_slack_by_webhook_and_by_bot(server):
    answers(server, 200, b"ok")
    tell(SLACK)
    [request] = server.requests
    assert request.path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    [part] = json.loads(request.body)["attachments"]
    assert part["title"] == "🔴 Worker &lt;w1&gt; &amp; co"
    answers(server, 200, {"ok": True})
    tell(BOT)
    assert server.requests[-1].path == "/api/chat.postMessage"
    assert server.requests[-1].header("authorization") == "Bearer xoxb-1234567890-1234567890-abcdefghijklmnopqrstuvwx"
    assert json.loads(server.requests[-1].body)["channel"] == "#ops"


def test_a_webhook_is_signed_and_names_the_repeat(server):
    url = f"{server.url}/hook?team=1"
    tell(f"{url}#{SECRET}", key="ring_1", data={"type": "alert.fired", "code": "worker_gone"}, silent=True)
    [request] = server.requests
    assert request.path == "/hook?team=1"
    headers = {name: request.header(name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    body = Webhook(SECRET).verify(request.body.decode(), headers)
    assert headers["webhook-id"] == "ring_1"
    assert body["type"] == "alert.fired"
    assert body["data"] == {
        "code": "worker_gone", "title": TITLE, "body": BODY, "severity": "critical", "silent": True
    }  # fmt: skip
    tell(url)
    assert server.requests[1].header("webhook-signature") is None


def test_plain_json(server):
    tell(f"json://127.0.0.1:{server.port}/in")
    sent = json.loads(server.requests[0].body)
    assert (sent["title"], sent["message"], sent["type"]) == (f"🔴 {TITLE}", BODY, "failure")


def test_mail(mailoutbox):
    tell("mailto:ops@example.com")
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [(["ops@example.com"], f"🔴 {TITLE}")]
    assert BODY in mailoutbox[0].body


def test_each_reader_has_a_mail_and_a_repeat_is_the_same(mailoutbox):
    for url in ("mailto:ops@example.com", "mailto:boss@example.com", "mailto:ops@example.com"):
        deliver(url, TITLE, BODY, "critical", False, key="one alarm")
    ops, boss, again = [mail.mail_id for mail in mailoutbox]
    assert ops == again != boss


@pytest.mark.parametrize("url", [TELEGRAM, SLACK, "json", "hook"])
@pytest.mark.parametrize(
    ("status", "permanent", "maybe_sent"),
    [(400, True, False), (401, True, False), (403, True, False), (404, True, False), (408, False, False),
     (429, False, False), (500, False, True), (503, False, True), (302, True, False)],
)  # fmt: skip
def test_what_an_answer_means(server, url, status, permanent, maybe_sent):
    url = {"json": f"json://127.0.0.1:{server.port}/in", "hook": f"{server.url}/hook"}.get(url, url)
    answers(server, status, {"ok": False, "description": "no such chat"}, location=f"{server.url}/elsewhere")
    error = refused(url)
    assert (error.permanent, error.maybe_sent) == (permanent, maybe_sent)
    assert str(error) == f"answered {status}: no such chat"
    assert len(server.requests) == 1  # no redirect is followed, nothing is repeated


def test_how_long_to_wait_is_heard(server):
    answers(server, 429, {"ok": False}, retry_after="17")
    assert refused(TELEGRAM).retry_after == 17


@pytest.mark.parametrize(("said", "permanent"), [("channel_not_found", True), ("internal_error", False)])
def test_slack_says_no_with_status_200(server, said, permanent):
    answers(server, 200, {"ok": False, "error": said})
    error = refused(BOT)
    assert (str(error), error.permanent) == (said, permanent)


def test_no_answer_may_mean_that_it_arrived(server):
    server.script = lambda _request: [b""]
    server.script = lambda _request: (_ for _ in ()).throw(OSError)
    error = refused(f"{server.url}/hook")
    assert (error.permanent, error.maybe_sent) == (False, True)
    server.stop()
    error = refused(f"{server.url}/hook")
    assert (error.permanent, error.maybe_sent) == (False, False)


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1:9/x", "http://10.0.0.1/x", "ntfy://[::1]/x", "json://169.254.169.254/x"]
)
def test_private_addresses_are_not_reached(settings, url):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    error = refused(url)
    assert error.permanent
    assert "not on the public Internet" in str(error)


def test_the_operator_s_own_addresses_may_be_private(server, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    for url in (f"json://127.0.0.1:{server.port}/in", f"{server.url}/hook"):
        assert refused(url).permanent
        settings.ALERT_URLS = [url]
        tell(url)
    assert len(server.requests) == 2


def test_an_address_can_t_make_us_wait_or_follow(server):
    for more in ("redirect=yes", "retry=5", "wait=9", "cto=900", "rto=900", "verify=no"):
        assert refused(f"json://127.0.0.1:{server.port}/in?{more}").permanent
    assert server.requests == []


def test_nothing_tells_a_key(server, caplog, capsys):
    caplog.set_level("DEBUG")
    answers(server, 401, {"ok": False, "description": "Unauthorized"})
    error = refused(TELEGRAM)
    shown = str(error) + repr(error) + caplog.text + "".join(capsys.readouterr()) + masked(TELEGRAM)
    assert "abcdefghijklmnop" not in shown


def test_long_words_are_cut(server):
    answers(server, 200, {"ok": True})
    deliver(TELEGRAM, "x" * 5_000, "<" * 20_000, "info", False)
    for request in server.requests:
        assert len(json.loads(request.body)["text"]) <= 4_096


@pytest.mark.parametrize(
    ("url", "good"),
    [(TELEGRAM, True), (SLACK, True), (BOT, True), ("tgram://short", False), ("mailto:ops@example.com", True),
     ("mailto:nobody", False), ("https://example.com/x#whsec_short", False), (f"https://example.com/x#{SECRET}", True),
     ("https://u:p@example.com/x", False), ("exec://rm", False), ("", False), ("json://", False)],
)  # fmt: skip
def test_addresses_are_looked_at_beforehand(url, good):
    assert (refusal_of(url) == "") is good


def test_settings_and_code_know_the_same_kinds():
    assert {"mailto", "http", "https", *SERVICES} == set(ALERT_SCHEMES)
