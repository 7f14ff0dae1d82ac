"""What staff's templates of alarms may say, and how little it can cost."""

import time
from contextlib import suppress

import pytest
from django.template import TemplateSyntaxError
from django.template.smartif import OPERATORS

from apps.core.registry import contributed
from apps.notifications.models import AlertTemplate
from apps.notifications.staff_language import EACH, MOST_WORK, PlainExpression, TooMuchError
from apps.notifications.wording import preview, words_of
from tests.common.alarms import WORKER

VALUES = {
    "subject": "w1",
    "since": "Monday",
    "jobs": [{"name": "a", "errors": ["x", "y"]}, {"name": "b", "errors": []}],
    "by_day": {"mon": 1, "tue": 2},
    "share": 0.12345,
    "items_left": 3,
    "long": "x" * 60,
}
LOOPS = "{% for a in long %}" * 6 + "x" + "{% endfor %}" * 6
WIDE = "{% for a in long %}{% for b in long %}" + "x" * 3000 + "{% endfor %}{% endfor %}"


def said(template: str, **more: object) -> str:
    return preview("t", template, VALUES | more)[1]


@pytest.mark.parametrize(
    ("template", "comes_out"),
    [
        ("{{ subject|upper }} since {{ since|default:'?' }}", "W1 since Monday"),
        (
            "{% for job in jobs %}{{ forloop.counter }}{{ job.name }}:{{ job.errors|join:'+' }} {% endfor %}",
            "1a:x+y 2b:",
        ),
        ("{% for job in jobs %}{% for one in job.errors %}{{ one }}{% empty %}-{% endfor %}{% endfor %}", "xy-"),
        ("{% for day, count in by_day.items %}{{ day }}={{ count }};{% endfor %}", "mon=1;tue=2;"),
        ("{% if items_left > 2 and jobs.0.name == 'a' %}many{% else %}few{% endif %}", "many"),
        ("{{ share|floatformat:1 }} {{ items_left }} job{{ items_left|pluralize }} {{ jobs|length }}", "0.1 3 jobs 2"),
        ("{% with name=jobs.0.name %}{{ name }}{% endwith %}{# aside #}{% comment %}x{% endcomment %}", "a"),
        ("{{ long|truncatechars:5 }} {{ subject|yesno:'yes,no' }} {{ by_day }}", "xxxx… yes {'mon': 1, 'tue': 2}"),
        ("{{ subject|join:'xxxxxxxx'|join:'xxxxxxxx' }}", "w1"),
        ("{{ missing }} {{ jobs.7 }} {{ subject.upper }}", "⟨missing?⟩ ⟨jobs.7?⟩ ⟨subject.upper?⟩"),
    ],
)
def test_what_can_be_said(template, comes_out):
    assert said(template) == comes_out


@pytest.mark.parametrize(
    "template",
    ['{{ subject|ljust:"200000000" }}', '{{ subject|rjust:"200000000" }}', '{{ subject|center:"200000000" }}',
     '{{ subject|stringformat:"200000000s" }}', "{{ share|floatformat:200000 }}",
     "{% lorem 200000 p %}", "{{ subject|add:subject }}", "{{ subject|addslashes }}", "{{ subject|pprint }}",
     "{{ subject|urlizetrunc:5 }}", "{% widthratio share 1 1 %}",
     "{% regroup jobs by name as x %}", "{% cycle 'a' 'b' %}",
     "{% debug %}", "{% load static %}", "{% include 'x' %}", "{% extends 'x' %}", "{% url 'x' %}", "{% now 'r' %}",
     "{{ subject.__class__ }}", LOOPS, WIDE, "{{ long|upper }}" * 250],
)  # fmt: skip
def test_what_costs_much_is_refused_and_costs_little(template):
    begun = time.process_time()
    with pytest.raises((TemplateSyntaxError, ValueError)):
        said(template, long="x" * 8000 if template.startswith("{{ long") else VALUES["long"])
    assert time.process_time() - begun < 1


