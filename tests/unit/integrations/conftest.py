"""A template to send, and a transport to send it with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.integrations.mail.services import queue_mail
from apps.integrations.models import MailMessage

TEMPLATES = {
    "greeting.subject.txt": "Hello {{ name }}\n & welcome\n",
    "greeting.txt": (
        '{% extends "emails/base.txt" %}{% block body %}Dear {{ name }},\n\n\n\n\nopen {{ link }}{% endblock %}'
    ),
    "greeting.html": (
        '{% extends "emails/base.html" %}{% block body %}<p>Dear {{ name }}</p>'
        '{% include "emails/_button.html" with url=link label="Open" %}{% endblock %}'
    ),
    "plain.subject.txt": "Plain",
    "plain.txt": "Only text",
    "broken.subject.txt": "Broken",
    "broken.txt": "x",
    "broken.html": '{% extends "emails/missing.html" %}',
}


@pytest.fixture
def mail_templates(tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "templates" / "emails"
    folder.mkdir(parents=True)
    for name, content in TEMPLATES.items():
        (folder / name).write_text(content)
    engine = dict(settings.TEMPLATES[0])
    engine["DIRS"] = [*engine["DIRS"], tmp_path / "templates"]
    settings.TEMPLATES = [engine]


@pytest.fixture
def queued(mail_templates: None, db: None) -> Callable[..., MailMessage]:
    """Queue a greeting: `queued("key")`."""

    def queue(key: str = "greeting:1", to: Any = "ann@example.com", **options: Any) -> MailMessage:
        context = {"name": "Ann", "link": "https://levqor.example/go?a=1&b=2"}
        return queue_mail("greeting", to, context, idempotency_key=key, **options)

    return queue
