"""What the check finds, what it leaves alone, and that the project passes it."""

import types

import pytest
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError
from apps.core.kinds import Permission
from apps.core.management.commands.check_strings import unmarked
from apps.core.strings import unmarked_in_python, unmarked_in_template


def in_html(source: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.text) for finding in unmarked_in_template(source)]


def in_python(source: str) -> list[str]:
    module = types.ModuleType("example")
    module.__dict__.update(
        models=models, DomainError=DomainError, Permission=Permission, _=_, CharField=models.CharField
    )
    return [finding.text for finding in unmarked_in_python(source, module)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>Hello there</p>", [(1, "Hello there")]),
        ("<p>\n  Hello\n  there</p>", [(2, "Hello"), (3, "there")]),
        ('<input placeholder="Your name">', [(1, "Your name")]),
        ('<button aria-label="Close" title="Close">×</button>', [(1, "Close")]),
        ('<input type="submit" value="Save it">', [(1, "Save it")]),
        ('{% include "a.html" with title="Nothing here" %}', [(1, "Nothing here")]),
        ("{% if x %}<b>Yes</b>{% else %}{% translate 'No' %}{% endif %}", [(1, "Yes")]),
        ("<a>{{ count }} runs</a>", [(1, "0 runs")]),
    ],
)
def test_unmarked_text_is_found(source: str, expected: list[tuple[int, str]]) -> None:
    assert in_html(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "<p>{% translate 'Hello there' %}</p>",
        "<p>{% blocktranslate count n=n %}One run{% plural %}{{ n }} runs{% endblocktranslate %}</p>",
        '<input placeholder="{% translate "Your name" %}" value="typed">',
        '{% include "a.html" with title=_("Nothing here") icon="arrow right" %}',
        '{% include "components/copy.html" with text="make run" %}',
        "{% comment %}Said to developers{% endcomment %}{# and this #}",
        "<code>levqor run</code><script>let word = 'x';</script><pre>a: text</pre>",
        '<svg><path d="M0"/><text>axis</text></svg>',
        "{% block main_class %}wide page{% endblock %}",
        '<span translate="no">Ada</span> <b>42</b> · Levqor API',
        "<p>person@example.com https://example.com/path file.yaml</p>",
        "<p>Hello</p>{# not translated: a test #}",
        '<{% if url %}a href="{{ url }}"{% else %}div{% endif %} class="one">',
    ],
)
def test_marked_text_code_and_names_are_left_alone(source: str) -> None:
    assert in_html(source) == []


def test_mail_in_plain_text() -> None:
    source = "{% translate 'Hello' %} {{ name }},\nwelcome aboard\n{{ url }} https://example.com/welcome"
    assert [(found.line, found.text) for found in unmarked_in_template(source, html=False)] == [(2, "welcome aboard")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('models.CharField("name of it", max_length=3)', ["name of it"]),
        ('CharField(verbose_name="name")', ["name"]),
        ('CharField(help_text=f"At most {n} of them")', ["At most of them"]),
        ('raise DomainError("You may not", code="no")', ["You may not"]),
        ('raise DomainError(detail="You " + "may")', ["You"]),
        ('Permission("runs.view", "See runs", ROLES)', ["See runs"]),
        ('messages.success(request, "Saved" if saved else "Kept")', ["Kept", "Saved"]),
        ("class A(DomainError):\n    code, title = 'a', 'Not so'", ["Not so"]),
        ("class A(models.TextChoices):\n    OPEN = 'open', 'Open'", ["Open"]),
        ("class Meta:\n    verbose_name = 'run'", ["run"]),
    ],
)
def test_unmarked_literals_are_found(source: str, expected: list[str]) -> None:
    assert sorted(in_python(source)) == expected


@pytest.mark.parametrize(
    "source",
    [
        'models.CharField(_("name"), max_length=3)',
        'models.ForeignKey("accounts.User", on_delete=x)',
        'raise ValueError("a mistake in our code")',
        'raise DomainError(_("You may not"), code="no_way")',
        'raise DomainError("Told to staff")  # not translated: for operators',
        'Permission("runs.view", _("See runs"), ROLES)',
        "class A(models.TextChoices):\n    OPEN = 'open', _('Open')",
        'log.warning("something happened")',
        'x = {"label": 1}',
    ],
)
def test_marked_literals_and_code_are_left_alone(source: str) -> None:
    assert in_python(source) == []


def test_the_project_is_marked() -> None:
    assert [f"{path}:{finding.line}: {finding.text}" for path, finding in unmarked(settings.BASE_DIR)] == []
