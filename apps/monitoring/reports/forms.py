"""A kept document in its three forms: for a page, as Markdown, as PDF."""

from typing import Any

from django.utils.translation import gettext as _

from apps.core import pdf
from apps.core.charts import Chart, Point, Series, paper_bars, stacked_bars
from apps.monitoring.figures import NOTHING

PER_ROW = 4  # figures side by side on paper
LONG = 25  # rows of a table that does not stay on one page with its heading
Stored = dict[str, Any]


def with_charts(document: Stored) -> Stored:
    """The document for a page: its charts are drawn."""
    return _each_chart(document, lambda block: {"chart": _chart(block)})


def to_pdf(document: Stored) -> bytes:
    """The document on paper."""
    printed = _each_chart(document, lambda block: {"image": paper_bars(_points(block), _series(block))})
    for section in printed["sections"]:
        section["long"] = any(len(block.get("rows", ())) > LONG for block in section["blocks"])
        for block in section["blocks"]:
            if block["kind"] == "figures":
                items = block["items"]
                block["lines"] = [items[at : at + PER_ROW] for at in range(0, len(items), PER_ROW)]
            if block["kind"] == "table":
                block["widths"] = _widths(len(block["columns"]), block["texts"])
    return pdf.render("monitoring/report.html", {"document": printed})


def _widths(columns: int, texts: int) -> list[int]:
    """Per cent of each column: those with words are wider, and so is the last, which tells changes."""
    parts = [3 if number < texts or number == columns - 1 else 2 for number in range(columns)]
    return [round(100 * part / sum(parts)) for part in parts]


def _each_chart(document: Stored, make: Any) -> Stored:
    sections = [
        {
            **section,
            "blocks": [{**block, **(make(block) if block["kind"] == "bars" else {})} for block in section["blocks"]],
        }
        for section in document["sections"]
    ]
    return {**document, "sections": sections}


def _points(block: Stored) -> list[Point]:
    return [Point(label, title, values) for label, title, values in block["points"]]


def _series(block: Stored) -> list[Series]:
    return [Series(code, label, tone) for code, label, tone in block["series"]]


def _chart(block: Stored) -> Chart:
    return stacked_bars(block["title"], _points(block), _series(block))


# Markdown -----------------------------------------------------------------------------------------------------------
def to_markdown(document: Stored) -> str:
    """The document as Markdown: charts become the tables that they are drawn from."""
    parts = [f"# {_plain(document['title'])}", _plain(document["period"]), f"**{_plain(document['summary'])}**"]
    for section in document["sections"]:
        parts.append(f"## {_plain(section['title'])}")
        parts += [_block(block) for block in section["blocks"]]
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Stored) -> str:
    kind = block["kind"]
    if kind == "figures":
        return "\n".join(_figure(item) for item in block["items"])
    if kind == "table":
        rows = [[cell["text"] for cell in cells] for cells in block["rows"]]
        return _table(block["columns"], rows, block["texts"]) if rows else _plain(block["empty"])
    if kind == "bars":
        columns = [block["first_column"] or _("When"), *(label for _code, label, _tone in block["series"])]
        codes = [code for code, _label, _tone in block["series"]]
        rows = [[title, *(_amount(values.get(code, 0)) for code in codes)] for _label, title, values in block["points"]]
        return f"### {_plain(block['title'])}\n\n{_table(columns, rows, 1)}" if rows else ""
    if kind == "checks":
        return "\n".join(_check(item) for item in block["items"])
    return _plain(block["text"])


def _amount(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,g}"


def _figure(item: Stored) -> str:
    note = f" ({_plain(item['note'])})" if item["note"] else ""
    return f"- {_plain(item['label'])}: **{_plain(item['value'])}**{note}"


def _check(item: Stored) -> str:
    if item["done"]:
        return f"- {_('none')}: {_plain(item['label'])}"
    words = f"{_plain(item['label'])}: {_plain(item['note'])}" if item["note"] else _plain(item["label"])
    return f"- **{_('to do')}**: {words}"


def _table(columns: list[str], rows: list[list[str]], texts: int) -> str:
    lines = [
        "| " + " | ".join(_plain(column) for column in columns) + " |",
        "|" + "|".join("---" if number < texts else "---:" for number in range(len(columns))) + "|",
        *("| " + " | ".join(_plain(cell) for cell in cells) + " |" for cells in rows),
    ]
    return "\n".join(lines)


_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})


def _plain(text: str) -> str:
    """Text that Markdown reads as it is: what names and errors hold makes no link, table or heading."""
    return " ".join(str(text).split()).translate(_SIGNS)
