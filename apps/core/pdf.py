"""PDF of a template: `templates/pdf/…`, which extends `pdf/base.html` with our header, page numbers and typeface.

What is printed may come from customers and vendors, so a document reads nothing but our font files and what it holds
itself (`data:` addresses): no network, no other file, within limits of time and size. What it names besides is left out
and logged by the library. Links to other places are made only to addresses that the platform itself chose.
"""

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import font_source_sans_pro
from django.template.loader import render_to_string

from apps.core.brand import current_brand
from apps.core.clock import now

FONTS = Path(font_source_sans_pro.font_directory)
MOST_SECONDS = 60.0
LIBRARY = "xhtml2pdf"  # loaded with the first document: it takes 0.3 s, which every process would spend at its start


class PdfError(RuntimeError):
    """The template made no document."""


def render(template: str, context: dict[str, Any]) -> bytes:
    """The document as bytes. Raises `PdfError`."""
    words = {"brand": current_brand(), "fonts": FONTS, "printed_at": now(), **context}
    out = BytesIO()
    status = import_module(f"{LIBRARY}.pisa").CreatePDF(
        render_to_string(f"pdf/{template}", words),
        dest=out,
        encoding="utf-8",
        raise_exception=True,
        resource_policy=policy(),
    )
    if status.err:
        raise PdfError(f"{template}: {status.err} errors")
    return out.getvalue()


def policy() -> Any:
    """What a document may read (the library's `ResourceAccessPolicy`): our fonts."""
    resources = import_module(f"{LIBRARY}.config.resources")
    return resources.ResourceAccessPolicy.server(FONTS, allow_remote=False, max_render_seconds=MOST_SECONDS)