IFS = "{% if 1 == 1 %}{% endif %}"


@pytest.mark.parametrize(
    "template",
    [
        f"{{% for a in numbers %}}{IFS * 120}{{% endfor %}}",
        f"{{% for a in '{'x' * 1900}' %}}{IFS * 70}{{% endfor %}}",
        f"{{% for a in numbers %}}{'{% if not 1 %}{% endif %}' * 120}{{% endfor %}}",
        f"{{% for a in numbers %}}{'{% if 1 and numbers %}{% endif %}' * 100}{{% endfor %}}",
        f"{{% for a in numbers %}}{IFS.replace('1 ', 'a|upper ', 1) * 100}{{% endfor %}}",
    ],
    ids=["equal", "literal", "not", "and", "filter"],
)
def test_conditions_end_where_the_work_is_spent(template, monkeypatch):
    """Django's conditions swallow errors: the loop must not go on."""
    looked, resolve = [], PlainExpression.resolve

    def counted(*given, **named):
        looked.append(1)
        return resolve(*given, **named)

    monkeypatch.setattr(PlainExpression, "resolve", counted)
    with pytest.raises(TooMuchError, match="too much to work out"):
        said(template, numbers=[1] * 3000)
    assert len(looked) <= MOST_WORK / EACH


@pytest.mark.parametrize("words", ["not " * 400, "0 and " * 320, "1 or " * 380], ids=lambda words: words[:5].strip())
def test_each_turn_costs_all_that_is_written_in_it(words, monkeypatch):
    """A word of a condition is worked out though it looks up nothing."""
    worked_out = []
    for operator in ("not", "and", "or"):
        evaluate = OPERATORS[operator].eval

        def counted(self, context, evaluate=evaluate):
            worked_out.append(1)
            return evaluate(self, context)

        monkeypatch.setattr(OPERATORS[operator], "eval", counted)
    with pytest.raises(TooMuchError):
        said(f"{{% for a in numbers %}}{f'{{% if {words}1 %}}{{% endif %}}' * 2}{{% endfor %}}", numbers=[1] * 3000)
    assert len(worked_out) <= MOST_WORK


def test_what_is_too_much_to_join_is_said_in_a_condition_too():
    with pytest.raises(TooMuchError, match="too much to join"):
        said("{% if numbers|join:long == 1 %}x{% endif %}", numbers=[1] * 3000, long="x" * 100)


def test_nothing_grows_by_being_asked_for_its_parts():
    doubling = ".encode.hex" * 40
    for template in (f"{{{{ subject{doubling} }}}}", f"{{{{ missing|default:subject{doubling} }}}}",
                     f"{{% if subject{doubling} %}}x{{% endif %}}"):  # fmt: skip
        with suppress(ValueError):  # an argument that is not there
            assert len(said(template)) < 1000
    jobs = [1, 2]
    said("{{ jobs.clear }}{{ jobs.pop }}{% for x in jobs.reverse %}{% endfor %}", jobs=jobs)
    assert jobs == [1, 2]


def test_much_data_is_cut_and_too_much_is_broken():
    assert len(said("{{ long }}", long="x" * 300_000)) == 8000
    with pytest.raises(ValueError, match="too much"):
        said("{% for job in jobs %}{{ job }}{% endfor %}", jobs=["x" * 1000] * 1000)


@pytest.mark.django_db
def test_an_alarm_goes_out_though_its_template_would_take_for_ever():
    with contributed(WORKER):
        for detail in ('{{ subject|ljust:"200000000" }}', LOOPS):
            AlertTemplate.objects.update_or_create(code="worker_gone", defaults={"title": "t", "detail": detail})
            begun = time.process_time()
            words = words_of(WORKER, "w1", {"since": "Monday", "long": "x" * 60})
            assert time.process_time() - begun < 1
            assert words.title == "Worker w1 is gone"
            assert AlertTemplate.objects.get().broken == words.broken != ""
