"""The mail of a demo, read in the browser; and that nobody reads it anywhere else."""

import re
from typing import Any

import pytest
from django.test import Client

from apps.integrations.mail.services import queue_mail
from apps.integrations.models import MailMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail(tmp_path: Any, settings: Any) -> MailMessage:
    folder = tmp_path / "templates" / "emails"
    folder.mkdir(parents=True)
    (folder / "welcome.subject.txt").write_text("Welcome {{ name }}")
    (folder / "welcome.txt").write_text("Hello {{ name }}\nhttps://levqor.example/verify?a=1&b=2")
    (folder / "welcome.html").write_text(
        '{% extends "emails/base.html" %}{% block body %}<script>alert(1)</script>{{ name }}'
        '{% include "emails/_button.html" with url="https://levqor.example/verify" label="Verify" %}{% endblock %}'
    )
    engine = dict(settings.TEMPLATES[0])
    engine["DIRS"] = [*engine["DIRS"], tmp_path / "templates"]
    settings.TEMPLATES = [engine]
    return queue_mail("welcome", "ann@example.com", {"name": "<b>Ann</b>"}, idempotency_key="k")


def paths(mail: MailMessage) -> list[str]:
    base = f"/dev/mail/{mail.public_id}"
    return ["/dev/mail", base, f"{base}/html", f"{base}/raw"]


def policy(response: Any) -> dict[str, str]:
    """A Content-Security-Policy as {directive: sources}."""
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: sources for name, _space, sources in parts if name}


def test_the_list_shows_the_mail(client: Client, mail: MailMessage) -> None:
    page = client.get("/dev/mail").content.decode()
    assert f'href="/dev/mail/{mail.public_id}"' in page
    assert "ann@example.com" in page
    assert "&lt;b&gt;Ann&lt;/b&gt;" in page
    assert "<b>Ann</b>" not in page


def test_the_list_can_be_narrowed_and_paged(client: Client, mail: MailMessage) -> None:
    other = queue_mail("welcome", "bob@example.com", {"name": "Bob"}, idempotency_key="l")
    narrowed = client.get("/dev/mail?to=bob").content.decode()
    assert other.public_id in narrowed
    assert mail.public_id not in narrowed
    first = client.get("/dev/mail?limit=1").content.decode()
    assert mail.public_id not in first
    cursor = re.search(r"cursor=([\w-]+)", first)
    assert cursor
    assert mail.public_id in client.get(f"/dev/mail?limit=1&cursor={cursor[1]}").content.decode()


def test_an_empty_list_says_what_to_do(client: Client) -> None:
    assert "No mail yet" in client.get("/dev/mail").content.decode()
    assert "No mail to this address" in client.get("/dev/mail?to=x").content.decode()


def test_a_mail_is_shown_in_a_sandbox(client: Client, mail: MailMessage) -> None:
    response = client.get(f"/dev/mail/{mail.public_id}")
    page = response.content.decode()
    assert f'<iframe class="mail-frame" src="/dev/mail/{mail.public_id}/html" sandbox="allow-top-navigation' in page
    assert 'href="https://levqor.example/verify?a=1&amp;b=2"' in page
    assert "<script>alert" not in page
    assert policy(response)["frame-src"] == "'self'"
    assert "'unsafe-inline'" not in policy(response)["style-src"]


def test_its_html_runs_nothing_and_is_framed_by_us_alone(client: Client, mail: MailMessage) -> None:
    response = client.get(f"/dev/mail/{mail.public_id}/html")
    rules = policy(response)
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert rules["frame-ancestors"] == "'self'"
    assert rules["sandbox"] == "allow-top-navigation-by-user-activation"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert '<base target="_top">' in response.content.decode()


def test_the_raw_mail_is_plain_text(client: Client, mail: MailMessage) -> None:
    response = client.get(f"/dev/mail/{mail.public_id}/raw")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert f"Message-ID: <{mail.public_id}@".encode() in response.content


@pytest.mark.parametrize(("demo", "kind"), [(False, "file"), (True, "resend"), (True, "console")])
def test_elsewhere_there_is_no_such_page(
    client: Client, mail: MailMessage, settings: Any, demo: bool, kind: str
) -> None:
    assert [client.get(path).status_code for path in paths(mail)] == [200] * 4
    settings.DEMO, settings.MAIL_TRANSPORT = demo, kind
    assert [client.get(path).status_code for path in paths(mail)] == [404] * 4


@pytest.mark.parametrize("wrong", ["mail_01kkkkkkkkkkkkkkkkkkkkkkkk", "nonsense", "run_01m7vv2xh0e14avfxr5vk977ya"])
def test_unknown_mail(client: Client, wrong: str) -> None:
    assert [client.get(f"/dev/mail/{wrong}{part}").status_code for part in ("", "/html", "/raw")] == [404] * 3


def test_it_is_for_reading_only(client: Client, mail: MailMessage) -> None:
    assert [client.post(path).status_code for path in paths(mail)] == [405] * 4


def test_the_list_costs_the_same_for_many_mails(
    client: Client, mail: MailMessage, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        queue_mail("welcome", "bob@example.com", {"name": "Bob"}, idempotency_key=str(number))
    with django_assert_max_num_queries(1):
        client.get("/dev/mail?limit=30")
