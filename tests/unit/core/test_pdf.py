"""PDFs: our typeface, header and page numbers; nothing from outside; the text can be read back."""

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from django.template import engines
from pypdf import PdfReader

from apps.core import pdf
from apps.core.charts import Point, Series, paper_bars

BODY = '{% extends "pdf/base.html" %}{% block title %}T{% endblock %}{% block content %}BODY{% endblock %}'


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Prints a piece of HTML in our frame."""

    def make(body: str) -> PdfReader:
        template = engines["django"].from_string(BODY.replace("BODY", body))
        monkeypatch.setattr(pdf, "render_to_string", lambda _name, context: template.render(context))
        return PdfReader(io.BytesIO(pdf.render("tried.html", {})))

    return make


def test_header_pages_and_signs(printed: Any) -> None:
    found = printed("<p>Zürich – “quotes” € −3 ±0 … ■</p>" * 80)
    texts = [page.extract_text() for page in found.pages]
    assert len(texts) > 1
    assert all("Levqor" in text for text in texts)
    assert [f"Page {number} of {len(texts)}" in text for number, text in enumerate(texts, start=1)] == [True] * len(
        texts
    )
    assert "Zürich – “quotes” € −3 ±0 … ■" in texts[0]


def test_the_typeface_is_in_the_file(printed: Any) -> None:
    page = printed("<p>plain <b>strong</b></p>").pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    embedded = {str(font["/BaseFont"]) for font in fonts if "/FontDescriptor" in font}
    assert {name.partition("+")[2] for name in embedded} == {"SourceSansPro-Regular", "SourceSansPro-Semibold"}


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "/etc/hostname",
        "../../../../etc/hostname",
        "http://127.0.0.1:9/x.png",
        "https://levqor.example/x.png",
    ],
)
def test_nothing_is_read_from_outside(printed: Any, source: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = printed(f'<p>before <img src="{source}"/> after</p>')
    assert "before" in found.pages[0].extract_text()
    assert not found.pages[0].images
    assert "Blocked by the resource policy" in caplog.text


def test_fonts_are_all_that_may_be_read() -> None:
    found = pdf.policy()
    assert (found.allow_remote, found.base_dir, found.allow_local_outside_base) == (False, Path(pdf.FONTS), False)


def test_a_chart_is_drawn(printed: Any) -> None:
    points = [Point(f"W{number}", f"Week {number}", {"a": number}) for number in range(5)]
    image = paper_bars(points, [Series("a", "Runs", "brand")])
    page = printed(f'<p>chart</p><img src="{image}"/>').pages[0]
    assert "W4" in page.extract_text()
    assert len(page.get_contents().get_data()) > 3_000  # it is drawn, not a picture
