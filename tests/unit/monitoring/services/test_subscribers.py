"""Mail about incidents: asked twice, once each, left with one click."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.core.clock import now
from apps.integrations.errors import InvalidRecipientError
from apps.integrations.models import MailMessage
from apps.monitoring.models import IncidentUpdate, StatusSubscriber
from apps.monitoring.services import incidents, subscribers
from apps.monitoring.services.subscribers import CONFIRM, LEAVE, mail_updates, token

pytestmark = pytest.mark.django_db
ADDRESS = "ann@example.com"


def confirmed(email: str = ADDRESS) -> StatusSubscriber:
    return StatusSubscriber.objects.create(email=email, confirmed_at=now())


def test_from_asking_to_leaving(client):
    assert client.post("/status/subscribe", {"email": "Ann@Example.com "}).status_code == 302
    mail = MailMessage.objects.get()
    link = next(line for line in mail.text.splitlines() if "/status/confirm/" in line)
    path = link[link.index("/status/") :].strip()
    assert b"<button" in client.get(path).content
    assert StatusSubscriber.objects.get().confirmed_at is None, "who only opens a link has confirmed nothing"
    assert b"You are subscribed" in client.post(path).content
    again = client.get(path).content
    assert b"You get this mail already" in again
    assert b"<button class" not in again[again.index(b"<main") : again.index(b"</main>")]
    incidents.open_incident("Slow", "We look.", {})
    assert mail_updates() == 1
    told = MailMessage.objects.exclude(pk=mail.pk).get()
    assert told.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = told.headers["List-Unsubscribe"].strip("<>")
    path = leave[leave.index("/status/") :]
    assert leave in told.text
    strict = Client(enforce_csrf_checks=True)  # a mail program has no cookie of ours
    assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not StatusSubscriber.objects.exists()
    assert strict.post(path).status_code == 200, "twice is fine"


def test_nobody_learns_who_subscribed(client):
    confirmed()
    known = client.post("/status/subscribe", {"email": ADDRESS}, follow=True)
    stranger = client.post("/status/subscribe", {"email": "bob@example.com"}, follow=True)
    assert known.status_code == stranger.status_code == 200
    assert known.redirect_chain == stranger.redirect_chain
    assert MailMessage.objects.get().to == "bob@example.com"


def test_an_address_is_asked_once_a_day():
    for hours in (0, 1, 23):
        with time_machine.travel(now() + timedelta(hours=hours), tick=False):
            subscribers.subscribe(ADDRESS)
    assert MailMessage.objects.count() == 1
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        subscribers.subscribe(ADDRESS)
    assert MailMessage.objects.count() == 2


def test_one_caller_can_ask_for_few_addresses(client):
    answers = [
        client.post("/status/subscribe", {"email": f"a{number}@example.com"}).status_code for number in range(12)
    ]
    assert answers.count(302) == 10
    assert answers[-1] == 429


def test_what_is_no_address_counts_too(client):
    answers = [client.post("/status/subscribe", {"email": "a@com。.com"}).status_code for _number in range(12)]
    assert answers == [422] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("ann+1@example.com", ["ann+2@example.com", "ann@example.com", "ANN+@example.com", "ann+1+2@example.com"]),
        ("ann@gmail.com", ["a.n.n@gmail.com", "an.n+x@googlemail.com"]),
        ("ann@exämple.com", ["ann@xn--exmple-cua.com", "ann@ｅxämple.com"]),
    ],
)
def test_one_person_is_asked_once_a_day_by_whatever_name(client, first, others):
    answers = {client.post("/status/subscribe", {"email": email}).headers["Location"] for email in (first, *others)}
    assert answers == {"/status/subscribed"}, "whoever asks learns nothing"
    assert MailMessage.objects.count() == StatusSubscriber.objects.count() == 1
    for email in ("ann2@example.com", "an@example.com", "ann@example.org"):
        subscribers.subscribe(email)
    assert MailMessage.objects.count() == 4
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        subscribers.subscribe(others[0])
        subscribers.subscribe(first)
    assert MailMessage.objects.count() == 5


def test_an_hour_has_an_end_to_its_mail(client, monkeypatch):
    monkeypatch.setattr(subscribers, "MOST_ASKED_AN_HOUR", 3)
    for number in range(5):
        answer = client.post("/status/subscribe", {"email": f"a{number}@example.com"})
        assert answer.headers["Location"] == "/status/subscribed"
    assert MailMessage.objects.count() == StatusSubscriber.objects.count() == 3
    with time_machine.travel(now() + timedelta(minutes=61), tick=False):
        subscribers.subscribe("a4@example.com")
    assert MailMessage.objects.count() == 4


@pytest.mark.parametrize(
    "email",
    [
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@localhost",
        "a@10.0.0.10",
        '"ann"@example.com',
        '"a b"@example.com',
        "a",
        "a@x",
        f"a@{'ä.' * 110}com",  # longer than a row takes, as the DNS spells it
        f"a@{'ü' * 63}.com",  # longer than a part of a name, as the DNS spells it
        "a@\u00ad.com",  # a part of nothing
        "a@com。.com",
    ],
)
def test_an_address_has_a_name_in_the_dns(client, email):
    answer = client.post("/status/subscribe", {"email": email})
    assert answer.status_code == 422
    assert answer.context["form"].errors["email"]
    with pytest.raises(InvalidRecipientError):
        subscribers.subscribe(email)
    assert not StatusSubscriber.objects.exists()


def test_links_are_good_for_one_thing_alone(client):
    subscriber = StatusSubscriber.objects.create(email=ADDRESS)
    for wrong in (token(subscriber, LEAVE), "abc", token(subscriber, CONFIRM)[:-2]):
        for page in (f"/status/confirm/{wrong}", f"/status/unsubscribe/x{wrong}"):
            refused = client.get(page)
            assert refused.status_code == 404
            told = refused.content.decode().partition("<main")[2].partition("</main>")[0]
            assert "not good any more" in told
            assert 'href="/status"' in told
        assert client.post(f"/status/confirm/{wrong}").status_code == 404
    with time_machine.travel(now() + timedelta(days=4), tick=False):
        assert client.post(f"/status/confirm/{token(subscriber, CONFIRM)}").status_code == 200
    late = token(subscriber, CONFIRM)
    with time_machine.travel(now() + timedelta(days=4), tick=False):
        assert client.get(f"/status/confirm/{late}").status_code == 404


def test_everybody_gets_each_update_once_however_often_it_is_begun(monkeypatch):
    monkeypatch.setattr(subscribers, "BATCH", 3)
    for number in range(7):
        confirmed(f"a{number}@example.com")
    StatusSubscriber.objects.create(email="asked@example.com")
    incident = incidents.open_incident("Slow", "We look.", {})
    incidents.post_update(incident, "resolved", "Over.")
    with monkeypatch.context() as patch:
        patch.setattr(subscribers, "MOST_AT_ONCE", 4)
        assert mail_updates() >= 4
    while mail_updates():
        pass
    assert MailMessage.objects.filter(template="status/update").count() == 14
    IncidentUpdate.objects.update(mailed_at=None, mailed_to=None)  # a worker was killed before it could say so
    mail_updates()
    assert MailMessage.objects.filter(template="status/update").count() == 14


def test_that_maintenance_is_cancelled_is_mailed_once():
    confirmed()
    starts = now() + timedelta(hours=1)
    work = incidents.announce_maintenance(
        "Disks", "New ones.", ["api"], starts_at=starts, ends_at=starts + timedelta(hours=1)
    )
    incidents.cancel_maintenance(work, "They are fine.")
    for hours in (0, 1.5, 2.5):
        with time_machine.travel(now() + timedelta(hours=hours), tick=False):
            incidents.advance_maintenance()
            mail_updates()
    assert list(MailMessage.objects.order_by("pk").values_list("subject", flat=True)) == [
        "[Scheduled] Disks",
        "[Cancelled] Disks",
    ]


def test_who_subscribes_later_and_what_is_old_is_left_out():
    incidents.open_incident("Slow", "We look.", {})
    with time_machine.travel(now() + timedelta(minutes=1), tick=False):
        confirmed()
        assert mail_updates() == 0
        incidents.open_incident("Again", "We look.", {})
    with time_machine.travel(now() + timedelta(days=2), tick=False):
        assert mail_updates() == 0
    assert not IncidentUpdate.objects.filter(mailed_at=None).exists()


def test_who_never_answers_is_forgotten():
    subscribers.subscribe(ADDRESS)
    confirmed("b@example.com")
    assert subscribers.forget_unconfirmed(now() + timedelta(days=8)) == 1
    assert StatusSubscriber.objects.get().email == "b@example.com"
