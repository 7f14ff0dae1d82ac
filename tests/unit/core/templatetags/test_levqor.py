"""Tags and filters show values alike everywhere, and escape what people wrote."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.template import Context, Template
from django.test import RequestFactory

from apps.core.money import Money
from apps.core.templatetags import levqor

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def render(template: str, **context: object) -> str:
    return Template("{% load levqor %}" + template).render(Context(context))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0, "0 ms"),
        (42, "42 ms"),
        (99.4, "99 ms"),
        (412, "0.4 s"),
        (1_400, "1.4 s"),
        (59_949, "59.9 s"),
        (59_950, "1 min 0 s"),
        (125_000, "2 min 5 s"),
        (3_599_600, "1 h 0 min"),
        (12_000_000, "3 h 20 min"),
        (187_200_000, "2 d 4 h"),
        (timedelta(seconds=2), "2.0 s"),
        (-5, "0 ms"),
    ],
)
def test_durations_have_a_fitting_unit(value: float | timedelta | None, shown: str) -> None:
    assert levqor.duration(value) == shown


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (timedelta(seconds=-3), "now"),
        (timedelta(seconds=4), "now"),
        (timedelta(seconds=-59), "59 seconds ago"),
        (timedelta(seconds=-119), "1 minute ago"),
        (timedelta(minutes=-59, seconds=-59), "59 minutes ago"),
        (timedelta(hours=-47), "1 day ago"),
        (timedelta(days=3), "in 3 days"),
        (timedelta(days=-8), "1 week ago"),
        (timedelta(days=-400), "1 year ago"),
    ],
)
def test_relative_times_are_cut_not_rounded(ahead: timedelta, shown: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert levqor.relative_time(NOW + ahead) == shown


def test_a_timestamp_carries_the_exact_time() -> None:
    with time_machine.travel(NOW, tick=False):
        html = render("{% timestamp at %}", at=NOW - timedelta(minutes=2))
        assert 'datetime="2026-11-20T11:58:00.000+00:00"' in html
        assert 'title="20 Nov 2026, 11:58:00 UTC"' in html
        assert "data-relative>2 minutes ago</time>" in html
        assert "data-elapsed>2 min 0 s</time>" in render(
            "{% timestamp at elapsed=True %}", at=NOW - timedelta(minutes=2)
        )
    assert render("{% timestamp at %}", at=None) == "—"


def test_a_state_is_colour_and_word() -> None:
    assert render("{% badge 'failed' %}") == '<span class="badge bad">Failed</span>'
    assert render("{% badge 'running' %}") == '<span class="badge go live">Running</span>'
    assert render("{% badge 'running' live=False %}") == '<span class="badge go">Running</span>'
    assert render("{% badge 'odd_state' %}") == '<span class="badge idle">Odd state</span>'
    assert render("{% badge 'x' label=label tone='ok' %}", label="<b>") == '<span class="badge ok">&lt;b&gt;</span>'


def test_a_step_that_has_not_started_shows_its_number() -> None:
    assert ">8</span>" in render("{% status_dot 'pending' 8 %}")
    assert "#check" in render("{% status_dot 'succeeded' 8 %}")
    assert "live" in render("{% status_dot 'running' 8 %}")


def test_an_icon_is_decoration_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in render("{% icon 'plus' %}")
    labelled = render("{% icon 'plus' label='Add' %}")
    assert 'role="img" aria-label="Add"' in labelled
    assert "aria-hidden" not in labelled


def test_source_is_highlighted_and_escaped() -> None:
    html = render("{{ source|highlight:'yaml' }}", source='name: "<script>alert(1)</script>"\n')
    assert "<script>" not in html
    assert '<span class="nt">name</span>' in html


def test_numbers_money_ids_and_names() -> None:
    assert levqor.number(18_204) == "18,204"
    assert levqor.number(None) == "—"
    assert levqor.percent(0.9921) == "99.2 %"
    assert levqor.percent(1.0) == "100 %"
    assert levqor.percent(0.99999) == "99.9 %"
    assert levqor.percent(0.5) == "50 %"
    assert levqor.money(Money(129_900, "EUR")) == "€1,299.00"
    assert levqor.short_id("run_01m7f2x4kzq9c1") == "run_01m7…q9c1"
    assert levqor.short_id("run_short") == "run_short"
    assert [levqor.initials(name) for name in ("Demo Organization", "ann.lee@example.com", "")] == ["DO", "AL", "?"]


@pytest.mark.parametrize(
    ("path", "url", "current"),
    [("/runs", "/runs", True), ("/runs/run_1", "/runs", True), ("/runsheet", "/runs", False), ("/runs", "/", False)],
)
def test_the_current_link_is_marked(path: str, url: str, current: bool) -> None:
    html = render("{% nav_current url %}", url=url, request=RequestFactory().get(path))
    assert bool(html) is current


@pytest.mark.parametrize(
    ("query", "now", "following"), [("", "", "name"), ("name", "ascending", "-name"), ("-name", "descending", "name")]
)
def test_a_header_sorts_up_then_down(query: str, now: str, following: str) -> None:
    request = RequestFactory().get("/", {"sort": query})
    assert levqor.sort_state(Context({"request": request}), "name") == {"now": now, "next": following}
