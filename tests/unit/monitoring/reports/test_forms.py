"""One document in three forms; what names hold is text in each of them."""

import io

from django.template.loader import render_to_string
from pypdf import PdfReader

from apps.monitoring.reports import forms
from apps.monitoring.reports.document import (
    Bars,
    Cell,
    Check,
    Checks,
    Document,
    Figures,
    Number,
    Section,
    Table,
    Words,
    row,
)

NASTY = "a|b <b>bold</b> [x](javascript:alert(1)) # *s*\nnew"
DOCUMENT = Document(
    "Weekly report",
    "a week",
    "Revenue $5.00, up.",
    [
        Section("Overview", [Figures([Number("Runs", "1,234", "+4", "ok"), Number("Margin", "−$3.00")])]),
        Section("Products", [Table(["Product", "Now"], [row(NASTY, Cell("$5.00", "ok"))]), Table(["A"], [], "None.")]),
        Section("Trends", [Bars("Runs", [("runs", "Runs", "brand")], [("W1", "Week 1", {"runs": 5})], "Week")]),
        Section("To do", [Checks([Check("Open alarms", "3", False, "/admin/"), Check("Dead", "", True)])]),
        Section("Words", [Words("That is all.", "wait")]),
    ],
).stored()


def test_markdown() -> None:
    text = forms.to_markdown(DOCUMENT)
    assert text.startswith(
        "# Weekly report\n\na week\n\n**Revenue $5.00, up.**\n\n## Overview\n\n- Runs: **1,234** (+4)"
    )
    assert "| Product | Now |\n|---|---:|\n" in text
    assert "a\\|b \\<b\\>bold\\</b\\> \\[x\\](javascript:alert(1)) \\# \\*s\\* new" in text
    assert "### Runs\n\n| Week | Runs |\n|---|---:|\n| Week 1 | 5 |" in text
    assert "- **to do**: Open alarms: 3\n- none: Dead" in text
    assert text.endswith("## Words\n\nThat is all.\n")


def test_pdf_can_be_read_back() -> None:
    found = PdfReader(io.BytesIO(forms.to_pdf(DOCUMENT)))
    text = " ".join(page.extract_text() for page in found.pages)
    for words in ("Weekly report", "1,234", "−$3.00", "<b>bold</b>", "None.", "Open alarms", "That is all.", "W1"):
        assert words in text


def test_a_page_draws_its_charts() -> None:
    [block] = forms.with_charts(DOCUMENT)["sections"][2]["blocks"]
    assert "<svg" in block["chart"].drawings[0][1]
    assert block["chart"].rows == [("Week 1", [5])]


def test_what_was_not_counted_is_no_zero() -> None:
    points = [("W1", "Week 1", {"runs": None}), ("W2", "Week 2", {"runs": 0}), ("W3", "Week 3", {"runs": 5})]
    told = Document("T", "p", "s", [Section("S", [Bars("Runs", [("runs", "Runs", "brand")], points, "Week")])]).stored()
    assert "| Week 1 | — |\n| Week 2 | 0 |\n| Week 3 | 5 |" in forms.to_markdown(told)
    [block] = forms.with_charts(told)["sections"][0]["blocks"]
    assert block["chart"].rows == [("Week 1", [None]), ("Week 2", [0]), ("Week 3", [5])]
    page = render_to_string("admin/monitoring/report.html", {"document": forms.with_charts(told)})
    assert "—" in page[page.index("Week 1</th>") : page.index("Week 2</th>")]
    assert forms.to_pdf(told).startswith(b"%PDF")


def test_what_looks_like_a_secret_is_not_kept() -> None:
    told = Document("T", "p", "key sk_live_abcdefgh12345678", [Section("S", [Words("password: hunter2hunter2")])])
    text = forms.to_markdown(told.stored())
    assert "sk_live" not in text
    assert "hunter2" not in text


def test_of_what_there_is_none_nothing_is_done() -> None:
    """ "done: Jobs that failed" reads as if somebody had failed jobs."""
    page = render_to_string("admin/monitoring/report.html", {"document": forms.with_charts(DOCUMENT)})
    found = PdfReader(io.BytesIO(forms.to_pdf(DOCUMENT)))
    paper = " ".join(page.extract_text() for page in found.pages)
    for text in (page, paper):
        assert "none" in text
        assert "to do" in text
        assert "done<" not in text
        assert "done\n" not in text
