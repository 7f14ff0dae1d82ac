"""Mails of workflows: rendered with what the handlers and the email step give them."""

import pytest

from apps.integrations.mail.rendering import render

pytestmark = pytest.mark.django_db

RUN = "run_01m7vv2xh0e14avfxr5vk977ya"
URL = f"https://levqor.example/runs/{RUN}?organization=org_1"


def test_a_failed_run() -> None:
    error = {"step": "fetch", "message": "It's <down>"}
    mail = render(
        "run_failed",
        {"workflow_name": "R&D", "run_id": RUN, "error": error, "run_url": URL, "quiet_minutes": 60},
    )
    assert mail.subject == "R&D failed"
    for part in ("Step: fetch", "It's <down>", URL, "within 60 minutes"):
        assert part in mail.text
    assert "It&#x27;s &lt;down&gt;" in mail.html
    assert "R&amp;D failed" in mail.html


def test_a_failed_run_without_a_step() -> None:
    context = {"workflow_name": "X", "run_id": RUN, "error": {}, "run_url": URL, "quiet_minutes": 60}
    assert "Step:" not in render("run_failed", context).text


def test_an_approval() -> None:
    mail = render(
        "approval_requested", {"workflow_name": "Ship", "run_id": RUN, "message": "Ship <it>?\nNow?", "run_url": URL}
    )
    assert mail.subject == "Ship waits for your answer"
    assert "Ship <it>?\nNow?" in mail.text
    assert "Ship &lt;it&gt;?" in mail.html
    assert URL in mail.text


def test_a_step_sends_what_it_was_given() -> None:
    mail = render(
        "workflow_step",
        {"subject": "Orders & more", "text": "One\n\n<b>two</b>", "workflow_name": "Digest", "run_id": RUN},
    )
    assert mail.subject == "Orders & more"
    assert mail.text.startswith("One\n\n<b>two</b>")
    assert "<p>&lt;b&gt;two&lt;/b&gt;</p>" in mail.html
    assert "Sent by the workflow Digest" in mail.text
